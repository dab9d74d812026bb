package gen

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// source is the package to read, with the faults found in it.
type source struct {
	pkg    *packages.Package
	faults []fault
}

// load reads the package in dir as if the file at output were empty, because that file will be
// written anew.
func load(dir, output string) (*source, error) {
	config := &packages.Config{
		// The imported packages are read from the compiler's output, because only their types
		// matter.
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports |
			packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo,
		Dir: dir,
	}
	if name, err := packageClause(output); err == nil {
		absolute, err := filepath.Abs(output)
		if err != nil {
			return nil, fmt.Errorf("modelgen: %w", err)
		}
		config.Overlay = map[string][]byte{absolute: []byte("package " + name + "\n")}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("modelgen: %w; remove the file", err)
	}
	loaded, err := packages.Load(config, ".")
	if err != nil {
		return nil, fmt.Errorf("modelgen: %w", err)
	}
	if len(loaded) != 1 {
		return nil, fmt.Errorf("modelgen: %s holds %d packages, not one", dir, len(loaded))
	}
	src := &source{pkg: loaded[0]}
	for _, e := range src.pkg.Errors {
		// The package need not compile, because it uses declarations that are not generated
		// yet. A compiler error matters only if a model has a field of unknown type.
		if e.Kind == packages.ParseError || e.Kind == packages.ListError && !strings.HasPrefix(e.Msg, compilerOutput) {
			src.faults = append(src.faults, fault{said: e})
		}
	}
	if err := src.fault(); err != nil {
		return nil, err
	}
	if len(src.pkg.Syntax) == 0 {
		return nil, fmt.Errorf("modelgen: %s holds no Go files", dir)
	}
	for _, f := range src.pkg.Syntax {
		if name := src.position(f.Package).Filename; isGenerated(f) {
			return nil, fmt.Errorf("%s: modelgen has already written this file for the package; remove it, and keep "+
				"one go:generate line in the package", filepath.Base(name))
		}
	}
	return src, nil
}

// compilerOutput is the beginning of the compiler's output in errors of the go command.
const compilerOutput = "# "

// packageClause returns the name in the package clause of a file.
func packageClause(path string) (string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly)
	if err != nil {
		return "", err
	}
	return f.Name.Name, nil
}

// isGenerated reports whether modelgen has written f.
func isGenerated(f *ast.File) bool {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Pos() < f.Package && strings.HasPrefix(c.Text, header) {
				return true
			}
		}
	}
	return false
}

func (s *source) position(pos token.Pos) token.Position { return s.pkg.Fset.Position(pos) }

// faultf notes a fault at pos, and how to mend it.
func (s *source) faultf(pos token.Pos, format string, args ...any) {
	at := s.position(pos)
	s.faults = append(s.faults,
		fault{at, fmt.Errorf("%s:%d: %s", filepath.Base(at.Filename), at.Line, fmt.Sprintf(format, args...))})
}

// fault is a fault and its place.
type fault struct {
	at   token.Position
	said error
}

// fault returns all faults, in the order of files and lines, or nil.
func (s *source) fault() error {
	slices.SortStableFunc(s.faults, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.at.Filename, b.at.Filename), cmp.Compare(a.at.Line, b.at.Line))
	})
	var all []error
	for _, f := range s.faults {
		all = append(all, f.said)
	}
	return errors.Join(all...)
}
