package models

import (
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"github.com/newsnet-africa/netabase-go/models/internal/fieldtag"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// dagShape holds what is known from a model's type alone.
type dagShape struct {
	fields []Field
	// count is how many fields have been found, those of nested structs included.
	count int
	// float32s is set if a float32 is somewhere in the model.
	float32s bool
	// own is set if a type that marshals itself is somewhere in the model.
	own bool
}

func dagShapeOf(model reflect.Type) (dagShape, error) {
	var s dagShape
	err := badType(model.String(), "a model is a struct")
	if model.Kind() == reflect.Struct {
		if own, ownErr := ownForm(model); own != "" || ownErr != nil {
			err = badType(model.String(), "it marshals itself, perhaps by an embedded field, and not as a map")
		} else {
			s.fields, err = s.structFields(model, model.String(), nil)
		}
	}
	if err != nil {
		return dagShape{}, err
	}
	return s, nil
}

// plainKinds are the kinds of types that are encoded by their kind alone.
var plainKinds = map[reflect.Kind]shape.Kind{
	reflect.Uint8: shape.Uint8, reflect.Uint16: shape.Uint16, reflect.Uint32: shape.Uint32,
	reflect.Uint64: shape.Uint64, reflect.Uint: shape.Uint64,
	reflect.Int8: shape.Int8, reflect.Int16: shape.Int16, reflect.Int32: shape.Int32,
	reflect.Int64: shape.Int64, reflect.Int: shape.Int64,
	reflect.Bool: shape.Bool, reflect.Float32: shape.Float32, reflect.Float64: shape.Float64,
	reflect.String: shape.String,
}

// shape gives the shape of a type that is used at path. Within are the maps and
// lists around it, outermost first.
func (s *dagShape) shape(t reflect.Type, path string, within []reflect.Type) (none shape.Type, err error) {
	switch t {
	case reflect.TypeFor[time.Time]():
		return shape.Of(shape.Time), nil
	case reflect.TypeFor[big.Int]():
		return none, badType(path, "DAG-CBOR has no integers of more than 64 bits")
	}
	if own, err := ownForm(t); err != nil {
		return none, badType(path, err.Error())
	} else if own != "" {
		s.own = true
		return shape.Of(own), checkPromotion(t, path)
	}
	if plain, ok := plainKinds[t.Kind()]; ok {
		s.float32s = s.float32s || plain == shape.Float32
		return shape.Of(plain), nil
	}
	switch kind := t.Kind(); kind {
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Pointer {
			return none, badType(path, "a pointer to a pointer can be nil at two levels, and DAG-CBOR has one null")
		}
		elem, err := s.shape(t.Elem(), path, within)
		return shape.OptionalOf(elem), err
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			if kind == reflect.Array {
				return shape.BytesOf(t.Len()), nil
			}
			return shape.Of(shape.Bytes), nil
		}
		if kind == reflect.Array && t.Len() > cborMaxElements {
			return none, badType(path, fmt.Sprintf("it has more than %d elements", cborMaxElements))
		}
		elem, err := s.elements(t, path, within)
		if kind == reflect.Array {
			return shape.ArrayOf(t.Len(), elem), err
		}
		return shape.ListOf(elem), err
	case reflect.Map:
		if own, err := ownForm(t.Key()); t.Key().Kind() != reflect.String || own != "" || err != nil {
			return none, badType(path, "the keys of a map have to be plain strings, not "+t.Key().String())
		}
		elem, err := s.elements(t, path, within)
		return shape.MapOf(elem), err
	case reflect.Struct:
		fields, err := s.structFields(t, path, within)
		if err == nil && len(fields) == 0 && t.NumField() > 0 {
			err = badType(path, t.String()+" has no exported fields; tag the field \"-\" to leave it out")
		}
		return shape.StructOf(fields...), err
	default:
		return none, badType(path, "DAG-CBOR cannot encode "+t.String())
	}
}

