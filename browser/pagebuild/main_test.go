package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The program works without the tables, and they are not in it.
func TestBuild(t *testing.T) {
	dir := t.TempDir()
	if err := build(t.Context(), "./testdata/peer", dir); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(dir, "peer.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tbl := range tables {
		from, err := command(t.Context(), "list", "-m", "-f", "{{.Dir}}", tbl.module)
		if err != nil {
			t.Fatal(err)
		}
		if !tbl.in(from) {
			t.Errorf("%s has other files", tbl.module)
			continue
		}
		for name, content := range tbl.files {
			before, err := os.ReadFile(filepath.Join(from, name))
			if err != nil {
				t.Fatal(err)
			}
			// The middle of a large file is of the table.
			if len(before) < 100_000 || len(content) >= len(before) {
				continue
			}
			if middle := before[len(before)/2:][:64]; bytes.Contains(program, middle) {
				t.Errorf("the program has the table of %s", tbl.module)
			}
		}
	}

	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: the program is not run")
	}
	root, err := command(t.Context(), "env", "GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	runner := filepath.Join(root, "lib", "wasm", "wasm_exec_node.js")
	out, err := exec.CommandContext(t.Context(), node, runner, filepath.Join(dir, "peer.wasm")).CombinedOutput()
	if err != nil || string(out) != "network 0\n" {
		t.Fatalf("the program prints %q: %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "wasm_exec.js")); err != nil {
		t.Error(err)
	}
}

// A package that there is not is an error that has what the go command says.
func TestNoPackage(t *testing.T) {
	err := build(t.Context(), "./testdata/none", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "testdata/none") {
		t.Errorf("the error is %v", err)
	}
}

// Calls are inlined in all packages of the program's own module.
func TestInlining(t *testing.T) {
	if flags := inlining([]string{"example.com/app"}); !slices.Contains(flags, "-gcflags=example.com/app/...=") {
		t.Errorf("the flags are %q", flags)
	}
}
