package gen

import (
	"cmp"
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/newsnet-africa/netabase-go/models/internal/fieldtag"
	modelshape "github.com/newsnet-africa/netabase-go/models/shape"
)

// The rules of this file are those of models.DagCBOR, which finds the shape of a model by
// reflection. Tests compare the two.

const (
	maxDepth    = modelshape.MaxDepth
	maxFields   = modelshape.MaxFields
	maxElements = 131_072
)

// kind says how a type is encoded.
type kind uint8

const (
	kindUint kind = iota + 1
	kindInt
	kindBool
	kindFloat32
	kindFloat64
	kindText
	kindBytes
	kindByteArray
	kindTime
	kindList
	kindArray
	kindMap
	kindStruct
	kindOptional
	kindBinary        // marshals itself to bytes
	kindMarshaledText // marshals itself to text
)

// shape describes the encoding of a type.
type shape struct {
	kind kind
	typ  types.Type
	// bits is the size of an integer, 0 for that of a machine word.
	bits int
	// length is the length of an array.
	length int64
	elem   *shape
	fields *structShape
}

// structShape describes the encoding of a struct.
type structShape struct {
	typ types.Type
	// path is the first place of the struct in a model.
	path string
	// id ends the names of generated functions.
	id     string
	fields []*field // in the order of the declaration
	// decodes is set for a model. Its borrowed type decodes rows.
	decodes bool
}

// field is a field that is encoded.
type field struct {
	// name is the field's name in the encoded map.
	name string
	// path is the selector of the field, "Base.ID" for a field of an embedded struct.
	path                string
	goName              string
	pos                 token.Pos
	shape               *shape
	omitEmpty, omitZero bool
	// keys, was and value are what its tag declares: keys, earlier names, and the DAG-CBOR of its
	// value in rows that do not have it, nil for zero.
	keys  []fieldtag.Key
	was   []string
	value []byte
	// faulty says that its tag cannot be read.
	faulty bool
}

