// Package mergetest checks the functions of models.WithMerge in tests. Programs do not import it.
//
//	func TestMergePages(t *testing.T) {
//		mergetest.Check(t, mergePages, mergetest.Models(func(p *Page) { p.ID = 1 }))
//	}
package mergetest

import (
	"bytes"
	"encoding/json"
	"reflect"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/models"
)

// Check fails t unless a merge lets peers end with the same bytes, whatever they have heard in which
// order. It merges random models that draws makes, which have one primary key, and looks at the
// DAG-CBOR of the results. The merge has to
//
//   - commute: merge(a, b) is merge(b, a),
//   - associate: merge(a, merge(b, c)) is merge(merge(a, b), c),
//   - absorb: merge(merge(a, b), a) is merge(a, b), so that what is heard twice counts once,
//   - be idempotent: merge(a, a) is a, so that no field is left out,
//   - leave its arguments as they are,
//   - return what can be encoded, and the same for what was encoded and decoded in between.
//
// A model in a form that a merge would not return, such as a set that is not sorted, is there as well,
// for all laws but idempotence: for that each field whose type has a method Merge, as those of package
// merge, is merged with itself first. If a type without such a method has such forms, make draws
// leave them out.
//
// For a merge that is wrong Check reports the smallest models it finds, with the results. The flags of
// rapid say how many models it tries, 100 by default, and repeat a failure.
func Check[M any](t rapid.TB, merge func(a, b *M) M, draws *rapid.Generator[M]) {
	t.Helper()
	codec := models.DagCBOR[M]()
	rapid.Check(t, func(rt *rapid.T) {
		c := checker[M]{rt, codec, merge}
		x, y, z := c.draw(draws, "a"), c.draw(draws, "b"), c.draw(draws, "c")
		xy := c.merge("merge(a, b)", x, y)
		c.same("it does not commute", "merge(a, b)", xy, "merge(b, a)", c.merge("merge(b, a)", y, x), x, y)
		c.same("merging again changes the result", "merge(a, b)", xy,
			"merge(merge(a, b), a)", c.merge("merge(merge(a, b), a)", xy, x), x, y)
		yz := c.merge("merge(b, c)", y, z)
		c.same("it does not associate", "merge(a, merge(b, c))", c.merge("merge(a, merge(b, c))", x, yz),
			"merge(merge(a, b), c)", c.merge("merge(merge(a, b), c)", xy, z), x, y, z)
		formed := c.read(x)
		normalize(reflect.ValueOf(formed).Elem())
		own := c.encode("a", formed)
		c.same("it is not idempotent", "a", own, "merge(a, a)", c.merge("merge(a, a)", own, own), own)
	})
}

// checker works on models as they are encoded.
type checker[M any] struct {
	*rapid.T
	codec models.Codec[M]
	of    func(a, b *M) M
}

// draw returns a model that the codec takes.
func (c *checker[M]) draw(draws *rapid.Generator[M], name string) []byte {
	m := draws.Draw(c.T, name)
	value, err := c.codec.Append(nil, &m)
	if err != nil {
		c.Skip("drawn is what cannot be encoded: ", err)
	}
	return value
}

func (c *checker[M]) read(value []byte) *M {
	m := new(M)
	if err := c.codec.Decode(value, m); err != nil {
		c.Fatalf("what was encoded cannot be decoded: %v", err)
	}
	return m
}

func (c *checker[M]) encode(what string, m *M) []byte {
	value, err := c.codec.Append(nil, m)
	if err != nil {
		c.Fatalf("%s cannot be encoded: %v\n%s", what, err, show(m))
	}
	return value
}

func (c *checker[M]) merge(what string, a, b []byte) []byte {
	first, second := c.read(a), c.read(b)
	merged := c.of(first, second)
	value := c.encode(what, &merged)
	if !bytes.Equal(c.encode("an argument", first), a) || !bytes.Equal(c.encode("an argument", second), b) {
		c.Fatalf("the merge changes its arguments: they were\n%s\n%s\nand are\n%s\n%s",
			show(c.read(a)), show(c.read(b)), show(first), show(second))
	}
	return value
}

// same fails unless two results are the same. Of are the models that they are made of.
func (c *checker[M]) same(fault, one string, a []byte, other string, b []byte, of ...[]byte) {
	if bytes.Equal(a, b) {
		return
	}
	c.Helper()
	text := ""
	for i, value := range of {
		text += string("abc"[i]) + " = " + show(c.read(value)) + "\n"
	}
	c.Fatalf("%s:\n%s%s = %s\n%s = %s", fault, text, one, show(c.read(a)), other, show(c.read(b)))
}

// show returns a model as people read it.
func show(m any) string {
	text, err := json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// normalize merges each value whose type has a method Merge with itself, in v and within it.
func normalize(v reflect.Value) {
	if m := v.MethodByName("Merge"); m.IsValid() && m.Type().NumIn() == 1 && m.Type().In(0) == v.Type() &&
		m.Type().NumOut() == 1 && m.Type().Out(0) == v.Type() {
		v.Set(m.Call([]reflect.Value{v})[0])
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				normalize(v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			normalize(v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			elem := reflect.New(v.Type().Elem()).Elem()
			elem.Set(v.MapIndex(key))
			normalize(elem)
			v.SetMapIndex(key, elem)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			normalize(v.Elem())
		}
	}
}
