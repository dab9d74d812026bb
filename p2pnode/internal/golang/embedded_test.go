package golang_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
)

func TestEmbedded(t *testing.T) {
	packages, err := golang.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 1000 {
		t.Errorf("%d packages", len(packages))
	}
	if !slices.IsSortedFunc(
		packages,
		func(a, b golang.Package) int { return strings.Compare(a.ImportPath, b.ImportPath) },
	) {
		t.Error("not in the order of the import paths: run go generate")
	}
	modules := map[string]int{}
	for _, p := range packages {
		modules[p.Module]++
		if p.Name == "" || p.Name == "main" || p.Module == "" {
			t.Errorf("%+v", p)
		}
		if p.Module != golang.Std && p.ImportPath != p.Module && !strings.HasPrefix(p.ImportPath, p.Module+"/") {
			t.Errorf("%s is not in module %s", p.ImportPath, p.Module)
		}
		for element := range strings.SplitSeq(p.ImportPath, "/") {
			if element == "internal" || element == "vendor" {
				t.Errorf("%s cannot be imported", p.ImportPath)
			}
		}
	}
	if modules[golang.Std] < 100 || len(modules) < 20 {
		t.Errorf("%d modules, %d packages of the standard library", len(modules), modules[golang.Std])
	}
}
