// Package golang has the model of the demonstration and its data: the Go packages that a
// program can import, by import path and by module.
//
// Packages is the tree, PackageByModule and PackageByImports are its indexes, and Definition
// holds them. Embedded returns the data in the program. Read reads the same model from JSON
// lines or CSV.
package golang

import "github.com/newsnet-africa/netabase-go/models"

// Package is one Go package as "go list" describes it.
type Package struct {
	// ImportPath is the path in an import declaration. It is the primary key.
	ImportPath string `json:"import_path"`
	// Name is the package's own name.
	Name string `json:"name"`
	// Synopsis is the first sentence of the package's documentation.
	Synopsis string `json:"synopsis"`
	// Module is the path of the package's module, "std" for the standard library.
	Module string `json:"module"`
	// Imports is how many packages this one imports directly.
	Imports uint64 `json:"imports"`
}

// Std is the Module of the standard library's packages.
const Std = "std"

var (
	// Packages holds packages by import path. Packages do not change here, so the model has no
	// clock. Of two records with the same key, peers keep the one with the larger bytes.
	Packages = models.NewTree("package", models.String, func(p *Package) string { return p.ImportPath },
		models.WithPolicy[Package](models.Open), models.KeyFields[Package]("import_path"))
	// PackageByModule finds the packages of a module.
	PackageByModule = models.NewIndex(Packages, "module", models.String, func(p *Package) string { return p.Module },
		models.Fields[Package]("module"))
	// PackageByImports finds packages by the number of their imports.
	PackageByImports = models.NewIndex(Packages, "imports", models.Uint64, func(p *Package) uint64 { return p.Imports },
		models.Fields[Package]("imports"))

	// Definition is named "golang".
	Definition = models.NewDefinition("golang", Packages)
)
