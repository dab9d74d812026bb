// Command generate writes the data set of package golang: all importable packages of the
// standard library and of each module that this one is built from. It asks the go command for
// the list.
//
//	go generate ./p2pnode/internal/golang
//
// It asks for linux/amd64 without cgo, so that the result depends on go.mod and the version of
// Go and not on the machine. It leaves out packages that cannot be imported: those in internal
// and vendor folders, and package main.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
)

func main() {
	out := flag.String("o", "packages.jsonl", "the file to write")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	packages, err := list("std")
	if err != nil {
		return err
	}
	built, err := list("-deps", "github.com/newsnet-africa/netabase-go/...")
	if err != nil {
		return err
	}
	modules := map[string]bool{}
	for _, p := range built {
		if p.Module != golang.Std {
			modules[p.Module] = true
		}
	}
	// These are all packages of the modules, also those that nothing here imports. A pattern
	// also matches nested modules, which are not modules of their own here unless something
	// imports them. -e is set because some modules have broken packages for their tests.
	args := []string{"-e"}
	for module := range modules {
		args = append(args, module+"/...")
	}
	all, err := list(args...)
	if err != nil {
		return err
	}
	for _, p := range all {
		if modules[p.Module] {
			packages = append(packages, p)
		}
	}
	slices.SortFunc(packages, func(a, b golang.Package) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	packages = slices.CompactFunc(packages, func(a, b golang.Package) bool { return a.ImportPath == b.ImportPath })
	return write(out, packages)
}

// listed has the parts of the go command's output that are used.
type listed struct {
	ImportPath string
	Name       string
	Doc        string
	Standard   bool
	Module     *struct{ Path string }
	GoFiles    []string
	Imports    []string
	Error      *struct{ Err string }
}

// list returns the importable packages of "go list".
func list(args ...string) ([]golang.Package, error) {
	cmd := exec.Command("go",
		append([]string{"list", "-json=ImportPath,Name,Doc,Standard,Module,GoFiles,Imports,Error"}, args...)...)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var packages []golang.Package
	decoder := json.NewDecoder(stdout)
	for {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, errors.Join(fmt.Errorf("reading the go command's output: %w", err), cmd.Wait())
		}
		if importable(p) {
			packages = append(packages, convert(p))
		}
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	return packages, nil
}

func importable(p listed) bool {
	if p.Name == "main" || len(p.GoFiles) == 0 || p.Error != nil || (p.Module == nil && !p.Standard) {
		return false
	}
	for element := range strings.SplitSeq(p.ImportPath, "/") {
		if element == "internal" || element == "vendor" {
			return false
		}
	}
	return true
}

func convert(p listed) golang.Package {
	module := golang.Std
	if p.Module != nil {
		module = p.Module.Path
	}
	return golang.Package{
		ImportPath: p.ImportPath,
		Name:       p.Name,
		Synopsis:   p.Doc,
		Module:     module,
		Imports:    uint64(len(p.Imports)),
	}
}

func write(path string, packages []golang.Package) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for i := range packages {
		if err := encoder.Encode(&packages[i]); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(w.Flush(), f.Close())
}
