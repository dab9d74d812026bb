package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// Every block of Go in the README is a run of lines of one of the examples,
// which their tests run.
func TestREADMECode(t *testing.T) {
	var sources []string
	files, err := filepath.Glob(filepath.Join(root, "examples/*/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	nested, err := filepath.Glob(filepath.Join(root, "examples/*/*/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, nested...) {
		sources = append(sources, read(t, name))
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(read(t, filepath.Join(root, "README.md")), -1)
	if len(blocks) < 5 {
		t.Fatalf("the README has %d blocks of Go", len(blocks))
	}
	for _, block := range blocks {
		if !anyHolds(sources, block[1]) {
			t.Errorf("no example has these lines of the README:\n%s", block[1])
		}
	}
	if main := read(t, "main.go"); !strings.Contains(blocks[0][1], main[strings.Index(main, "package main"):]) {
		t.Error("the README's first block is not main.go")
	}
}

// anyHolds reports whether block is a run of lines of a source, at any depth of
// indentation.
func anyHolds(sources []string, block string) bool {
	for depth := range 4 {
		indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(block, strings.Repeat("\t", depth)+"$1")
		for _, source := range sources {
			if strings.Contains("\n"+source, "\n"+indented) {
				return true
			}
		}
	}
	return false
}

// Every link from one document of the repository to a file in it leads
// somewhere.
func TestLinks(t *testing.T) {
	code := regexp.MustCompile("(?ms)^```.*?^```$|`[^`]*`")
	var documents []string
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*.md", "bench/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	for _, document := range documents {
		text := code.ReplaceAllString(read(t, document), "")
		for _, link := range regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`).FindAllStringSubmatch(text, -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), link[1])); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
