package shape

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
)

// Bounds of a shape. They are part of the format.
const (
	// MaxDepth is how deep structs, lists and maps may nest in a shape, the model included.
	MaxDepth = 32
	// MaxFields is how many fields a shape may have, those of nested structs included.
	MaxFields = 4_096
	// MaxSize is the largest Size of a Type.
	MaxSize = math.MaxInt32
)

// Parse returns the type that Append has written as the whole of src. It keeps no memory of src,
// and takes time and memory in proportion to its length at most. Bytes that Append does not
// write give an error that matches [ErrInvalid] and says what is wrong at which field. Fields
// come in the order in which they are encoded.
func Parse(src []byte) (Type, error) {
	p := parser{reader: reader{src: src}}
	t, err := p.parse()
	if err == nil {
		err = p.end()
	}
	if err == nil {
		err = t.Check()
	}
	if err != nil {
		return Type{}, asInvalid(err)
	}
	return t, nil
}

// asInvalid makes err match ErrInvalid.
func asInvalid(err error) error {
	if errors.Is(err, ErrInvalid) {
		return err
	}
	return fmt.Errorf("%w: shape: %w", ErrInvalid, err)
}

// parser reads the DAG-CBOR of a type.
type parser struct {
	reader
	bounds
}

// bounds counts what a shape has, so that nothing is read or followed beyond its bounds.
type bounds struct{ depth, fields int }

// enter begins a struct, list or map, which ends with leave.
func (b *bounds) enter() error {
	if b.depth == MaxDepth {
		return fmt.Errorf("its structs, lists and maps nest more than %d deep", MaxDepth)
	}
	b.depth++
	return nil
}

func (b *bounds) leave() { b.depth-- }

func (b *bounds) addFields(n int) error {
	if n > MaxFields-b.fields {
		return fmt.Errorf("it has more than %d fields", MaxFields)
	}
	b.fields += n
	return nil
}

// maxTypes is how deep types can nest: MaxDepth of them, a last one, and an optional around each.
// Readers count all types, because the kind, which says whether a type counts for the depth, may
// come behind its elements.
const maxTypes = 2 * (MaxDepth + 1)

// parse reads a type. It leaves to Check what does not depend on the bytes.
func (p *parser) parse() (t Type, err error) {
	left, err := p.count(cbor.Map, 3, 1)
	if err != nil {
		return t, err
	}
	if p.depth == maxTypes {
		return t, p.fail("its structs, lists and maps nest more than %d deep", MaxDepth)
	}
	p.depth++
	defer p.leave()
	if p.key(&left, "elem") {
		elem, err := p.parse()
		if err != nil {
			return t, err
		}
		t.Elem = &elem
	}
	if !p.key(&left, "kind") {
		return t, p.fail("a type has no member \"kind\" here")
	}
	kind, err := p.text()
	if err != nil {
		return t, err
	}
	t.Kind = Kind(kind)
	if _, exists := kinds[t.Kind]; !exists {
		return t, p.fail("the kind %.40q is unknown", kind)
	}
	if p.key(&left, "size") {
		size, err := p.head(cbor.Uint)
		if err != nil {
			return t, err
		}
		if size == 0 || size > MaxSize {
			return t, p.fail("the size %d is not 1 to %d", size, MaxSize)
		}
		t.Size = int(size)
	}
	if p.key(&left, "fields") {
		if t.Fields, err = p.parseFields(); err != nil {
			return t, err
		}
	} else if t.Kind == Struct {
		return t, p.fail("a struct has no member \"fields\" here")
	}
	return t, p.endKeys(left)
}

func (p *parser) parseFields() ([]Field, error) {
	// A field has at least the names of its members and of a kind.
	n, err := p.count(cbor.List, MaxFields, len("\xA2\x64name\x61a\x64type\xA1\x64kind\x64bool"))
	if err == nil {
		err = p.addFields(n)
	}
	if err != nil {
		return nil, err
	}
	fields := make([]Field, n)
	for i := range fields {
		if err := p.parseField(&fields[i]); err != nil {
			return nil, err
		}
		if i > 0 && compareFields(fields[i-1], fields[i]) >= 0 {
			return nil, p.fail("the field %.40q is repeated or comes too late", fields[i].Name)
		}
	}
	return fields, nil
}

func (p *parser) parseField(f *Field) error {
	left, err := p.count(cbor.Map, 4, 1)
	if err != nil {
		return err
	}
	if !p.key(&left, "name") {
		return p.fail("a field has no member \"name\" here")
	}
	name, err := p.text()
	if err != nil {
		return err
	}
	f.Name = string(name)
	if p.key(&left, "omit") {
		if item, err := p.next(); err != nil || item != cbor.True {
			return p.fail("the member \"omit\" of field %.40q is not true", f.Name)
		}
		p.at++
		f.Omit = true
	}
	if !p.key(&left, "type") {
		return p.fail("the field %.40q has no member \"type\" here", f.Name)
	}
	if f.Type, err = p.parse(); err != nil {
		return err
	}
	if p.key(&left, "default") {
		value, err := p.run(cbor.Bytes)
		if err != nil {
			return err
		}
		f.Default = append([]byte{}, value...)
	}
	return p.endKeys(left)
}

