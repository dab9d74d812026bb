package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const model = `package shop

type Item struct {
	ID uint64 ` + "`netabase:\"primary\"`" + `
}
`

// shop makes a package with one file and returns the path of the file. The package is in this
// module so that its imports resolve.
func shop(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("testdata", "shop")
	t.Cleanup(func() { os.RemoveAll("testdata") })
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "shop.go")
	if err := os.WriteFile(file, []byte(model), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRun(t *testing.T) {
	file := shop(t)
	generated := strings.TrimSuffix(file, ".go") + "_netabase.go"
	if err := run([]string{file}); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(generated)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(first), "Shop = models.NewDefinition(\"shop\", Items)") {
		t.Errorf("no definition is in\n%s", first)
	}
	// An earlier generated file does no harm, right or wrong.
	if err := os.WriteFile(generated, []byte("package shop\n\nvar Items, Item int\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(file)) // undone before the package is removed
	t.Setenv("GOFILE", "shop.go")
	if err := run(nil); err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile("shop_netabase.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(first) != string(second) {
		t.Errorf("a second run writes\n%s", second)
	}
	// A second generated file would declare everything twice.
	if err := os.WriteFile("other.go", []byte("package shop\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"other.go"}); err == nil ||
		!strings.Contains(err.Error(), "shop_netabase.go: modelgen has already written this file") {
		t.Errorf("a second file of the package gives %v", err)
	}
	if _, err := os.Stat("other_netabase.go"); err == nil {
		t.Error("it was written all the same")
	}
}

func TestArguments(t *testing.T) {
	t.Setenv("GOFILE", "")
	for _, args := range [][]string{nil, {"-x"}, {"a.go", "b.go"}, {"models.txt"}, {"models_test.go"}, {"models_netabase.go"}} {
		if run(args) == nil {
			t.Errorf("arguments %q are taken", args)
		}
	}
}

// TestHelp checks that the help names every tag and directive.
func TestHelp(t *testing.T) {
	text := help()
	for _, word := range []string{
		"primary;sequence", "primary,1", "index=author_time,1", "unique,optional", "multi", "blindunique", "clock", "go get -tool",
		"//netabase:tree", "//netabase:definition", "//netabase:policy", "//netabase:embedded",
	} {
		if !strings.Contains(text, word) {
			t.Errorf("the help does not name %s", word)
		}
	}
	if strings.Contains(text, "package main") || strings.Contains(text, "\n// ") {
		t.Errorf("the help is no text:\n%s", text)
	}
}
