package main

import (
	"context"
	"errors"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// table is a table in a module that a program in a browser can do without.
type table struct {
	module string
	// files are the contents of the files of the module that have the table or read it.
	files map[string]string
}

var tables = []table{
	// Multiples of a point, 525 KB compressed, make signatures with keys of secp256k1 faster. Without them the
	// module computes as it does where memory is short. Keys of most peers are of another kind.
	{"github.com/decred/dcrd/dcrec/secp256k1/v4", map[string]string{
		"compressedbytepoints.go": "package secp256k1\n",
		"curve_precompute.go": "package secp256k1\n\n" +
			"func scalarBaseMultNonConst(k *ModNScalar, result *JacobianPoint) {\n" +
			"\tscalarBaseMultNonConstSlow(k, result)\n}\n",
	}},
	// The networks of the internet by their addresses, 318 KB compressed, are for servers that limit how many
	// peers of one network they serve. A browser does not tell a page addresses. Without them no network is known.
	{"github.com/libp2p/go-libp2p-asn-util", map[string]string{"sorted-network-list.bin": ""}},
}

// withoutTables copies the modules that have tables to a directory, without them, and returns the path of a
// go.mod there that has the copies in their place. It returns "" if there is nothing to leave out, and in a
// workspace, where the go command takes no other go.mod.
func withoutTables(ctx context.Context, pkg, temp string) (modfile string, err error) {
	workspace, err := command(ctx, "env", "GOWORK")
	if err != nil {
		return "", err
	}
	if workspace != "" && workspace != "off" {
		log.Printf("the program keeps its tables, because of the workspace %s; GOWORK=off leaves them out", workspace)
		return "", nil
	}
	used, err := command(ctx, "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}{{end}}", pkg)
	if err != nil {
		return "", err
	}
	dirs := map[string]string{}
	for line := range strings.Lines(used) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		dirs[path] = dir
	}
	edit := []string{"mod", "edit"}
	for i, t := range tables {
		from := dirs[t.module]
		if from == "" || !t.in(from) {
			continue
		}
		to := filepath.Join(temp, string(rune('a'+i)))
		if err := t.copyWithout(from, to); err != nil {
			return "", err
		}
		edit = append(edit, "-replace="+t.module+"="+to)
	}
	if len(edit) == len([]string{"mod", "edit"}) {
		return "", nil
	}
	own, err := command(ctx, "env", "GOMOD")
	if err != nil {
		return "", err
	}
	modfile = filepath.Join(temp, "go.mod")
	if err := errors.Join(copyFile(own, modfile), copyFile(sumOf(own), sumOf(modfile))); err != nil {
		return "", err
	}
	_, err = command(ctx, append(edit, modfile)...)
	return modfile, err
}

// sumOf returns the path of the go.sum that belongs to a go.mod.
func sumOf(modfile string) string { return strings.TrimSuffix(modfile, ".mod") + ".sum" }

// in reports whether the module in a directory has the files of the table. Another version of it may not.
func (t table) in(dir string) bool {
	for name := range t.files {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

func (t table) copyWithout(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	for name, content := range t.files {
		if err := os.WriteFile(filepath.Join(to, name), []byte(content), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies a file, if there is one.
func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o666)
}
