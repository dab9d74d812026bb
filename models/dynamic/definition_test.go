package dynamic_test

import (
	"bytes"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// note is the schema that the tests of this file change.
func note(tree string, change func(*shape.Schema)) shape.Schema {
	s := shape.Schema{
		Tree: tree, Key: "uint64", Codec: "dag-cbor", Policy: "local", KeyFields: []string{"ID"},
		Shape: shape.StructOf(
			shape.Field{Name: "ID", Type: shape.Of(shape.Uint64)},
			shape.Field{Name: "Text", Type: shape.Of(shape.String)},
			shape.Field{Name: "By", Type: shape.Of(shape.Bytes)},
			shape.Field{Name: "More", Type: shape.OptionalOf(shape.Of(shape.Int8))},
		),
		Indexes: []shape.Index{{Name: "text", Kind: "index", Key: "string", Fields: []string{"Text"}}},
	}
	change(&s)
	return s
}

// TestDefinitionFaults checks that every fault of every schema is in the error, with its tree and member.
func TestDefinitionFaults(t *testing.T) {
	faults := map[string]func(*shape.Schema){
		"codec: only values of the codec dag-cbor":                   func(s *shape.Schema) { s.Codec = "json" },
		"computedClock: the schema does not say from":                func(s *shape.Schema) { s.ComputedClock = true },
		"merge: a function of a program merges":                      func(s *shape.Schema) { s.Policy, s.Merged = "open", true },
		`key: no key codec is named "uint65"`:                        func(s *shape.Schema) { s.Key = "uint65" },
		"keyFields: the schema does not say from which":              func(s *shape.Schema) { s.KeyFields = nil },
		`keyFields: the field "Text" is string, which is no`:         func(s *shape.Schema) { s.KeyFields[0] = "Text" },
		`keyFields: the field "More" is optional(int8)`:              func(s *shape.Schema) { s.Key, s.KeyFields[0] = "int8", "More" },
		`key: no key codec is named "peer"`:                          func(s *shape.Schema) { s.Key, s.KeyFields[0] = "peer", "By" },
		"keyFields: the key in an immutable tree is the":             func(s *shape.Schema) { s.Policy = "immutable" },
		"key: it is not the codec of a hash":                         func(s *shape.Schema) { s.Policy, s.KeyFields = "immutable", nil },
		"indexes[0] text: fields: the schema does not say":           func(s *shape.Schema) { s.Indexes[0].Fields = nil },
		`indexes[0] text: key: no key codec is named "text"`:         func(s *shape.Schema) { s.Indexes[0].Key = "text" },
		`indexes[0] text: fields: the field "Text" is string`:        func(s *shape.Schema) { s.Indexes[0].Key = "bytes" },
		"indexes[0] text: fields: none of the fields is a":           func(s *shape.Schema) { s.Indexes[0].Kind = "multi" },
		"indexes[0] text: kind: a claim of a tree that is":           func(s *shape.Schema) { s.Indexes[0].Kind = "claim" },
		"indexes[0] text: kind: a unique index of a tree that is op": func(s *shape.Schema) { s.Indexes[0].Kind, s.Policy = "unique", "open" },
		"indexes[0] text: blind: a multi index does not":             func(s *shape.Schema) { s.Indexes[0].Kind, s.Indexes[0].Blind = "multi", true },
		"schema: invalid data: schema: policy":                       func(s *shape.Schema) { s.Policy = "secret" },
	}
	var schemas []shape.Schema
	names := map[string]string{}
	for want, change := range faults {
		name := "x.note" + string(rune('a'+len(schemas)))
		names[want] = name
		schemas = append(schemas, note(name, change))
	}
	schemas = append(schemas, note("x.fine", func(*shape.Schema) {}), note("x.fine", func(*shape.Schema) {}))
	_, err := dynamic.Definitions(schemas, dynamic.WithoutIndexes("x.fine.title"), dynamic.Compressed("x.none"))
	if !errors.Is(err, models.ErrDefinition) {
		t.Fatal(err)
	}
	for want, name := range names {
		if !strings.Contains(err.Error(), "schema of tree "+name+": "+want) {
			t.Errorf("the fault %q of tree %s is missing in\n%v", want, name, err)
		}
	}
	for _, want := range []string{
		"schema of tree x.fine: tree: there is another schema of the tree",
		`no schema has the index "x.fine.title"`, `no schema has the tree "x.none"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the fault %q is missing in\n%v", want, err)
		}
	}
}

// TestDefinitionsGroup makes two definitions of three schemas, and leaves out an index that says no fields.
func TestDefinitionsGroup(t *testing.T) {
	bare := note("a.two", func(s *shape.Schema) { s.Indexes[0].Fields = nil })
	definitions, err := dynamic.Definitions(
		[]shape.Schema{note("b.one", func(*shape.Schema) {}), bare, note("b.three", func(*shape.Schema) {})},
		dynamic.WithoutIndexes("a.two.text"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range definitions {
		for _, tree := range d.Trees() {
			names = append(names, d.Name()+"/"+tree.Name())
		}
	}
	if got, want := strings.Join(names, " "), "b/b.one b/b.three a/a.two"; got != want {
		t.Errorf("the trees are %s, not %s", got, want)
	}
	if _, ok := definitions[1].Trees()[0].Index("text"); ok {
		t.Error("the index is there")
	}
	if ix := definitions[0].Trees()[0].Indexes(); len(ix) != 1 || ix[0].Name() != "text" ||
		ix[0].Schema().Key != "string" {
		t.Errorf("the indexes are %v", ix)
	}
	store, err := datastore.Open(t.Context(), memory.Engine(), definitions[0].Definition, definitions[1].Definition)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := definitions[0].Trees()[0].ParseKey("x"); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("x is a key: %v", err)
	}
}

// TestBlind finds rows by keys that the store hides, of both kinds.
func TestBlind(t *testing.T) {
	ctx := t.Context()
	definitions, err := dynamic.Definitions([]shape.Schema{note("x.note", func(s *shape.Schema) {
		s.Indexes[0].Blind = true
		s.Indexes = append(
			s.Indexes,
			shape.Index{Name: "by", Kind: "unique", Key: "bytes", Blind: true, Fields: []string{"By"}},
		)
	})})
	if err != nil {
		t.Fatal(err)
	}
	tree := definitions[0].Trees()[0]
	store, err := datastore.Open(ctx, memory.Engine(), definitions[0].Definition,
		datastore.OpenOptions{Key: datastore.SecretKey(bytes.Repeat([]byte{7}, 32))})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, text := range []string{
		`{"ID":1,"Text":"a","By":{"/":{"bytes":"AQ"}}}`, `{"ID":2,"Text":"a","By":{"/":{"bytes":"Ag"}}}`, `{"ID":3,"Text":"b"}`,
	} {
		row := parse(t, tree, text)
		if err := tree.Put(ctx, store, &row); err != nil {
			t.Fatal(err)
		}
	}
	count := func(rows iter.Seq2[dynamic.Row, error]) (n int) {
		for _, err := range rows {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	text, _ := tree.Index("text")
	by, _ := tree.Index("by")
	if n := count(text.Find(ctx, store, "a")); n != 2 {
		t.Errorf("%d rows have the text", n)
	}
	if n := count(by.Find(ctx, store, []byte{2})); n != 1 {
		t.Errorf("%d rows have the bytes", n)
	}
	if n := count(by.Find(ctx, store, []byte{3})); n != 0 {
		t.Errorf("%d rows have bytes that none has", n)
	}
	for _, ix := range []dynamic.Index{text, by} {
		if _, err := ix.Count(ctx, store, models.Range[any]{}); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("counting a range of %s: %v", ix.Name(), err)
		}
		for _, err := range ix.Range(ctx, store, models.Range[any]{}) {
			if !errors.Is(err, models.ErrInvalid) {
				t.Errorf("a range of %s: %v", ix.Name(), err)
			}
		}
		for _, err := range ix.Keys(ctx, store, models.Range[any]{}) {
			if !errors.Is(err, models.ErrInvalid) {
				t.Errorf("keys of %s: %v", ix.Name(), err)
			}
		}
	}
}
