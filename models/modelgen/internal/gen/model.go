package gen

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/models/internal/fieldtag"
)

// model is a struct with trees.
type model struct {
	name    string
	pos     token.Pos
	shape   *structShape
	trees   []treeName
	primary []*field
	indexes []*index
	clock   *field
	// policy is the trees' policy, with its name in package models, or empty.
	policy string
	// merge is the name of the function that merges rows, or empty.
	merge string
	// sequence says that Insert numbers the rows.
	sequence bool
}

// treeName is the name of a model's tree, and its definition.
type treeName struct {
	tree, handle                 string
	definition, definitionHandle string
	// prefix begins the names of all handles except the tree's.
	prefix string
}

// index is an index of a model.
type index struct {
	name   string
	role   string
	fields []*field
	// optional has the fields without which a row has no entry in the index.
	optional []*field
	// label is the name of the index within the name of its handle.
	label string
	pos   token.Pos
}

// models finds the models of the package, in the order of the files and of their declarations.
func (s *source) models() []*model {
	shapes := newShaper(s)
	embedded := s.embedded()
	var models []*model
	for _, file := range s.pkg.Syntax {
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.TYPE {
				continue
			}
			for _, spec := range gen.Specs {
				spec := spec.(*ast.TypeSpec)
				doc := spec.Doc
				if doc == nil && len(gen.Specs) == 1 {
					doc = gen.Doc
				}
				if m := s.model(shapes, spec, doc, embedded); m != nil {
					models = append(models, m)
				}
			}
		}
	}
	return models
}

// embedded returns the types of the package that its structs embed, each with a struct that
// embeds it. They are no models, unless a directive says so, even if they hold keys.
func (s *source) embedded() map[types.Object]string {
	found := map[types.Object]string{}
	for _, name := range s.pkg.Types.Scope().Names() {
		u, ok := s.pkg.Types.Scope().Lookup(name).Type().Underlying().(*types.Struct)
		if !ok {
			continue
		}
		for i := range u.NumFields() {
			if named, ok := types.Unalias(u.Field(i).Type()).(*types.Named); ok && u.Field(i).Embedded() {
				found[named.Obj()] = name
			}
		}
	}
	return found
}

// model returns the model that spec declares, or nil if it declares none.
func (s *source) model(
	shapes *shaper, spec *ast.TypeSpec, doc *ast.CommentGroup, embedded map[types.Object]string,
) *model {
	directives := directivesOf(doc)
	object := s.pkg.TypesInfo.Defs[spec.Name]
	switch {
	case object == nil:
		return nil
	case len(directives) == 1 && slices.Equal(directives[0].words, []string{"embedded"}):
		if embedded[object] == "" {
			s.faultf(directives[0].pos, "no struct of the package embeds %s; remove %sembedded", spec.Name.Name,
				directivePrefix)
		}
		return nil
	case len(directives) > 0:
	case embedded[object] != "" && hasPrimary(object.Type()):
		s.faultf(spec.Name.Pos(), "%s has a primary key and is embedded in %s; write %[3]stree %[4]s above it if it has "+
			"a tree of its own, and %[3]sembedded if it has none",
			spec.Name.Name, embedded[object], directivePrefix, snake(spec.Name.Name))
		return nil
	case embedded[object] != "" || !hasKeys(object.Type()):
		return nil
	}
	m := &model{name: spec.Name.Name, pos: spec.Name.Pos()}
	switch u := object.Type().Underlying().(type) {
	case *types.Struct:
		switch {
		case spec.TypeParams != nil:
			s.faultf(m.pos, "%s has type parameters; declare its trees by hand, or a struct for each type argument", m.name)
			return nil
		case spec.Assign.IsValid():
			return nil // the other declaration has the model
		}
	default:
		s.faultf(m.pos, "%s is declared as %s; a model has to be a struct", m.name, u)
		return nil
	}
	if own, err := ownForm(object.Type()); own != 0 || err != nil {
		s.faultf(m.pos, "%s encodes itself, perhaps by methods of an embedded field, but a model is encoded as a map of its "+
			"fields; remove the methods or give the embedded field a name", m.name)
		return nil
	}
	faults := len(s.faults)
	m.trees = s.treeNames(m, directives)
	shape, err := shapes.structShape(object.Type(), at{pos: m.pos, path: m.name})
	if err != nil {
		return nil
	}
	m.shape = shape
	if shape.depth() > maxDepth {
		s.faultf(m.pos, "the maps and lists of %s nest more than %d deep; flatten it", m.name, maxDepth)
	}
	if shape.count(maxFields) > maxFields {
		s.faultf(m.pos, "%s has more than %d fields, those of nested structs included; divide it into several models",
			m.name, maxFields)
	}
	s.keys(m, faults)
	if len(s.faults) > faults {
		return nil
	}
	return m
}