func (s *dagShape) elements(t reflect.Type, path string, within []reflect.Type) (none shape.Type, err error) {
	if within, err = enter(t, path, within); err != nil {
		return none, err
	}
	return s.shape(t.Elem(), path+"[]", within)
}

// enter adds t to the maps and lists around its elements or fields.
func enter(t reflect.Type, path string, within []reflect.Type) ([]reflect.Type, error) {
	switch {
	case slices.Contains(within, t):
		return nil, badType(path, t.String()+" contains itself, so its depth has no bound")
	case len(within) == cborMaxDepth:
		return nil, badType(path, fmt.Sprintf("its maps and lists nest more than %d deep", cborMaxDepth))
	}
	return append(slices.Clip(within), t), nil
}

// structFields describes what a struct is written as, in the order of the
// declaration.
func (s *dagShape) structFields(t reflect.Type, path string, within []reflect.Type) ([]Field, error) {
	within, err := enter(t, path, within)
	if err != nil {
		return nil, err
	}
	if f, ok := t.FieldByName("_"); ok {
		if _, options, _ := fieldTag(f); slices.Contains(options, "toarray") ||
			slices.Contains(options, "toindefarray") {
			return nil, badType(path, "a struct is encoded as a map, not as an array")
		}
	}
	fields, err := s.appendFields([]Field{}, t, path, within)
	if err != nil {
		return nil, err
	}
	if i, err := shape.CheckNames(fields); err != nil {
		return nil, badType(path+"."+fields[i].Name, err.Error())
	}
	return fields, nil
}

