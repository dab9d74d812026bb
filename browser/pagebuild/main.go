// Pagebuild builds the Go program of a web page, as small as it can be:
//
//	go run github.com/newsnet-africa/netabase-go/browser/pagebuild -o web ./page
//
// It writes page.wasm to the directory web, and wasm_exec.js, with which a page starts the program. The file has
// the name of the package's directory. Serve it compressed: `brotli page.wasm` makes the file that a web server
// can send.
//
// Two things make it smaller than `go build -ldflags="-s -w"` does. Tables of two modules that libp2p depends on
// are left out: see tables.go. And calls are not inlined in modules of others, but for those that take much of
// the time of a store or a handshake. The program does the same.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	out := flag.String("o", ".", "the directory for the files")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: pagebuild [-o directory] package")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := build(context.Background(), flag.Arg(0), *out); err != nil {
		log.Fatal(err)
	}
}

// build builds the program of a package and writes its files to a directory.
func build(ctx context.Context, pkg, to string) (err error) {
	dir, err := command(ctx, "list", "-f", "{{.Dir}}", pkg)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "pagebuild")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	modfile, err := withoutTables(ctx, pkg, temp)
	if err != nil {
		return err
	}
	args := []string{
		"build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(to, filepath.Base(dir)+".wasm"), "-gcflags=all=-l",
	}
	own, err := command(ctx, "list", "-m")
	if err != nil {
		return err
	}
	args = append(args, inlining(strings.Fields(own))...)
	if modfile != "" {
		args = append(args, "-mod=mod", "-modfile="+modfile)
	}
	if _, err := command(ctx, append(args, pkg)...); err != nil {
		return err
	}
	root, err := command(ctx, "env", "GOROOT")
	if err != nil {
		return err
	}
	glue, err := os.ReadFile(filepath.Join(root, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "wasm_exec.js"), glue, 0o666)
}

// inlined are the packages in which calls are inlined, besides those of the program's own module: the standard
// library, and those in which programs with a store spend their time.
var inlined = []string{
	"std",
	"github.com/newsnet-africa/netabase-go/...",
	"github.com/fxamacker/cbor/...",
	"github.com/klauspost/compress/...",
	"github.com/tidwall/btree/...",
	"golang.org/x/crypto/...",
}

// inlining returns the flags that have calls inlined in those packages, and in all of the program's own modules.
func inlining(own []string) (flags []string) {
	patterns := slices.Clone(inlined)
	for _, module := range own {
		patterns = append(patterns, module+"/...")
	}
	for _, pattern := range patterns {
		flags = append(flags, "-gcflags="+pattern+"=")
	}
	return flags
}

// command runs the go command for a program in a browser, and returns what it prints.
func command(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	var problem strings.Builder
	cmd.Stderr = &problem
	printed, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, problem.String())
	}
	return strings.TrimSpace(string(printed)), nil
}
