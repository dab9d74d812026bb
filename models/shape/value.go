package shape

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
)

// maxElements is how many elements a list or map may have in a value.
const maxElements = 131_072

// CheckValue returns an error that matches [ErrInvalid] if src is not a value of the type in
// canonical DAG-CBOR, as docs/format.md describes it under "Values". A struct has all its fields,
// but for those that may be omitted, and no others. The type is one for which Check returns nil.
// CheckValue takes time in proportion to the length of src.
func (t Type) CheckValue(src []byte) error {
	if err := t.checkValue(src); err != nil {
		return fmt.Errorf("%w: value: %w", ErrInvalid, err)
	}
	return nil
}

func (t Type) checkValue(src []byte) error {
	r := reader{src: src}
	if err := r.value(&t); err != nil {
		return err
	}
	return r.end()
}

// value reads a value of a type.
func (r *reader) value(t *Type) error {
	switch t.Kind {
	case Uint8, Uint16, Uint32, Uint64:
		return r.unsigned(t.Kind)
	case Int8, Int16, Int32, Int64:
		return r.signed(t.Kind)
	case Bool:
		item, err := r.next()
		if err == nil && item != cbor.False && item != cbor.True {
			err = r.fail("there is %s in place of a boolean", cbor.Names[item>>5])
		}
		r.at++
		return err
	case Float32, Float64:
		return r.float(t.Kind)
	case String:
		_, err := r.text()
		return err
	case Bytes:
		start := r.at
		data, err := r.run(cbor.Bytes)
		if err == nil && t.Size != 0 && len(data) != t.Size {
			r.at = start
			return r.fail("a byte string has %d bytes, not %d", len(data), t.Size)
		}
		return err
	case Time:
		return r.time()
	case Optional:
		if item, err := r.next(); err != nil || item != cbor.Null {
			return r.value(t.Elem)
		}
		r.at++
		return nil
	case List:
		start := r.at
		n, err := r.count(cbor.List, maxElements, 1)
		if err == nil && t.Size != 0 && n != t.Size {
			r.at = start
			return r.fail("a list has %d elements, not %d", n, t.Size)
		}
		for range n {
			if err == nil {
				err = r.value(t.Elem)
			}
		}
		return err
	case Map:
		return r.entries(t.Elem)
	default:
		return r.fields(t)
	}
}

// bits returns the size of a number.
func (k Kind) bits() int {
	switch k {
	case Uint8, Int8:
		return 8
	case Uint16, Int16:
		return 16
	case Uint32, Int32, Float32:
		return 32
	default:
		return 64
	}
}

func (r *reader) unsigned(k Kind) error {
	start := r.at
	v, err := r.head(cbor.Uint)
	if err == nil && k.bits() < 64 && v>>k.bits() != 0 {
		r.at = start
		return r.fail("%d is no %s", v, k)
	}
	return err
}

func (r *reader) signed(k Kind) error {
	start, major := r.at, byte(cbor.Uint)
	if item, err := r.next(); err == nil && item>>5 == cbor.Neg {
		major = cbor.Neg
	}
	v, err := r.head(major)
	if err == nil && v>>(k.bits()-1) != 0 {
		r.at = start
		return r.fail("an integer is no %s", k)
	}
	return err
}

func (r *reader) float(k Kind) error {
	if item, err := r.next(); err != nil {
		return err
	} else if item != cbor.Float64 || len(r.src)-r.at < 9 {
		return r.fail("there is no float of 8 bytes")
	}
	v := math.Float64frombits(binary.BigEndian.Uint64(r.src[r.at+1:]))
	if math.IsNaN(v) || math.IsInf(v, 0) || k == Float32 && float64(float32(v)) != v {
		return r.fail("%v is no %s", v, k)
	}
	r.at += 9
	return nil
}

// time reads an instant in its one form: null is the zero time.
func (r *reader) time() error {
	if item, err := r.next(); err == nil && item == cbor.Null {
		r.at++
		return nil
	}
	start := r.at
	text, err := r.text()
	if err != nil {
		return err
	}
	if !cbor.IsTime(text) {
		r.at = start
		return r.fail("%.40q is no time of RFC 3339 in UTC in its one form", text)
	}
	return nil
}

// entries reads a map.
func (r *reader) entries(elem *Type) error {
	n, err := r.count(cbor.Map, maxElements, 2)
	var before []byte
	for i := 0; i < n && err == nil; i++ {
		start := r.at
		var key []byte
		if key, err = r.text(); err != nil {
			return err
		}
		if i > 0 && compareKeys(before, key) >= 0 {
			r.at = start
			return r.fail("the key %.40q is repeated or comes too late", key)
		}
		before, err = key, r.value(elem)
	}
	return err
}

// fields reads a struct.
func (r *reader) fields(t *Type) error {
	left, err := r.count(cbor.Map, MaxFields, 2)
	if err != nil {
		return err
	}
	fields := sorted(t.Fields)
	for i := range fields {
		f := &fields[i]
		switch {
		case r.key(&left, f.Name):
			if err := r.value(&f.Type); err != nil {
				return err
			}
		case !f.Omit:
			return r.fail("the field %.40q is missing", f.Name)
		}
	}
	return r.endKeys(left)
}