// kinds has the kinds, each with whether it has elements.
var kinds = map[Kind]bool{
	Uint8: false, Uint16: false, Uint32: false, Uint64: false,
	Int8: false, Int16: false, Int32: false, Int64: false,
	Bool: false, Float32: false, Float64: false, String: false, Bytes: false, Time: false,
	List: true, Map: true, Optional: true, Struct: false,
}

// Check returns an error that matches [ErrInvalid] for a type that no model can have, and says
// which field is wrong: one whose Kind is unknown, whose Elem, Size or Fields do not belong to its
// Kind, an Optional of an Optional, a struct with two fields of one name, a name that is empty or
// not UTF-8, a Default that is no value of the field's type, and a type beyond [MaxDepth] or
// [MaxFields].
func (t Type) Check() error {
	var b bounds
	if err := t.check(&b, ""); err != nil {
		return asInvalid(err)
	}
	return nil
}

func (t Type) check(b *bounds, path string) error {
	wrong := func(format string, args ...any) error {
		if path == "" {
			return fmt.Errorf(format, args...)
		}
		return fmt.Errorf("%s: %w", path, fmt.Errorf(format, args...))
	}
	hasElem, exists := kinds[t.Kind]
	switch {
	case !exists:
		return wrong("the kind %.40q is unknown", string(t.Kind))
	case hasElem && t.Elem == nil:
		return wrong("a type of kind %s needs the type of its elements", t.Kind)
	case !hasElem && t.Elem != nil:
		return wrong("a type of kind %s has no elements", t.Kind)
	case t.Size != 0 && t.Kind != List && t.Kind != Bytes:
		return wrong("a type of kind %s has no size", t.Kind)
	case t.Size < 0 || t.Size > MaxSize:
		return wrong("the size %d is not 1 to %d", t.Size, MaxSize)
	case t.Kind != Struct && t.Fields != nil:
		return wrong("a type of kind %s has no fields", t.Kind)
	case t.Kind == Optional && t.Elem.Kind == Optional:
		return wrong("what is optional may be missing already; leave out one of the two")
	case t.Kind == Optional:
		return t.Elem.check(b, path)
	case !hasElem && t.Kind != Struct:
		return nil
	}
	if err := b.enter(); err != nil {
		return wrong("%w", err)
	}
	defer b.leave()
	switch t.Kind {
	case List:
		return t.Elem.check(b, path+"[]")
	case Map:
		return t.Elem.check(b, path+"{}")
	}
	if err := b.addFields(len(t.Fields)); err != nil {
		return wrong("%w", err)
	}
	if i, err := CheckNames(t.Fields); err != nil {
		return wrong("field %.40q: %w", t.Fields[i].Name, err)
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		at := join(path, f.Name)
		if err := f.Type.check(b, at); err != nil {
			return err
		}
		if f.Default == nil {
			continue
		}
		if err := f.Type.checkValue(f.Default); err != nil {
			return fmt.Errorf("%s: its default is no value of its type: %w", at, err)
		}
	}
	return nil
}

// CheckNames checks the names of the fields of one struct, and those that they Was. It returns the
// number of the first field that is wrong in this, and what is wrong.
func CheckNames(fields []Field) (int, error) {
	names, were := make(map[string]bool, len(fields)), map[string]bool{}
	for i, f := range fields {
		switch {
		case f.Name == "":
			return i, errors.New("the field has no name")
		case !utf8.ValidString(f.Name):
			return i, errors.New("the name is not UTF-8")
		case names[f.Name]:
			return i, fmt.Errorf("two fields are named %.40q; rename one of them", f.Name)
		}
		names[f.Name] = true
	}
	for i, f := range fields {
		for _, was := range f.Was {
			switch {
			case was == f.Name:
				return i, fmt.Errorf("was=%.40s is the name that the field has; remove it", was)
			case names[was]:
				return i, fmt.Errorf("was=%.40s is the name of another field; rename that, or remove it here", was)
			case were[was]:
				return i, fmt.Errorf("was=%.40s is declared twice; keep it on one field", was)
			}
			were[was] = true
		}
	}
	return 0, nil
}

// join adds a field to a path, as people read it: Address.Town, Homes[].Town, Rooms{}.Beds.
func join(path, name string) string {
	if len(name) > 40 || !utf8.ValidString(name) {
		name = fmt.Sprintf("%.40q", name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