// hasKeys reports whether a struct or a struct embedded in it has a netabase tag with a key, or a
// faulty one.
func hasKeys(t types.Type) bool {
	u, ok := t.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for i := range u.NumFields() {
		if fieldtag.Bare(u.Tag(i)) || u.Field(i).Embedded() && hasKeys(u.Field(i).Type()) {
			return true
		}
		text, ok := reflect.StructTag(u.Tag(i)).Lookup(fieldtag.Name)
		if tag, err := fieldtag.Parse(text); ok && (err != nil || len(tag.Keys) > 0) {
			return true
		}
	}
	return false
}

// hasPrimary reports whether a struct has a primary key of its own.
func hasPrimary(t types.Type) bool {
	u, ok := t.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for i := range u.NumFields() {
		tag, err := fieldtag.Parse(reflect.StructTag(u.Tag(i)).Get(fieldtag.Name))
		if err == nil && slices.ContainsFunc(tag.Keys, func(k fieldtag.Key) bool { return k.Role == "primary" }) {
			return true
		}
	}
	return false
}

// directive is a //netabase: comment above a struct.
type directive struct {
	pos   token.Pos
	words []string
}

const directivePrefix = "//netabase:"

func directivesOf(doc *ast.CommentGroup) []directive {
	if doc == nil {
		return nil
	}
	var found []directive
	for _, c := range doc.List {
		if text, ok := strings.CutPrefix(c.Text, directivePrefix); ok {
			found = append(found, directive{c.Pos(), strings.Fields(text)})
		}
	}
	return found
}

// policies are the policies that a directive can name, with their names in package models.
var policies = map[string]string{"open": "Open", "signed": "Signed"}

// treeNames finds the names and the policy of a model's trees.
func (s *source) treeNames(m *model, directives []directive) []treeName {
	tree, handle := snake(m.name), plural(m.name)
	var definitions []treeName
	for _, d := range directives {
		word := ""
		if len(d.words) > 0 {
			word = d.words[0]
		}
		switch {
		case word == "policy":
			m.policy = policies[strings.Join(d.words[1:], " ")]
			if m.policy == "" {
				s.faultf(d.pos, "write %[1]spolicy open or %[1]spolicy signed; without a policy the rows stay in their store, and "+
					"an immutable tree is declared by hand with models.WithPolicy and models.WithKey", directivePrefix)
			}
		case word == "merge":
			if len(d.words) != 2 || !token.IsIdentifier(d.words[1]) {
				s.faultf(d.pos, "after %smerge write the name of the function that merges two rows", directivePrefix)
				break
			}
			m.merge = d.words[1]
		case word != "tree" && word != "definition":
			s.faultf(d.pos, "%s%s is not known; use %[1]stree, %[1]sdefinition, %[1]spolicy or %[1]smerge, or only "+
				"%[1]sembedded",
				directivePrefix, word)
		case len(d.words) < 2 || len(d.words) > 3 || !fieldtag.IsName(d.words[1]):
			s.faultf(d.pos, "after %s%s write a name of 1 to 64 letters, digits, '_' and '-'; the name of a "+
				"variable may follow", directivePrefix, word)
		case len(d.words) == 3 && !token.IsIdentifier(d.words[2]):
			s.faultf(d.pos, "%q cannot be the name of a variable", d.words[2])
		case word == "tree":
			if tree = d.words[1]; len(d.words) == 3 {
				handle = d.words[2]
			}
		default:
			n := treeName{definition: d.words[1], definitionHandle: camelName(d.words[1])}
			if len(d.words) == 3 {
				n.definitionHandle = d.words[2]
			}
			definitions = append(definitions, n)
		}
	}
	if m.merge != "" && m.policy != "Open" {
		s.faultf(m.pos, "only the rows of an open tree are merged; write %[1]spolicy open as well as %[1]smerge", directivePrefix)
	}
	if len(definitions) == 0 {
		name := s.pkg.Types.Name()
		definitions = []treeName{{definition: name, definitionHandle: camelName(name)}}
	}
	for i := range definitions {
		d := &definitions[i]
		if d.tree, d.handle = tree, handle; i > 0 {
			d.prefix = like(m.name, d.definitionHandle)
			d.handle = d.prefix + upperFirst(handle)
		}
	}
	return definitions
}