func (s *dagShape) appendFields(fields []Field, t reflect.Type, path string, within []reflect.Type) ([]Field, error) {
	if err := checkPromotion(t, path); err != nil {
		return nil, err
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, skip := fieldTag(f)
		path := path + "." + f.Name
		embeds := f.Anonymous && name == ""
		tagged := f.Tag.Get(fieldtag.Name) != ""
		var err error
		switch kind := f.Type.Kind(); {
		case tagged && (skip || !f.IsExported() && !(embeds && kind == reflect.Struct)):
			err = badType(path, "a field with the tag netabase has to be stored; export it and do not tag it `cbor:\"-\"`")
		case skip:
		case slices.Contains(options, "keyasint"):
			err = badType(path, "the names of fields are strings in DAG-CBOR, not integers")
		case !utf8.ValidString(name):
			err = badType(path, "its name is not UTF-8")
		case embeds && kind == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct:
			err = badType(path, "embed the struct and not a pointer to it, or give it a name")
		case embeds && kind == reflect.Struct && tagged:
			err = badType(path, "the fields of an embedded struct count as the outer one's; tag them and not the struct")
		case embeds && kind == reflect.Struct:
			fields, err = s.appendFields(fields, f.Type, path, within)
		case f.Anonymous && !f.IsExported() && kind == reflect.Struct:
			err = badType(path, "an embedded struct that is not exported cannot be renamed")
		case f.IsExported():
			if name == "" {
				name = f.Name
			}
			if s.count++; s.count > shape.MaxFields {
				return nil, badType(path, fmt.Sprintf("the model has more than %d fields, those of nested structs included",
					shape.MaxFields))
			}
			field := Field{Name: name}
			if field.Type, err = s.shape(f.Type, path, within); err == nil {
				field.Omit = slices.Contains(options, "omitzero") || slices.Contains(options, "omitempty") && canBeEmpty(f.Type)
				err = readTag(&field, f.Type, f.Tag, path)
			}
			fields = append(fields, field)
		}
		if err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// canBeEmpty reports whether omitempty leaves out some value of type t, which
// has a shape.
func canBeEmpty(t reflect.Type) bool {
	own, _ := ownForm(t)
	switch kind := t.Kind(); {
	case t == reflect.TypeFor[time.Time]():
		return false
	case own != "":
		return true
	case kind == reflect.Array:
		return t.Len() == 0
	case kind != reflect.Struct:
		return true
	}
	// A struct is empty if all its fields are left out.
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, skip := fieldTag(f)
		embeds := f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct
		if !skip && (embeds || f.IsExported()) &&
			(!embeds && !slices.Contains(options, "omitempty") || !canBeEmpty(f.Type)) {
			return false
		}
	}
	return true
}

// readTag reads the tag netabase of a field of type t. Its keys are modelgen's.
func readTag(field *Field, t reflect.Type, tag reflect.StructTag, path string) error {
	text := tag.Get(fieldtag.Name)
	switch {
	case fieldtag.Bare(string(tag)):
		return badType(path, "the value of the tag netabase has to be in double quotes directly after the colon")
	case text == "":
		return nil
	}
	parsed, err := fieldtag.Parse(text)
	if err != nil {
		return badType(path, err.Error())
	}
	if field.Was = parsed.Was; parsed.Default == nil {
		return nil
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if own, _ := ownForm(t); own != "" && t != reflect.TypeFor[time.Time]() {
		return badType(path, fmt.Sprintf("a tag cannot have the default of %s, which encodes itself; set it in a "+
			"function from the model's earlier type", t))
	}
	if field.Default, err = field.Type.ParseText(*parsed.Default); err != nil {
		return badType(path, fmt.Sprintf("tag netabase:%q: %v", text, err))
	}
	return nil
}

// fieldTag reads a field's tag as the encoder does.
func fieldTag(f reflect.StructField) (name string, options []string, skip bool) {
	tag := f.Tag.Get("cbor")
	if tag == "" {
		tag = f.Tag.Get("json")
	}
	parts := strings.Split(tag, ",")
	return parts[0], parts[1:], tag == "-"
}

var (
	cborMarshaler     = reflect.TypeFor[cbor.Marshaler]()
	cborUnmarshaler   = reflect.TypeFor[cbor.Unmarshaler]()
	binaryMarshaler   = reflect.TypeFor[encoding.BinaryMarshaler]()
	binaryUnmarshaler = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	textMarshaler     = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler   = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// ownForm gives the kind of what a type that marshals itself is encoded as, or
// "" for a type that does not.
func ownForm(t reflect.Type) (shape.Kind, error) {
	if t.Kind() == reflect.Pointer {
		return "", nil
	}
	has := reflect.PointerTo(t).Implements
	switch {
	case has(cborMarshaler) || has(cborUnmarshaler):
		return "", fmt.Errorf("%s has CBOR methods, which need not give DAG-CBOR; give it MarshalBinary or MarshalText", t)
	case has(binaryMarshaler) != has(binaryUnmarshaler):
		return "", fmt.Errorf("%s has only one of MarshalBinary and UnmarshalBinary", t)
	case has(binaryMarshaler):
		return shape.Bytes, nil
	case has(textMarshaler) != has(textUnmarshaler):
		return "", fmt.Errorf("%s has only one of MarshalText and UnmarshalText", t)
	case has(textMarshaler):
		return shape.String, nil
	default:
		return "", nil
	}
}

// checkPromotion refuses a struct that has other fields beside an embedded one
// which marshals itself: the outer struct may inherit its methods, which would
// leave the other fields out.
func checkPromotion(t reflect.Type, path string) error {
	if t.Kind() != reflect.Struct || t.NumField() < 2 {
		return nil
	}
	outer, _ := ownForm(t)
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.Anonymous {
			continue
		}
		if own, err := ownForm(f.Type); err != nil || own != "" && (outer == "" || outer == own) {
			return badType(path, fmt.Sprintf("the embedded %s encodes itself and would leave out the other fields; make it "+
				"a field with a name", f.Type))
		}
	}
	return nil
}

// badType is the error of a type that cannot be written.
func badType(path, why string) error { return fmt.Errorf("dag-cbor: %s: %s", path, why) }
