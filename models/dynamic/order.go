package dynamic

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Order reads an order of rows, for [models.Sort]: the name of a field, as [Tree.Condition] reads it, and "-"
// in front for the reverse order. Rows without a value come first, in reverse last. A field in a list has no
// order. The error matches models.ErrInvalid. The function may be used concurrently.
func (t *Tree) Order(text string) (func(a, b *Row) int, error) {
	p, reverse, err := t.model.order(strings.TrimSpace(text))
	if err != nil {
		return nil, t.fail("parse order", err)
	}
	value := func(r *Row) (item []byte) {
		if r.of == t.model {
			t.model.values(r.value, p.steps, func(found []byte) bool {
				item = found
				return false
			})
		}
		return item
	}
	return func(a, b *Row) int {
		if reverse {
			a, b = b, a
		}
		return p.end.compare(value(a), value(b))
	}, nil
}

func (n *node) order(text string) (p path, reverse bool, err error) {
	name, reverse := strings.CutPrefix(text, "-")
	if name == "" {
		return p, false, errors.New("the name of a field is missing")
	}
	if n.longest(text) >= 0 { // a name that begins with -
		name, reverse = text, false
	}
	if p, err = n.path(name); err != nil {
		return p, false, err
	}
	switch {
	case !p.end.isScalar():
		err = in("."+name, fmt.Errorf("a %s has no order; ask for a field or key in it", p.end.typ.Kind))
	case p.many:
		err = in("."+name, errors.New("it is in a list, and rows have no order by it"))
	}
	return p, reverse, err
}

// compare compares two scalars of a node. Nil stands for none, which comes first.
func (n *node) compare(a, b []byte) int {
	switch {
	case a == nil || b == nil:
		return cmp.Compare(min(len(a), 1), min(len(b), 1))
	case n.typ.Kind == shape.Time:
		return instant(a).Compare(instant(b))
	case n.typ.Kind == shape.Float32 || n.typ.Kind == shape.Float64:
		return cmp.Compare(float(a), float(b))
	case n.typ.Kind == shape.String || n.typ.Kind == shape.Bytes:
		return bytes.Compare(textOf(a), textOf(b))
	default:
		return compareIntegers(a, b)
	}
}

func float(item []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(item[1:])) }

// compareIntegers compares two integers, or two booleans.
func compareIntegers(a, b []byte) int {
	majorA, argA, _, _ := cbor.Head(a)
	majorB, argB, _, _ := cbor.Head(b)
	switch {
	case majorA != majorB:
		return cmp.Compare(majorB, majorA) // negative integers have the higher one
	case majorA == cbor.Neg:
		return cmp.Compare(argB, argA)
	default:
		return cmp.Compare(argA, argB)
	}
}

func instant(item []byte) (at time.Time) {
	if item[0] != cbor.Null {
		at, _ = time.Parse(time.RFC3339Nano, string(textOf(item))) // rows have times in one form
	}
	return at
}
