package dynamic

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// path leads from a model to a value in it.
type path struct {
	steps []step
	end   *node
	// many says that it goes through a list.
	many bool
}

// step leads from a struct to a field, or from a map to the value of a key, which is encoded.
type step struct {
	field *field
	key   string
}

// path reads a path: the names of fields, and keys of maps, with dots between. Lists have no name in it.
func (n *node) path(text string) (p path, err error) {
	rest := text
	for {
		if n.typ.Kind == shape.Optional || n.typ.Kind == shape.List {
			p.many = p.many || n.typ.Kind == shape.List
			n = n.elem
			continue
		}
		if rest == "" {
			p.end = n
			return p, nil
		}
		name, s := rest, step{}
		switch n.typ.Kind {
		case shape.Struct:
			i := n.longest(rest)
			if i < 0 {
				name, _, _ = strings.Cut(rest, ".")
				return p, in("."+strings.TrimSuffix(text, rest)+name, n.unknown(name))
			}
			s.field = &n.fields[i]
			name, n = s.field.Name, s.field.node
		case shape.Map:
			name, _, _ = strings.Cut(rest, ".")
			s.key, n = string(cbor.AppendText(nil, name)), n.elem
		default:
			before := strings.TrimSuffix(strings.TrimSuffix(text, rest), ".")
			return p, in("."+before, fmt.Errorf("it is %s and has no fields", n.typ.Kind))
		}
		p.steps = append(p.steps, s)
		if rest = rest[len(name):]; rest != "" {
			if rest = rest[1:]; rest == "" {
				return p, in("."+text, errors.New("a name is missing behind the dot"))
			}
		}
	}
}

// longest returns the number of the field with the longest name that a path begins with, or -1. Names may
// have dots.
func (n *node) longest(path string) int {
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		if i := n.named(path[:end]); i >= 0 {
			return i
		}
	}
	return -1
}

// values yields the items at the end of a path in an item of a node, more than one where it goes through a
// list, and nil where an optional is null or a map has no such key. It reports whether it went on to the
// end.
func (n *node) values(item []byte, steps []step, yield func(item []byte) bool) bool {
	for n.typ.Kind == shape.Optional {
		if item[0] == cbor.Null {
			return yield(nil)
		}
		n = n.elem
	}
	switch n.typ.Kind {
	case shape.List:
		_, left, rest, err := cbor.Head(item)
		for ; left > 0 && err == nil; left-- {
			var elem []byte
			if elem, rest, err = cbor.Cut(rest); err == nil && !n.elem.values(elem, steps, yield) {
				return false
			}
		}
		return true
	case shape.Struct:
		if len(steps) > 0 {
			f := steps[0].field
			return f.node.values(f.in(item), steps[1:], yield)
		}
	case shape.Map:
		if len(steps) > 0 {
			if elem := entryOf(item, steps[0].key); elem != nil {
				return n.elem.values(elem, steps[1:], yield)
			}
			return yield(nil)
		}
	}
	return yield(item)
}

// entryOf returns the item at a key of a map, or nil.
func entryOf(value []byte, key string) []byte {
	_, left, rest, err := cbor.Head(value)
	for ; left > 0 && err == nil; left-- {
		found := bytes.HasPrefix(rest, []byte(key))
		if _, rest, err = cbor.Cut(rest); err != nil {
			break
		}
		var item []byte
		if item, rest, err = cbor.Cut(rest); err == nil && found {
			return item
		}
	}
	return nil
}
