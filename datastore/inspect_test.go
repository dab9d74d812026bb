package datastore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-datastore"
	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/codec/dagjson"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	netabase "github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// reading has a field of every kind that DAG-CBOR has.
type reading struct {
	Sensor string
	At     time.Time
	Small  int8
	Large  uint64
	Value  float64
	OK     bool
	Raw    []byte
	Notes  []string
	Labels map[string]string
	Next   *uint32
	Inner  struct{ A, B int64 }
}

type sensorTime = models.Pair[string, time.Time]

// reading trees have a nested pair for a key.
type readingKey = models.Pair[sensorTime, uint64]

var (
	readings = models.NewTree("reading", models.PairOf(models.PairOf(models.String, models.Time), models.Uint64),
		func(r *reading) readingKey {
			return models.MakePair(models.MakePair(r.Sensor, r.At), r.Large)
		})
	_ = models.NewIndex(readings, "ok", models.Bool, func(r *reading) bool { return r.OK })
	_ = models.NewMulti(readings, "notes", models.String, func(r *reading) []string { return r.Notes })

	lab = models.NewDefinition("lab", readings)
)

func someReading(i int) reading {
	next := uint32(i)
	r := reading{
		Sensor: fmt.Sprintf("s\x00%d", i%3), At: time.Unix(int64(i)*1e6, 5).UTC(), Small: int8(-i), Large: 1<<62 + uint64(i),
		Value: float64(i) + 0.25, OK: i%2 == 0, Raw: bytes.Repeat([]byte{0xFF, byte(i)}, i%5),
		Notes:  []string{"<a> & \"b\"", fmt.Sprint(i % 4)},
		Labels: map[string]string{"unit": "°C", "": "empty", "room": "1"},
	}
	if i%2 == 1 {
		r.Next = &next
	}
	r.Inner.A, r.Inner.B = -1<<63, int64(i)
	return r
}

