package dynamic

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// maxElements is how many elements a list or map may have.
const maxElements = 131_072

// filler writes a value as a codec with a Go type would: fields that are missing are zero, and fields
// that may be omitted are left out if they are.
type filler struct {
	dst []byte
	// most is how long dst may get: each element of a list can lack many fields.
	most int
	// explicit keeps a field that is omitted and that would get another value than zero by its default.
	explicit bool
}

// mostFrom returns how long a value may get that is made of so many bytes.
func mostFrom(size int) int { return maxZero + size + 31*min(size, 1<<24) }

var errGrows = errors.New("it lacks so many fields that it is refused")

// fill appends the value src of a node as Append of a codec writes it. Src has to be canonical, but may
// lack fields and may have fields that could be omitted.
func (n *node) fill(dst, src []byte, explicit bool) ([]byte, error) {
	f := filler{dst: dst, most: len(dst) + mostFrom(len(src)), explicit: explicit}
	rest, err := f.value(n, src)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes follow the value", len(rest))
	}
	if err != nil {
		return dst, invalid(err)
	}
	return f.dst, nil
}

// value reads the value of a node at the front of src and returns what follows it.
func (f *filler) value(n *node, src []byte) (rest []byte, err error) {
	switch {
	case !n.structs:
		item, rest, err := cbor.Cut(src)
		if err == nil {
			err = n.typ.CheckValue(item)
		}
		f.dst = append(f.dst, item...)
		return rest, err
	case n.typ.Kind == shape.Optional && len(src) > 0 && src[0] == cbor.Null:
		f.dst = append(f.dst, cbor.Null)
		return src[1:], nil
	case n.typ.Kind == shape.Optional:
		return f.value(n.elem, src)
	case n.typ.Kind == shape.List:
		return f.list(n, src)
	case n.typ.Kind == shape.Map:
		return f.entries(n, src)
	default:
		return f.fields(n, src)
	}
}

// count reads the head of a list or map.
func count(src []byte, want byte) (n int, rest []byte, err error) {
	major, arg, rest, err := cbor.Head(src)
	switch {
	case err != nil:
		return 0, nil, err
	case major != want:
		return 0, nil, fmt.Errorf("there is %s in place of %s", cbor.Names[major], cbor.Names[want])
	case arg > maxElements || arg > uint64(len(rest)):
		return 0, nil, fmt.Errorf("%s of %d elements is cut off or has more than %d",
			cbor.Names[want], arg, maxElements)
	}
	return int(arg), rest, nil
}

func (f *filler) list(n *node, src []byte) ([]byte, error) {
	elements, rest, err := count(src, cbor.List)
	if err == nil && n.typ.Size != 0 && elements != n.typ.Size {
		err = fmt.Errorf("a list has %d elements, not %d", elements, n.typ.Size)
	}
	if err != nil {
		return nil, err
	}
	f.dst = append(f.dst, src[:len(src)-len(rest)]...)
	for i := range elements {
		if rest, err = f.value(n.elem, rest); err != nil {
			return nil, inElement(i, err)
		}
	}
	return rest, nil
}

func (f *filler) entries(n *node, src []byte) ([]byte, error) {
	entries, rest, err := count(src, cbor.Map)
	if err != nil {
		return nil, err
	}
	f.dst = append(f.dst, src[:len(src)-len(rest)]...)
	var before []byte
	for range entries {
		key, after, err := cutKey(rest)
		if err != nil {
			return nil, err
		}
		if before != nil && bytes.Compare(before, key) >= 0 {
			return nil, fmt.Errorf("the key %.40q is repeated or comes too late", textOf(key))
		}
		f.dst = append(f.dst, key...)
		if rest, err = f.value(n.elem, after); err != nil {
			return nil, inField(string(textOf(key)), err)
		}
		before = key
	}
	return rest, nil
}

// cutKey cuts a key of a map from src.
func cutKey(src []byte) (key, rest []byte, err error) {
	key, rest, err = cbor.Cut(src)
	switch {
	case err != nil:
		return nil, nil, err
	case key[0]>>5 != cbor.Text:
		return nil, nil, fmt.Errorf("there is %s in place of a name", cbor.Names[key[0]>>5])
	case !utf8.Valid(textOf(key)):
		return nil, nil, fmt.Errorf("the name %.40q is not UTF-8", textOf(key))
	}
	return key, rest, nil
}

// textOf returns what a text or a byte string holds.
func textOf(item []byte) []byte {
	_, _, text, _ := cbor.Head(item)
	return text
}

func (f *filler) fields(n *node, src []byte) ([]byte, error) {
	left, rest, err := count(src, cbor.Map)
	if err != nil {
		return nil, err
	}
	start := len(f.dst)
	f.dst = cbor.AppendHead(f.dst, cbor.Map, uint64(len(n.fields)))
	first, written := len(f.dst), 0
	for i := range n.fields {
		fd := &n.fields[i]
		from := len(f.dst)
		f.dst = append(f.dst, fd.key...)
		value := len(f.dst)
		if left > 0 && bytes.HasPrefix(rest, []byte(fd.key)) {
			left--
			if rest, err = f.value(fd.node, rest[len(fd.key):]); err != nil {
				return nil, inField(fd.Name, err)
			}
		} else {
			f.dst = append(f.dst, fd.zero...)
		}
		if fd.Omit && !(f.explicit && fd.changes()) && fd.isZero(f.dst[value:]) {
			f.dst = f.dst[:from]
			continue
		}
		if written++; len(f.dst) > f.most {
			return nil, errGrows
		}
	}
	if left > 0 {
		key, _, err := cutKey(rest)
		if err == nil {
			err = fmt.Errorf("the field %.40q is unknown, repeated or out of order", textOf(key))
		}
		return nil, err
	}
	f.dst = setHead(f.dst, start, first, written)
	return rest, nil
}

// changes reports whether leaving the field out of JSON gives it another value than zero.
func (f *field) changes() bool { return f.Default != nil && !f.isZero(f.Default) }

// setHead writes the head of a map at start, where another one is that reaches as far as first.
func setHead(dst []byte, start, first, fields int) []byte {
	var buf [9]byte
	head := cbor.AppendHead(buf[:0], cbor.Map, uint64(fields))
	if len(head) == first-start {
		copy(dst[start:], head)
		return dst
	}
	return slices.Replace(dst, start, first, head...)
}
