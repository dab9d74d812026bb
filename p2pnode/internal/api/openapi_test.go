package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// schema is what the tests need of a schema in openapi.yaml.
type schema struct {
	Ref        string            `yaml:"$ref"`
	Type       any               `yaml:"type"`
	Format     string            `yaml:"format"`
	Enum       []string          `yaml:"enum"`
	Items      *schema           `yaml:"items"`
	Properties map[string]schema `yaml:"properties"`
	Required   []string          `yaml:"required"`
	AllOf      []schema          `yaml:"allOf"`
}

func described(t *testing.T) map[string]schema {
	t.Helper()
	var file struct {
		Components struct {
			Schemas map[string]schema `yaml:"schemas"`
		} `yaml:"components"`
	}
	if err := yaml.Unmarshal(Description, &file); err != nil {
		t.Fatal(err)
	}
	return file.Components.Schemas
}

// declared returns the types and the constants of this package.
func declared(t *testing.T) (types map[string]ast.Expr, constants map[string][]string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "types.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	types, constants = map[string]ast.Expr{}, map[string][]string{}
	for _, d := range file.Decls {
		general, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range general.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				types[s.Name.Name] = s.Type
			case *ast.ValueSpec:
				name := s.Type.(*ast.Ident).Name
				constants[name] = append(constants[name], strings.Trim(s.Values[0].(*ast.BasicLit).Value, `"`))
			}
		}
	}
	return types, constants
}

func TestTheDescriptionHasTheTypes(t *testing.T) {
	schemas := described(t)
	types, constants := declared(t)
	if got, want := slices.Sorted(maps.Keys(schemas)), slices.Sorted(maps.Keys(types)); !slices.Equal(got, want) {
		t.Errorf("openapi.yaml has the types\n%q\nand types.go\n%q", got, want)
	}
	for name, expr := range types {
		s := schemas[name]
		of, ok := expr.(*ast.StructType)
		if !ok {
			if !slices.Equal(s.Enum, constants[name]) {
				t.Errorf("%s has the values %q, and the constants %q", name, s.Enum, constants[name])
			}
			continue
		}
		properties, required, embedded := map[string]schema{}, []string{}, []schema(nil)
		for _, field := range of.Fields.List {
			if field.Names == nil {
				embedded = append(embedded, typeOf(field.Type))
				continue
			}
			tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json")
			member, option, _ := strings.Cut(tag, ",")
			properties[member] = typeOf(field.Type)
			if option == "" {
				required = append(required, member)
			}
		}
		if !reflect.DeepEqual(s.AllOf, embedded) || !slices.Equal(s.Required, required) && len(s.Required)+len(required) > 0 {
			t.Errorf("%s requires %q of %v, and the type %q of %v", name, s.Required, s.AllOf, required, embedded)
		}
		if got, want := slices.Sorted(
			maps.Keys(s.Properties),
		), slices.Sorted(
			maps.Keys(properties),
		); !slices.Equal(
			got,
			want,
		) {
			t.Errorf("%s has the members %q, and the type %q", name, got, want)
			continue
		}
		for member, want := range properties {
			if got := s.Properties[member]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s.%s is %+v, and its field %+v", name, member, got, want)
			}
		}
	}
}

// typeOf returns the schema that the type of a field has.
func typeOf(expr ast.Expr) schema {
	switch e := expr.(type) {
	case *ast.Ident:
		switch e.Name {
		case "string":
			return schema{Type: "string"}
		case "bool":
			return schema{Type: "boolean"}
		case "int", "int64", "uint32", "uint64":
			return schema{Type: "integer"}
		case "float64":
			return schema{Type: "number"}
		}
		return schema{Ref: "#/components/schemas/" + e.Name}
	case *ast.StarExpr:
		if of := typeOf(e.X); of.Type == "number" {
			return schema{Type: []any{"number", "null"}}
		}
		return typeOf(e.X)
	case *ast.ArrayType:
		items := typeOf(e.Elt)
		return schema{Type: "array", Items: &items}
	case *ast.SelectorExpr:
		if e.Sel.Name == "Time" {
			return schema{Type: "string", Format: "date-time"}
		}
	}
	return schema{} // any JSON
}