// asDAGJSON is what go-ipld-prime makes of a value.
func asDAGJSON(t *testing.T, value []byte) string {
	t.Helper()
	node := basicnode.Prototype.Any.NewBuilder()
	if err := dagcbor.Decode(node, bytes.NewReader(value)); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := dagjson.Encode(node.Build(), &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestInspect(t *testing.T) {
	const rows = 1500 // more than a page
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		for i := range rows {
			if i%100 > 0 {
				continue
			}
			var some []reading
			for j := range 100 {
				some = append(some, someReading(i+j))
			}
			if err := readings.PutMany(ctx, h.Store, some); err != nil {
				t.Fatal(err)
			}
		}
		if err := people.PutMany(ctx, h.Store, crowd(10)); err != nil {
			t.Fatal(err)
		}
		if err := h.Store.Datastore().Put(ctx, datastore.NewKey("/some/key"), []byte("plain bytes")); err != nil {
			t.Fatal(err)
		}
		wantKeys := []string{}
		wantValues := []string{}
		for row, err := range readings.Raw().Scan(ctx, h.Store, models.Range[[]byte]{}) {
			if err != nil {
				t.Fatal(err)
			}
			wantKeys, wantValues = append(wantKeys, readings.Raw().FormatKey(row.Key)), append(wantValues, asDAGJSON(t, row.Value))
		}

		in := h.Store.Inspect()
		if h.restarts { // as the next process would, without the types
			h.close()
			var err error
			if in, err = netabase.Inspect(ctx, h.engine); err != nil {
				t.Fatal(err)
			}
			defer h.open()
		}
		defer in.Close()

		trees, err := in.Trees(ctx)
		if err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for _, tree := range trees {
			names = append(names, tree.Name)
			if tree.Err != nil {
				t.Error(tree.Err)
			}
		}
		if want := []string{"lab.reading", "netabase.plain", "town.person"}; !slices.Equal(names, want) {
			t.Fatalf("got trees %q, want %q", names, want)
		}
		got := trees[0]
		if got.Definition != "lab" || got.Key != "pair(pair(string,time),uint64)" || got.Codec != "dag-cbor" || got.Schema != 1 {
			t.Errorf("got %+v", got)
		}
		types := map[string]string{}
		for _, f := range got.Fields {
			types[f.Name] = f.Type.String()
		}
		if len(types) != 11 || types["Sensor"] != "string" || types["Labels"] != "map(string)" {
			t.Errorf("got fields %v", got.Fields)
		}
		if want := []netabase.IndexInfo{{Name: "ok", Kind: "index", Key: "bool", Ready: true}, {Name: "notes", Kind: "multi", Key: "string", Ready: true}}; !slices.Equal(got.Indexes, want) {
			t.Errorf("got indexes %+v", got.Indexes)
		}

		count, err := in.Count(ctx, "lab.reading")
		if err != nil || count.Rows != rows || count.Indexes[0].Entries != rows || count.Indexes[1].Entries != 2*rows {
			t.Errorf("got %+v, %v", count, err)
		}
		at, size := 0, int64(0)
		for row, err := range in.Rows(ctx, "lab.reading") {
			if err != nil || row.Err != nil {
				t.Fatal(err, row.Err)
			}
			if row.Key != wantKeys[at] || string(row.Value) != wantValues[at] {
				t.Fatalf("got %s: %s\nwant %s: %s", row.Key, row.Value, wantKeys[at], wantValues[at])
			}
			at, size = at+1, size+int64(row.Size)
		}
		if at != rows || size != count.Bytes {
			t.Errorf("%d rows of %d bytes, Count says %+v", at, size, count)
		}
		for row, err := range in.Rows(ctx, "netabase.plain") {
			if err != nil || row.Err != nil || !json.Valid(row.Value) || string(row.Value) != `{"/":{"bytes":"cGxhaW4gYnl0ZXM"}}` {
				t.Errorf("got %+v, %v", row, err)
			}
		}
		for range in.Rows(ctx, "town.person") {
			break // early, and nothing is left open: the engine's Close would wait
		}
		for _, err := range in.Rows(ctx, "town.nobody") {
			if !errors.Is(err, models.ErrUnknownTree) {
				t.Error(err)
			}
		}
		if _, err := in.Count(ctx, "town.nobody"); !errors.Is(err, models.ErrUnknownTree) {
			t.Error(err)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := in.Trees(ended); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		for _, err := range in.Rows(ended, "town.person") {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	}, town, lab)
}

// TestInspectNumbers looks at the numbers that go-ipld-prime's DAG-JSON has no
// room for, or no sign that they are floats.
func TestInspectNumbers(t *testing.T) {
	store := netabase.Temp(t, memory.Engine(), lab)
	r := reading{Sensor: "a", Large: 1<<64 - 1, Value: 2}
	if err := readings.Put(t.Context(), store, &r); err != nil {
		t.Fatal(err)
	}
	for row, err := range store.Inspect().Rows(t.Context(), "lab.reading") {
		if err != nil || row.Err != nil {
			t.Fatal(err, row.Err)
		}
		for _, want := range []string{`"Large":18446744073709551615,`, `"Value":2.0}`, `"Small":0,`} {
			if !strings.Contains(string(row.Value), want) {
				t.Errorf("%s is not in %s", want, row.Value)
			}
		}
	}
}

// TestInspectCountsAllBytes adds up what the trees hold and compares it with
// what the engine does.
func TestInspectCountsAllBytes(t *testing.T) {
	ctx, eng := t.Context(), memory.Engine()
	store, err := netabase.Open(ctx, eng, town)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(people.PutMany(ctx, store, crowd(1000)), store.Close()); err != nil {
		t.Fatal(err)
	}
	var want int64
	changeKeys(t, eng, func(txn engine.WriteTxn, key, value []byte) {
		if key[0] >= 64 {
			want += int64(len(key) + len(value))
		}
	})
	in, err := netabase.Inspect(ctx, eng)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	count, err := in.Count(ctx, "town.person")
	if err != nil {
		t.Fatal(err)
	}
	got := count.Bytes
	for _, ix := range count.Indexes {
		got += ix.Bytes
	}
	if got != want {
		t.Errorf("counted %d bytes, the engine has %d", got, want)
	}
}

// changeKeys opens an engine beneath any store and calls change with every key.
func changeKeys(t *testing.T, eng engine.Engine, change func(txn engine.WriteTxn, key, value []byte)) {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := txn.Cursor(engine.Range{})
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			t.Fatal(err)
		}
		change(txn, bytes.Clone(c.Key()), bytes.Clone(value))
	}
	err = c.Err()
	c.Close()
	if err := errors.Join(err, txn.Commit(t.Context(), engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestInspectDamage(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			ctx, eng := t.Context(), newEngine(t)
			store, err := netabase.Open(ctx, eng, town, lab)
			if err != nil {
				t.Fatal(err)
			}
			reading := someReading(1)
			if err := errors.Join(people.PutMany(ctx, store, crowd(1000)), readings.Put(ctx, store, &reading), store.Close()); err != nil {
				t.Fatal(err)
			}
			rows := 0
			changeKeys(t, eng, func(txn engine.WriteTxn, key, value []byte) {
				var err error
				switch {
				case bytes.HasPrefix(key, append([]byte{1, 1}, "lab.reading"...)): // its entry in the catalog
					value[7] ^= 1
					err = txn.Put(key, value)
				case bytes.HasPrefix(value, []byte{0, 1, 0xA6}): // a person's row
					if rows++; rows%100 == 0 {
						value[len(value)/2] ^= 0x10
						err = txn.Put(key, value)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
			})
			if rows != 1000 {
				t.Fatalf("%d rows recognized", rows)
			}

			in, err := netabase.Inspect(ctx, eng)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			trees, err := in.Trees(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, tree := range trees {
				if damaged := tree.Name == "lab.reading"; damaged != errors.Is(tree.Err, models.ErrCorrupt) || !damaged && tree.Err != nil {
					t.Errorf("%s: %v", tree.Name, tree.Err)
				}
			}
			for _, err := range in.Rows(ctx, "lab.reading") {
				if !errors.Is(err, models.ErrCorrupt) || !strings.Contains(err.Error(), "lab.reading") {
					t.Error(err)
				}
			}
			seen, damaged := 0, 0
			for row, err := range in.Rows(ctx, "town.person") {
				if err != nil {
					t.Fatal(err)
				}
				seen++
				var p person
				switch {
				case row.Err != nil:
					damaged++
					if !errors.Is(row.Err, models.ErrCorrupt) || row.Value != nil || row.Key != people.FormatKey(uint64(seen-1)) {
						t.Errorf("got %+v", row)
					}
				case json.Unmarshal(row.Value, &p) != nil || p.ID != uint64(seen-1) || p.Email != somebody(p.ID).Email:
					t.Errorf("got %s", row.Value)
				}
			}
			if seen != 1000 || damaged != 10 {
				t.Errorf("%d rows, %d damaged", seen, damaged)
			}
		})
	}
}

func TestInspectReadOnly(t *testing.T) {
	path := t.TempDir()
	for name, newEngine := range map[string]func(c engine.Config) engine.Engine{
		"bolt":   func(c engine.Config) engine.Engine { return bolt.Options{Config: c}.Engine() },
		"badger": func(c engine.Config) engine.Engine { return badger.Options{Config: c}.Engine() },
	} {
		c := engine.Config{Path: path + "/" + name}
		store, err := netabase.Open(t.Context(), newEngine(c), town)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(people.PutMany(t.Context(), store, crowd(10)), store.Close()); err != nil {
			t.Fatal(err)
		}
		c.ReadOnly = true
		for range 2 { // side by side
			in, err := netabase.Inspect(t.Context(), newEngine(c))
			if err != nil {
				t.Fatal(name, err)
			}
			defer in.Close()
			if count, err := in.Count(t.Context(), "town.person"); err != nil || count.Rows != 10 {
				t.Error(name, count, err)
			}
		}
	}
}

func TestInspectRefuses(t *testing.T) {
	eng := memory.Engine()
	if _, err := netabase.Inspect(t.Context(), eng); !errors.Is(err, engine.ErrMissing) {
		t.Errorf("an empty database: %v", err)
	}
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(txn.Put([]byte("a"), nil), txn.Commit(t.Context(), engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := netabase.Inspect(t.Context(), eng); !errors.Is(err, netabase.ErrNotStore) {
		t.Errorf("something else: %v", err)
	}

	store, err := netabase.Open(t.Context(), memory.Engine(), town)
	if err != nil {
		t.Fatal(err)
	}
	in := store.Inspect()
	if err := errors.Join(in.Close(), people.Put(t.Context(), store, &person{}), store.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Trees(t.Context()); !errors.Is(err, models.ErrClosed) {
		t.Error(err)
	}
	for _, err := range in.Rows(t.Context(), "town.person") {
		if !errors.Is(err, models.ErrClosed) {
			t.Error(err)
		}
	}
}