// keys takes the keys from the tags of a model's fields. There were so many faults before the
// model's own.
func (s *source) keys(m *model, faults int) {
	var primary index
	var sequence *field
	byName := map[string]*index{}
	for _, f := range m.shape.fields {
		for _, k := range f.keys {
			switch k.Role {
			case "primary":
				s.addPart(m, &primary, f, k)
			case "sequence":
				sequence = f
			case "clock":
				if m.clock != nil {
					s.faultf(f.pos, "%s.%s: the model already has the clock %s; keep one", m.name, f.path, m.clock.path)
				}
				if m.clock = f; !isClock(f.shape) {
					s.faultf(f.pos, "%s.%s: a clock has to be an integer or a time, not %s; change its type or declare the "+
						"tree by hand with models.WithClock", m.name, f.path, f.shape.typ)
				}
			default:
				name, label := snake(f.goName), strings.TrimSuffix(f.goName, "ID")
				if k.Name != "" {
					name, label = k.Name, camelName(strings.TrimSuffix(k.Name, "_id"))
				}
				if label == "" {
					label = "ID"
				}
				ix := byName[name]
				if ix == nil {
					ix = &index{name: name, role: k.Role, label: label, pos: f.pos}
					byName[name] = ix
					m.indexes = append(m.indexes, ix)
				} else if ix.role != k.Role {
					s.faultf(f.pos, "%s.%s: another field declares the index %s as %s; use one word on both or give them "+
						"different names", m.name, f.path, name, ix.role)
				}
				s.addPart(m, ix, f, k)
				if k.Optional {
					ix.optional = append(ix.optional, f)
				}
			}
		}
	}
	if len(primary.fields) == 0 {
		if len(s.faults) > faults || slices.ContainsFunc(m.shape.fields, func(f *field) bool { return f.faulty }) {
			return // it may be one of them
		}
		s.faultf(m.pos, "%s has no primary key; tag a field `netabase:\"primary\"`", m.name)
		return
	}
	m.primary = primary.fields
	if m.sequence = sequence != nil; m.sequence && (len(m.primary) != 1 || m.primary[0] != sequence ||
		sequence.shape.kind != kindUint && sequence.shape.kind != kindInt) {
		s.faultf(sequence.pos, "%s.%s: a sequence needs one integer as the whole primary key; write "+
			"netabase:\"primary;sequence\" on that field", m.name, sequence.path)
	}
	if m.policy == "Signed" && m.primary[0] != nil && !isPeerID(m.primary[0].shape.typ) {
		s.faultf(m.primary[0].pos, "%s.%s: the primary key of a signed tree has to be, or begin with, the peer.ID of the "+
			"owner; change its type or the policy", m.name, m.primary[0].path)
	}
	for _, ix := range append([]*index{{name: "the primary key", role: "primary", fields: primary.fields, pos: m.pos}},
		m.indexes...) {
		s.checkParts(m, ix)
	}
}

// addPart puts a field in its place in a composite key, or makes it the whole of a simple one.
func (s *source) addPart(m *model, ix *index, f *field, k fieldtag.Key) {
	at := max(k.Part-1, 0)
	if len(ix.fields) > at && ix.fields[at] != nil || k.Part == 0 && len(ix.fields) > 0 {
		what := "the primary key"
		if ix.name != "" {
			what = "the index " + ix.name
		}
		s.faultf(f.pos, "%s.%s: %s already has this part; number the parts of a composite key from 1, as in %s,2",
			m.name, f.path, what, k.Role)
		return
	}
	for len(ix.fields) <= at {
		ix.fields = append(ix.fields, nil)
	}
	ix.fields[at] = f
}

// checkParts checks that a key has all its parts and that their types can be keys.
func (s *source) checkParts(m *model, ix *index) {
	if missing := slices.Index(ix.fields, nil); missing >= 0 {
		name := ix.name
		if ix.role != "primary" {
			name = "the index " + name
		}
		s.faultf(ix.pos, "%s: %s has no part %d; number its parts from 1 without a gap", m.name, name, missing+1)
		return
	}
	lists := 0
	for _, f := range ix.fields {
		t := f.shape.typ
		switch {
		case ix.role != "multi":
		case f.shape.isList():
			t = f.shape.elem.typ
			lists++
		case len(ix.fields) > 1:
		case isByteString(f.shape):
			s.faultf(f.pos, "%s.%s: a multi index cannot be by each byte of a byte string; use index", m.name, f.path)
			return
		default:
			s.faultf(f.pos, "%s.%s: a multi index is by the elements of a slice or array, and %s has none; use index", m.name,
				f.path, t)
			return
		}
		if keyKind(t) == noKey {
			s.faultf(f.pos, "%s.%s: %s has no key codec; use an integer, float, string, byte slice, bool or time, or "+
				"declare the index by hand with models.NewIndex and a models.KeyCodec", m.name, f.path, t)
		}
	}
	switch {
	case ix.role != "multi" || lists == 1:
	case lists == 0:
		s.faultf(ix.pos, "%s: no part of the multi index %s is a slice or array; use index", m.name, ix.name)
	default:
		s.faultf(ix.pos, "%s: %d parts of the multi index %s are slices or arrays, and only one may be; declare it "+
			"by hand with models.NewMulti", m.name, lists, ix.name)
	}
}

// isClock reports whether a field of this shape can be a clock.
func isClock(sh *shape) bool {
	return sh.kind == kindUint || sh.kind == kindInt || sh.kind == kindTime
}

// isList reports whether a multi index can have the elements of a field.
func (sh *shape) isList() bool { return sh.kind == kindList || sh.kind == kindArray }

func isByteString(sh *shape) bool { return sh.kind == kindBytes || sh.kind == kindByteArray }
