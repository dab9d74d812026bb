package gen

import (
	"bytes"
	"cmp"
	"fmt"
	"go/format"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

const (
	modelsPath  = "github.com/newsnet-africa/netabase-go/models"
	dagcborPath = modelsPath + "/dagcbor"
	shapePath   = modelsPath + "/shape"
	recordPath  = "github.com/newsnet-africa/netabase-go/record"
)

// writer writes the generated file.
type writer struct {
	src     *source
	models  []*model
	structs []*structShape // all encoded structs, inner ones first
	body    bytes.Buffer
	imports map[string]string // name by path
	// declared has the names of generated declarations, and their purpose.
	declared map[string]token.Pos
	elements map[string]string // functions that read borrowed elements, by shape
	pending  []*element
	// locals numbers the variables of the function being written.
	locals int
}

func newWriter(src *source, models []*model) *writer {
	w := &writer{
		src: src, models: models, imports: map[string]string{},
		declared: map[string]token.Pos{}, elements: map[string]string{},
	}
	for _, m := range models {
		m.shape.decodes = true
		w.addStruct(m.shape)
	}
	return w
}

// addStruct adds a struct to encode, behind the structs that it holds.
func (w *writer) addStruct(st *structShape) {
	if slices.Contains(w.structs, st) {
		return
	}
	for _, f := range st.fields {
		sh := f.shape
		for sh.elem != nil {
			sh = sh.elem
		}
		if sh.fields != nil {
			w.addStruct(sh.fields)
		}
	}
	w.structs = append(w.structs, st)
}

// file writes the whole file.
func (w *writer) file() ([]byte, error) {
	w.checkNames()
	w.handles()
	for _, m := range w.models {
		w.codec(m)
	}
	for _, st := range w.structs {
		w.fieldsFunc(st)
		w.appendFunc(st)
		w.readFunc(st)
		w.borrowedType(st)
		w.borrowFunc(st)
	}
	w.elementFuncs()
	if err := w.src.fault(); err != nil {
		return nil, err
	}

	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\n\npackage %s\n\nimport (\n", header, w.src.pkg.Types.Name())
	for _, path := range w.importPaths() {
		name := w.imports[path]
		if name == "" {
			out.WriteByte('\n') // a blank line after the standard library
			continue
		}
		if name == lastElement(path) {
			name = ""
		}
		fmt.Fprintf(&out, "%s %q\n", name, path)
	}
	out.WriteString(")\n\n")
	out.Write(w.body.Bytes())
	content, err := format.Source(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("the generated code does not parse, which is a bug of modelgen: %w", err)
	}
	return content, nil
}

// builtins are the names of Go that generated code uses.
var builtins = []string{
	"append", "bool", "byte", "error", "false", "float32", "float64", "int", "int64", "len", "make", "new", "nil",
	"string", "true", "uint64",
}

// numbered matches the names of variables from local.
var numbered = regexp.MustCompile(`^(i|keep|key|keys|n|v)[0-9]+$`)

// checkNames refuses declarations of the package that have the names of others which the code
// uses.
func (w *writer) checkNames() {
	scope := w.src.pkg.Types.Scope()
	for _, name := range builtins {
		if o := scope.Lookup(name); o != nil {
			w.src.faultf(o.Pos(), "this hides Go's own %s, which the generated code uses; rename it", name)
		}
	}
	for _, name := range scope.Names() {
		if _, isType := scope.Lookup(name).(*types.TypeName); isType &&
			(localNames[name] || numbered.MatchString(name)) {
			w.src.faultf(scope.Lookup(name).Pos(), "the generated code has a variable named %s; rename the type", name)
		}
	}
}

// importPaths returns the imports in order, with an empty one after the standard library.
func (w *writer) importPaths() []string {
	isStandard := func(path string) bool { return !bytes.ContainsRune([]byte(firstElement(path)), '.') }
	paths := slices.SortedFunc(maps.Keys(w.imports), func(a, b string) int {
		if sa, sb := isStandard(a), isStandard(b); sa != sb {
			if sa {
				return -1
			}
			return 1
		}
		return cmp.Compare(a, b)
	})
	for i := 1; i < len(paths); i++ {
		if isStandard(paths[i-1]) && !isStandard(paths[i]) {
			return slices.Insert(paths, i, "")
		}
	}
	return paths
}

// p writes one or more lines of the file.
func (w *writer) p(format string, args ...any) {
	fmt.Fprintf(&w.body, format+"\n", args...)
}

// pkg imports a package and returns its name in the file.
func (w *writer) pkg(path, name string) string {
	if known, ok := w.imports[path]; ok {
		return known
	}
	taken := func(name string) bool {
		return w.src.pkg.Types.Scope().Lookup(name) != nil || types.Universe.Lookup(name) != nil ||
			localNames[name] || slices.Contains(slices.Collect(maps.Values(w.imports)), name)
	}
	free := name
	for n := 2; taken(free); n++ {
		free = name + strconv.Itoa(n)
	}
	w.imports[path] = free
	return free
}

func (w *writer) modelsPkg() string { return w.pkg(modelsPath, "models") }
func (w *writer) dagcbor() string   { return w.pkg(dagcborPath, "dagcbor") }

// localNames are the other variables of generated functions.
var localNames = map[string]bool{
	"b": true, "dst": true, "err": true, "left": true, "m": true, "n": true, "r": true, "src": true, "v": true,
}

// typeName writes a type as code in the file.
func (w *writer) typeName(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == w.src.pkg.Types {
			return ""
		}
		return w.pkg(p.Path(), p.Name())
	})
}

// declare notes a name of the generated file, which must be free.
func (w *writer) declare(name string, pos token.Pos) string {
	if other := w.src.pkg.Types.Scope().Lookup(name); other != nil {
		at := w.src.position(other.Pos())
		w.src.faultf(pos, "the generated code would declare %s, as line %d of %s does; rename that, or give the "+
			"index, tree or definition another name", name, at.Line, filepath.Base(at.Filename))
	} else if _, twice := w.declared[name]; twice {
		w.src.faultf(pos, "the generated code would declare %s twice; give the index, tree or definition another name", name)
	}
	w.declared[name] = pos
	return name
}

// local returns a name for a variable that the current function has not used.
func (w *writer) local(kind string) string {
	w.locals++
	return kind + strconv.Itoa(w.locals)
}
