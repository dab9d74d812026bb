package dynamic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// throughFile writes a schema file and reads it.
func throughFile(t testing.TB, s shape.Schema) shape.Schema {
	t.Helper()
	var file bytes.Buffer
	if err := s.Write(&file); err != nil {
		t.Fatal(err)
	}
	read, err := shape.ReadSchema(&file)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// contents prints all that an engine holds but for the entry of the store, which has its random id.
func contents(t testing.TB, eng engine.Engine) string {
	t.Helper()
	db, err := eng.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	txn, err := db.View(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	c := txn.Cursor(engine.Range{})
	defer c.Close()
	var b strings.Builder
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			t.Fatal(err)
		}
		if string(c.Key()) == "\x01\x00" {
			continue
		}
		fmt.Fprintf(&b, "%x\n  %x\n", c.Key(), value)
	}
	return b.String()
}

// open opens a store, which is verified and closed by the function returned.
func open(t testing.TB, eng engine.Engine, d *models.Definition) (*datastore.Store, func()) {
	t.Helper()
	store, err := datastore.Open(context.Background(), eng, d)
	if err != nil {
		t.Fatal(err)
	}
	return store, func() {
		if report, err := datastore.Verify(context.Background(), store); err != nil || !report.Clean() {
			t.Errorf("verify: %v, %+v", err, report)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSameBytes does the same work on two stores, one with the compiled tree and one with the tree of its
// schema, and compares all that their engines hold. Each store is then opened with the other tree.
func TestSameBytes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) { sameBytes(t, r) })
}

func sameBytes(t *testing.T, r *rapid.T) {
	ctx := context.Background()
	compiled := declareEvents()
	definition, tree := dynamicEvents(t, compiled.tree)
	compiledEngine, dynamicEngine := memory.Engine(), memory.Engine()
	ours, closeOurs := open(t, compiledEngine, compiled.definition)
	theirs, closeTheirs := open(t, dynamicEngine, definition.Definition)

	for range rapid.IntRange(1, 12).Draw(r, "writes") {
		e := drawEvent(r)
		key := models.MakePair(e.Region, e.ID)
		text := string(asJSON(t, compiled.tree, &e))
		row := parse(t, tree, text)
		if again, err := row.AppendJSON(nil); err != nil || string(parseAgain(t, tree, again)) != text {
			t.Fatalf("%s is written as %s, error %v", text, again, err)
		}
		dynamicKey, err := tree.ParseKey(compiled.tree.FormatKey(key))
		if err != nil {
			t.Fatal(err)
		}
		var want, got error
		switch rapid.IntRange(0, 5).Draw(r, "how") {
		case 0:
			want, got = compiled.tree.Insert(ctx, ours, &e), tree.Insert(ctx, theirs, &row)
		case 1:
			want, got = compiled.tree.Delete(ctx, ours, key), tree.Delete(ctx, theirs, dynamicKey)
		case 2:
			at := time.Now().Add(time.Hour)
			want, got = compiled.tree.PutUntil(ctx, ours, &e, at), tree.PutUntil(ctx, theirs, &row, at)
		case 3:
			want = compiled.tree.Modify(ctx, ours, key, func(m *event) error { *m = e; return nil })
			got = tree.Modify(ctx, theirs, dynamicKey, func(m *dynamic.Row) error { *m = row; return nil })
		default:
			want, got = compiled.tree.Put(ctx, ours, &e), tree.Put(ctx, theirs, &row)
		}
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Fatalf("writing %s gives %v, compiled %v", text, got, want)
		}
	}
	sameRows(t, &compiled, ours, tree, theirs)
	closeOurs()
	closeTheirs()
	if want, got := contents(t, compiledEngine), contents(t, dynamicEngine); want != got {
		t.Fatalf("the compiled tree has\n%s and the other\n%s", want, got)
	}

	again := declareEvents()
	definition, tree = dynamicEvents(t, again.tree)
	ours, closeOurs = open(t, dynamicEngine, again.definition)
	theirs, closeTheirs = open(t, compiledEngine, definition.Definition)
	sameRows(t, &again, ours, tree, theirs)
	closeOurs()
	closeTheirs()
}