// encoded returns the fields in the order of the encoding.
func (st *structShape) encoded() []*field {
	return slices.SortedFunc(slices.Values(st.fields), func(a, b *field) int {
		return cmp.Or(cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
}

// shaper finds the shapes of the types of a package.
type shaper struct {
	src     *source
	structs map[string]*structShape // by type
	order   []*structShape
	ids     map[string]bool
}

func newShaper(src *source) *shaper {
	return &shaper{src: src, structs: map[string]*structShape{}, ids: map[string]bool{}}
}

// at is the place in a model at which a shape is looked for.
type at struct {
	pos  token.Pos
	path string
	// within are the maps and lists around it, outermost first.
	within []types.Type
}

// errReported is returned for a fault that has been noted already.
var errReported = errors.New("reported")

func (s *shaper) fault(a at, format string, args ...any) error {
	s.src.faultf(a.pos, "%s: %s", a.path, fmt.Sprintf(format, args...))
	return errReported
}

// leaveOut ends the messages about types that cannot be encoded.
const leaveOut = "; tag the field `cbor:\"-\"` to leave it out"

func (s *shaper) shape(t types.Type, a at) (*shape, error) {
	sh := &shape{typ: t}
	switch {
	case isNamed(t, "time", "Time"):
		sh.kind = kindTime
		return sh, nil
	case isNamed(t, "math/big", "Int"):
		return nil, s.fault(a,
			"DAG-CBOR has no integers of more than 64 bits; use one of Go's integer types, or a string%s", leaveOut)
	}
	switch own, err := ownForm(t); {
	case err != nil:
		return nil, s.fault(a, "%s %v%s", s.describe(t), err, leaveOut)
	case own != 0:
		sh.kind = own
		return sh, s.checkPromotion(t, a)
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return sh, s.basic(sh, u, a)
	case *types.Pointer:
		if _, double := u.Elem().Underlying().(*types.Pointer); double {
			return nil, s.fault(a, "a pointer to a pointer can be nil at two levels, and DAG-CBOR has one null; use one pointer")
		}
		elem, err := s.shape(u.Elem(), a)
		if err != nil {
			return nil, err
		}
		sh.kind, sh.elem = kindOptional, elem
		return sh, nil
	case *types.Slice:
		if isByte(u.Elem()) {
			sh.kind = kindBytes
			return sh, nil
		}
		sh.kind = kindList
		return sh, s.elements(sh, u.Elem(), a)
	case *types.Array:
		sh.length = u.Len()
		if isByte(u.Elem()) {
			sh.kind = kindByteArray
			return sh, nil
		}
		if u.Len() > maxElements {
			return nil, s.fault(a, "the array has more than %d elements; use a byte string or several fields%s",
				maxElements, leaveOut)
		}
		sh.kind = kindArray
		return sh, s.elements(sh, u.Elem(), a)
	case *types.Map:
		key, plain := u.Key().Underlying().(*types.Basic)
		if own, err := ownForm(u.Key()); !plain || key.Kind() != types.String || own != 0 || err != nil {
			return nil, s.fault(a, "the keys of a map have to be plain strings, not %s%s", s.describe(u.Key()), leaveOut)
		}
		sh.kind = kindMap
		return sh, s.elements(sh, u.Elem(), a)
	case *types.Struct:
		fields, err := s.structShape(t, a)
		if err == nil && len(fields.fields) == 0 && u.NumFields() > 0 {
			return nil, s.fault(a, "%s has no exported fields%s", s.describe(t), leaveOut)
		}
		sh.kind, sh.fields = kindStruct, fields
		return sh, err
	default:
		return nil, s.noForm(t, a)
	}
}

func (s *shaper) noForm(t types.Type, a at) error {
	if isInvalid(t) {
		return s.fault(a, "the type of the field is not known; the package has to compile, except for what modelgen writes")
	}
	return s.fault(a, "DAG-CBOR cannot encode %s%s", s.describe(t), leaveOut)
}

func (s *shaper) basic(sh *shape, b *types.Basic, a at) error {
	switch b.Kind() {
	case types.Int:
		sh.kind = kindInt
	case types.Uint:
		sh.kind = kindUint
	case types.Int8, types.Int16, types.Int32, types.Int64:
		sh.kind, sh.bits = kindInt, 8<<(b.Kind()-types.Int8)
	case types.Uint8, types.Uint16, types.Uint32, types.Uint64:
		sh.kind, sh.bits = kindUint, 8<<(b.Kind()-types.Uint8)
	case types.Bool:
		sh.kind = kindBool
	case types.Float32:
		sh.kind = kindFloat32
	case types.Float64:
		sh.kind = kindFloat64
	case types.String:
		sh.kind = kindText
	default:
		return s.noForm(sh.typ, a)
	}
	return nil
}

func (s *shaper) elements(sh *shape, elem types.Type, a at) (err error) {
	if a.within, err = s.enter(sh.typ, a); err != nil {
		return err
	}
	a.path += "[]"
	sh.elem, err = s.shape(elem, a)
	return err
}

// enter adds t to the maps and lists around its elements or fields.
func (s *shaper) enter(t types.Type, a at) ([]types.Type, error) {
	switch {
	case slices.ContainsFunc(a.within, func(outer types.Type) bool { return types.Identical(outer, t) }):
		return nil, s.fault(a,
			"%s contains itself, so its depth has no bound; hold the primary key of the other row instead", s.describe(t))
	case len(a.within) == maxDepth:
		return nil, s.fault(a, "its maps and lists nest more than %d deep", maxDepth)
	}
	return append(slices.Clip(a.within), t), nil
}

// structShape finds the fields of a struct, once for every type.
func (s *shaper) structShape(t types.Type, a at) (_ *structShape, err error) {
	if a.within, err = s.enter(t, a); err != nil {
		return nil, err
	}
	key := types.TypeString(t, nil)
	if known := s.structs[key]; known != nil {
		return known, nil
	}
	if named, ok := types.Unalias(t).(*types.Named); ok && !named.Obj().Exported() &&
		named.Obj().Pkg() != s.src.pkg.Types {
		return nil, s.fault(a, "%s is not exported by its package%s", s.describe(t), leaveOut)
	}
	st := &structShape{typ: t, path: a.path, id: s.id(t, a.path)}
	if err := s.appendFields(st, t, "", a); err != nil {
		return nil, err
	}
	if err := s.checkNames(st, a); err != nil {
		return nil, err
	}
	s.structs[key] = st
	s.order = append(s.order, st)
	return st, nil
}

func (s *shaper) appendFields(st *structShape, t types.Type, selector string, a at) error {
	if err := s.checkPromotion(t, a); err != nil {
		return err
	}
	u := t.Underlying().(*types.Struct)
	for i := range u.NumFields() {
		v, tag := u.Field(i), reflect.StructTag(u.Tag(i))
		name, options, skip := encodingTag(tag)
		fieldAt := at{pos: a.pos, path: a.path + "." + v.Name(), within: a.within}
		if v.Pkg() == s.src.pkg.Types {
			fieldAt.pos = v.Pos()
		}
		if v.Name() == "_" && (slices.Contains(options, "toarray") || slices.Contains(options, "toindefarray")) {
			return s.fault(fieldAt, "a struct is encoded as a map, not as an array; remove the option")
		}
		_, pointer := v.Type().Underlying().(*types.Pointer)
		_, isStruct := v.Type().Underlying().(*types.Struct)
		switch embeds := v.Embedded() && name == ""; {
		case skip || !v.Exported() && !(v.Embedded() && isStruct):
			if _, tagged := tag.Lookup(fieldtag.Name); tagged {
				return s.fault(fieldAt, "a field with the tag netabase has to be stored in the row; export it and do not tag "+
					"it `cbor:\"-\"`")
			}
		case slices.Contains(options, "keyasint"):
			return s.fault(fieldAt, "the names of fields are strings in DAG-CBOR; remove the option keyasint")
		case !utf8.ValidString(name):
			return s.fault(fieldAt, "the name in its tag is not UTF-8; choose another")
		case embeds && pointer && isStructPointer(v.Type()):
			return s.fault(fieldAt, "embed the struct and not a pointer to it, or give it a name, as in `cbor:\"name\"`")
		case embeds && isStruct && tag.Get(fieldtag.Name) != "":
			return s.fault(fieldAt, "the fields of an embedded struct count as the outer one's; tag them and not the struct")
		case embeds && isStruct:
			if err := s.appendFields(st, v.Type(), s.selectEmbedded(selector, v), fieldAt); err != nil {
				return err
			}
		case !v.Exported():
			return s.fault(fieldAt,
				"an embedded struct that is not exported cannot be renamed; remove the name in its tag, or do not embed it")
		default:
			if name == "" {
				name = v.Name()
			}
			sh, err := s.shape(v.Type(), fieldAt)
			if err != nil {
				return err
			}
			f := &field{
				name: name, path: selector + v.Name(), goName: v.Name(), pos: fieldAt.pos, shape: sh,
				omitEmpty: slices.Contains(options, "omitempty"), omitZero: slices.Contains(options, "omitzero"),
			}
			if f.omitZero && !canTestZero(sh.typ, s.src.pkg.Types) {
				return s.fault(fieldAt, "generated code cannot test whether %s is zero; use omitempty or a pointer in "+
					"place of omitzero", s.describe(sh.typ))
			}
			s.readTag(f, tag, fieldAt)
			st.fields = append(st.fields, f)
		}
	}
	return nil
}

// readTag reads the tag netabase of a field. It notes a fault and goes on, so that those of other
// fields are found, too.
func (s *shaper) readTag(f *field, tag reflect.StructTag, a at) {
	text, ok := tag.Lookup(fieldtag.Name)
	switch {
	case ok:
	case fieldtag.Bare(string(tag)):
		_ = s.fault(a, "the value of the tag netabase has to be in double quotes directly after the colon, as in "+
			"netabase:\"primary\"")
		f.faulty = true
		return
	default:
		return
	}
	t, err := fieldtag.Parse(text)
	if err != nil {
		_ = s.fault(a, "%v", err)
		f.faulty = true
		return
	}
	f.keys, f.was = t.Keys, t.Was
	if t.Default == nil {
		return
	}
	sh := f.shape
	if sh.kind == kindOptional {
		sh = sh.elem
	}
	if sh.kind == kindBinary || sh.kind == kindMarshaledText {
		_ = s.fault(a, "a tag cannot have the default of %s, which encodes itself; set it in a function from the "+
			"model's earlier type", s.describe(sh.typ))
		return
	}
	if f.value, err = sh.plain().ParseText(*t.Default); err != nil {
		_ = s.fault(a, "tag netabase:%q: %v", text, err)
	}
}

// checkNames refuses names of fields, and earlier ones, that cannot be.
func (s *shaper) checkNames(st *structShape, a at) error {
	fields := make([]modelshape.Field, len(st.fields))
	for i, f := range st.fields {
		fields[i] = modelshape.Field{Name: f.name, Was: f.was}
	}
	i, err := modelshape.CheckNames(fields)
	if err != nil {
		return s.fault(at{pos: st.fields[i].pos, path: a.path + "." + st.fields[i].path}, "%v", err)
	}
	return nil
}

// selectEmbedded extends a selector by an embedded struct. It skips a struct that its package
// does not export: Go promotes its fields.
func (s *shaper) selectEmbedded(selector string, v *types.Var) string {
	if !v.Exported() && v.Pkg() != s.src.pkg.Types {
		return selector
	}
	return selector + v.Name() + "."
}

// encodingTag reads a field's tag as models.DagCBOR does.
func encodingTag(tag reflect.StructTag) (name string, options []string, skip bool) {
	text := tag.Get("cbor")
	if text == "" {
		text = tag.Get("json")
	}
	parts := strings.Split(text, ",")
	return parts[0], parts[1:], text == "-"
}

// id returns a name for a struct that no other struct has.
func (s *shaper) id(t types.Type, path string) string {
	text := path
	if named, ok := types.Unalias(t).(*types.Named); ok {
		text = types.TypeString(named, func(p *types.Package) string {
			if p == s.src.pkg.Types {
				return ""
			}
			return p.Name()
		})
	}
	base := like(text, camel(strings.FieldsFunc(text, func(r rune) bool { return !isIdent(r) })))
	if named, ok := types.Unalias(t).(*types.Named); ok && named.Obj().Pkg() == s.src.pkg.Types &&
		named.TypeArgs() == nil {
		base = text
	}
	id := base
	for n := 2; s.ids[id]; n++ {
		id = base + strconv.Itoa(n)
	}
	s.ids[id] = true
	return id
}

// describe names a type for messages.
func (s *shaper) describe(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == s.src.pkg.Types {
			return ""
		}
		return p.Name()
	})
}

// fallible reports whether appending a value can fail.
func (sh *shape) fallible() bool {
	switch sh.kind {
	case kindUint, kindInt, kindBool, kindBytes, kindByteArray:
		return false
	case kindOptional, kindArray:
		return sh.elem.fallible()
	case kindStruct:
		return sh.fields.fallible()
	default:
		return true
	}
}

func (st *structShape) fallible() bool {
	return slices.ContainsFunc(st.fields, func(f *field) bool { return f.shape.fallible() })
}

// depth returns how deep maps and lists nest in a value.
func (sh *shape) depth() int {
	switch sh.kind {
	case kindOptional:
		return sh.elem.depth()
	case kindList, kindArray, kindMap:
		return 1 + sh.elem.depth()
	case kindStruct:
		return sh.fields.depth()
	default:
		return 0
	}
}

func (st *structShape) depth() int {
	deepest := 0
	for _, f := range st.fields {
		deepest = max(deepest, f.shape.depth())
	}
	return 1 + deepest
}

// count returns how many fields a struct has, those of nested structs included, or a number
// above most if they are more.
func (st *structShape) count(most int) int {
	n := len(st.fields)
	for _, f := range st.fields {
		sh := f.shape
		for sh.elem != nil {
			sh = sh.elem
		}
		if sh.fields != nil && n <= most {
			n += sh.fields.count(most - n)
		}
	}
	return n
}
