// Package demo has the model and the records of p2pnode's demonstration.
package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/newsnet-africa/netabase-go/models"
)

//go:generate go run github.com/newsnet-africa/netabase-go/models/modelgen

// Package is one Go package.
//
//netabase:definition golang Definition
type Package struct {
	ImportPath string `netabase:"primary" json:"import_path"`
	Name       string `json:"name"`
	Synopsis   string `json:"synopsis"`
	Module     string `netabase:"index" json:"module"`
	Imports    uint64 `netabase:"index" json:"imports"`
}

// Trees is a tree of packages, and the definition that holds it.
type Trees struct {
	Packages   *models.Tree[Package, string]
	Definition *models.Definition
}

// Declare returns trees like those that modelgen wrote, with options.
func Declare(options ...models.TreeOption[Package]) Trees {
	packages := models.NewTree("package", models.String, func(p *Package) string { return p.ImportPath },
		append(options, models.WithCodec[Package](PackageCodec{}))...)
	models.NewIndex(packages, "module", models.String, func(p *Package) string { return p.Module })
	models.NewIndex(packages, "imports", models.Uint64, func(p *Package) uint64 { return p.Imports })
	return Trees{packages, models.NewDefinition("golang", packages)}
}

// Read returns n packages: those of the file, and copies of these under other paths.
func Read(file string, n int) ([]Package, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []Package
	for lines := json.NewDecoder(f); ; {
		var p Package
		if err := lines.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no records", file)
	}
	for i, first := len(all), len(all); i < n; i++ {
		p := all[i%first]
		version := i / first
		p.ImportPath = fmt.Sprintf("%s/copy%d", p.ImportPath, version)
		p.Imports += uint64(version)
		all = append(all, p)
	}
	return all[:min(n, len(all))], nil
}