// TestCompressed reads rows that each of both trees has compressed with the other.
func TestCompressed(t *testing.T) {
	ctx := t.Context()
	compiled := declareEvents(models.WithCompression[event]())
	definition, tree := dynamicEvents(t, compiled.tree, dynamic.Compressed("city.event"))
	compiledEngine, dynamicEngine := memory.Engine(), memory.Engine()
	ours, closeOurs := open(t, compiledEngine, compiled.definition)
	theirs, closeTheirs := open(t, dynamicEngine, definition.Definition)
	const rows = 2_200
	all, parsed := make([]event, rows), make([]dynamic.Row, rows)
	for i := range all {
		all[i] = event{
			ID: uint64(
				i,
			), Title: fmt.Sprintf("meeting no. %d of the people of the town", i%97), Place: place{Town: "the same town"},
			Tags: []string{"meeting", fmt.Sprint(i % 7)}, At: time.Unix(int64(i), 0).UTC(),
		}
		parsed[i] = parse(t, tree, string(asJSON(t, compiled.tree, &all[i])))
	}
	for i := 0; i < rows; i += 100 {
		err := errors.Join(compiled.tree.PutMany(ctx, ours, all[i:i+100]), tree.PutMany(ctx, theirs, parsed[i:i+100]))
		if err != nil {
			t.Fatal(err)
		}
	}
	closeOurs()
	closeTheirs()
	for name, eng := range map[string]engine.Engine{"the compiled tree": compiledEngine, "the tree of the schema": dynamicEngine} {
		if !strings.Contains(contents(t, eng), "\n0103") {
			t.Errorf("%s has no dictionary", name)
		}
	}
	again := declareEvents()
	definition, tree = dynamicEvents(t, again.tree)
	ours, closeOurs = open(t, dynamicEngine, again.definition)
	theirs, closeTheirs = open(t, compiledEngine, definition.Definition)
	sameRows(t, &again, ours, tree, theirs)
	closeOurs()
	closeTheirs()
}

func parseAgain(t testing.TB, tree *dynamic.Tree, text []byte) []byte {
	t.Helper()
	row := parse(t, tree, string(text))
	again, err := row.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// sameRows compares the rows of both stores, in the order of the key and of every index.
func sameRows(t testing.TB, e *events, ours *datastore.Store, tree *dynamic.Tree, theirs *datastore.Store) {
	t.Helper()
	ctx := context.Background()
	indexed := func(name string) iter.Seq2[dynamic.Row, error] {
		ix, ok := tree.Index(name)
		if !ok {
			t.Fatalf("there is no index %s", name)
		}
		return ix.Range(ctx, theirs, models.Range[any]{}.Reverse())
	}
	for name, rows := range map[string]struct {
		ours   iter.Seq2[event, error]
		theirs iter.Seq2[dynamic.Row, error]
	}{
		"rows":  {e.tree.Range(ctx, ours, models.Range[eventKey]{}), tree.Range(ctx, theirs, models.Range[any]{})},
		"title": {e.title.Range(ctx, ours, models.Range[string]{}.Reverse()), indexed("title")},
		"phone": {e.phone.Range(ctx, ours, models.Range[string]{}.Reverse()), indexed("phone")},
		"tag":   {e.tag.Range(ctx, ours, models.Range[tagAndTime]{}.Reverse()), indexed("tag_at")},
		"level": {
			e.level.Range(ctx, ours, models.Range[models.Triple[bool, int16, float64]]{}.Reverse()), indexed("live_level_ratio"),
		},
	} {
		var want, got []string
		for m, err := range rows.ours {
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, string(asJSON(t, e.tree, &m)))
		}
		for row, err := range rows.theirs {
			if err != nil {
				t.Fatal(err)
			}
			text, err := row.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(text))
		}
		if !slices.Equal(want, got) {
			t.Fatalf("%s: there are %q, not %q", name, got, want)
		}
	}
}

// TestIndexes finds rows through every kind of index.
func TestIndexes(t *testing.T) {
	ctx := t.Context()
	compiled := declareEvents()
	definition, tree := dynamicEvents(t, compiled.tree)
	store, done := open(t, memory.Engine(), definition.Definition)
	defer done()
	for i, text := range []string{
		`{"Region": "n", "ID": 1, "Title": "x", "Phone": "1", "tags": ["a", "b", "a"], "At": "2026-11-28T12:00:00+02:00"}`,
		`{"Region": "n", "ID": 2, "Title": "xy", "tags": ["a"]}`,
		`{"Region": "s", "ID": 1, "Title": "y", "Phone": "2"}`,
	} {
		row := parse(t, tree, text)
		if err := tree.Put(ctx, store, &row); err != nil {
			t.Fatal(i, err)
		}
	}
	row := parse(t, tree, `{"Region": "s", "ID": 9, "Phone": "2"}`)
	if err := tree.Put(ctx, store, &row); !errors.Is(err, models.ErrUnique) {
		t.Errorf("a second row gets a phone: %v", err)
	}
	keys := func(rows iter.Seq2[dynamic.Row, error]) (found []string) {
		for row, err := range rows {
			if err != nil {
				return append(found, err.Error())
			}
			key, err := tree.Key(&row)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, tree.FormatKey(key))
		}
		return found
	}
	index := func(name string) dynamic.Index {
		ix, ok := tree.Index(name)
		if !ok {
			t.Fatalf("there is no index %s", name)
		}
		return ix
	}
	at := func(name, text string) any {
		key, err := index(name).ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	for name, found := range map[string]struct {
		rows iter.Seq2[dynamic.Row, error]
		want []string
	}{
		"title":     {index("title").Find(ctx, store, "xy"), []string{"n,2"}},
		"beginning": {index("title").Range(ctx, store, models.Beginning[any]("x")), []string{"n,1", "n,2"}},
		"phone":     {index("phone").Find(ctx, store, "2"), []string{"s,1"}},
		"no phone":  {index("phone").Find(ctx, store, "9"), nil},
		"phones":    {index("phone").Range(ctx, store, models.From[any]("1")), []string{"n,1", "s,1"}},
		"tag":       {index("tag_at").Find(ctx, store, at("tag_at", "a,2026-11-28T10:00:00Z")), []string{"n,1"}},
		"first part": {
			index("tag_at").Range(ctx, store, models.Leading[any](models.MakePair[any, any]("a", time.Time{}), 1)),
			[]string{"n,2", "n,1"},
		},
		"level": {index("live_level_ratio").Find(ctx, store, at("live_level_ratio", "false,7,0")), []string{"n,1", "n,2", "s,1"}},
		"region": {
			tree.Range(ctx, store, models.Leading[any](models.MakePair[any, any]("n", uint64(0)), 1).Reverse()), []string{"n,2", "n,1"},
		},
	} {
		if got := keys(found.rows); !slices.Equal(got, found.want) {
			t.Errorf("%s finds %q, not %q", name, got, found.want)
		}
	}
	if n, err := index("tag_at").Count(ctx, store, models.Range[any]{}); n != 3 || err != nil {
		t.Errorf("there are %d entries, error %v", n, err)
	}
	var entries []string
	for e, err := range index("title").Keys(ctx, store, models.Range[any]{}) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, index("title").FormatKey(e.Index)+" "+tree.FormatKey(e.Primary))
	}
	if want := []string{"x n,1", "xy n,2", "y s,1"}; !slices.Equal(entries, want) {
		t.Errorf("the entries are %q, not %q", entries, want)
	}
}

// TestVersions opens a store whose key and index are of later versions than the first.
func TestVersions(t *testing.T) {
	type note struct {
		ID   uint64
		Text string
	}
	notes := models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID }, models.KeyFields[note]("ID"),
		models.WithKeyVersion[note](2))
	models.NewIndex(notes, "text", models.String, func(n *note) string { return n.Text }, models.Fields[note]("Text"),
		models.IndexVersion[note](3))
	eng := memory.Engine()
	store, done := open(t, eng, models.NewDefinition("x", notes))
	if err := notes.Put(t.Context(), store, &note{1, "a"}); err != nil {
		t.Fatal(err)
	}
	done()
	definition, tree := dynamicEvents(t, notes)
	inspection, err := datastore.Inspect(t.Context(), eng)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := inspection.Schema(t.Context(), "x.note")
	if same, compareErr := stored.Compare(tree.Schema()); err != nil || compareErr != nil || same != shape.Same ||
		stored.KeyVersion != 2 || stored.Indexes[0].Version != 3 {
		t.Errorf("the store has the schema %+v, errors %v, %v", stored, err, compareErr)
	}
	if err := inspection.Close(); err != nil {
		t.Fatal(err)
	}
	before := contents(t, eng)
	store, done = open(t, eng, definition.Definition)
	row, err := tree.Get(t.Context(), store, uint64(1))
	if text, jsonErr := row.AppendJSON(nil); err != nil || jsonErr != nil || string(text) != `{"ID":1,"Text":"a"}` {
		t.Errorf("the row is %s, errors %v, %v", text, err, jsonErr)
	}
	done()
	if after := contents(t, eng); after != before {
		t.Errorf("the store had\n%s and has\n%s", before, after)
	}
}

// TestOtherTrees gives trees rows that are not theirs.
func TestOtherTrees(t *testing.T) {
	ctx := t.Context()
	compiled := declareEvents()
	definition, tree := dynamicEvents(t, compiled.tree)
	_, same := dynamicEvents(t, declareEvents().tree)
	other := define(t, shape.Schema{
		Tree: "x.y", Key: "uint64", Codec: "dag-cbor", Policy: "local", KeyFields: []string{"ID"},
		Shape: shape.StructOf(shape.Field{Name: "ID", Type: shape.Of(shape.Uint64)}),
	})
	store, done := open(t, memory.Engine(), definition.Definition)
	defer done()
	row := parse(t, same, `{"ID": 3}`)
	if err := tree.Put(ctx, store, &row); err != nil {
		t.Errorf("a row of a tree of the same schema: %v", err)
	}
	row = parse(t, other, `{"ID": 3}`)
	if err := tree.Put(
		ctx,
		store,
		&row,
	); !errors.Is(err, models.ErrInvalid) ||
		!strings.Contains(err.Error(), "a row of x.y") {
		t.Errorf("a row of another tree: %v", err)
	}
	if err := tree.Put(ctx, store, &dynamic.Row{}); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("the zero Row: %v", err)
	}
	if _, err := new(dynamic.Row).AppendJSON(nil); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("the zero Row as JSON: %v", err)
	}
}
