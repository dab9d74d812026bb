package writes

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
)

// TestSet compares a set with a map, for keys of several first bytes.
func TestSet(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	var s Set
	want := map[string]Write{}
	for i := range 20_000 {
		key := fmt.Appendf(nil, "%c%d", 'a'+random.IntN(9), random.IntN(500))
		before, known := want[string(key)]
		if got, ok := s.Get(key); ok != known || string(got.Value) != string(before.Value) ||
			got.Deleted != before.Deleted {
			t.Fatalf("seed %d: Get(%q) is %v, %v, and should be %v, %v", seed, key, got, ok, before, known)
		}
		w := Write{Key: key, Value: fmt.Append(nil, i), Deleted: random.IntN(4) == 0}
		old, replaced := s.Put(w)
		if replaced != known || string(old.Value) != string(before.Value) {
			t.Fatalf("seed %d: Put(%q) replaced %v, %v, and should have replaced %v, %v",
				seed, key, old, replaced, before, known)
		}
		if want[string(key)] = w; !known && random.IntN(3) == 0 {
			s.Remove(key)
			delete(want, string(key))
		}
	}
	if _, ok := s.Get(nil); ok || s.Len() != len(want) {
		t.Errorf("seed %d: there are %d writes and not %d, or one of the empty key", seed, s.Len(), len(want))
	}
	keys := slices.Sorted(maps.Keys(want))
	for w := range s.All() {
		if len(keys) == 0 || keys[0] != string(w.Key) || string(want[keys[0]].Value) != string(w.Value) {
			t.Fatalf("seed %d: %q comes before %q", seed, w.Key, keys)
		}
		keys = keys[1:]
	}
	if len(keys) > 0 {
		t.Errorf("seed %d: %q are missing", seed, keys)
	}
}

// TestReplacedMemory checks that a set of few keys stays small however often they are put.
func TestReplacedMemory(t *testing.T) {
	var s Set
	a, b := []byte("a"), []byte("b")
	put := func() {
		s.Put(Write{Key: a})
		s.Put(Write{Key: b})
	}
	put()
	if allocs := testing.AllocsPerRun(1000, put); allocs > 0 {
		t.Errorf("replacing two writes allocates %v times", allocs)
	}
}

type nothing struct{}

func (nothing) Start([]byte) {}
func (nothing) Seek([]byte)  {}
func (nothing) Next()        {}
func (nothing) Key() []byte  { return nil }

// TestCursorBesidePuts checks that a cursor keeps the row that it is at, and goes on from
// there, while its key and others are put.
func TestCursorBesidePuts(t *testing.T) {
	var s Set
	put := func(key, value string) { s.Put(Write{Key: []byte(key), Value: []byte(value)}) }
	put("b", "1")
	var life txn.Life
	life.Begin(context.Background())
	var c Cursor
	c.Open(&life, engine.Range{})
	c.Merge(nothing{}, &s)
	at := func(key, value string) {
		t.Helper()
		got, own := c.Own()
		if string(c.RowKey) != key || string(got) != value || !own {
			t.Errorf("the cursor is at %q, %q, and should be at %q, %q", c.RowKey, got, key, value)
		}
	}
	if !c.Move() {
		t.Fatal("there is no row")
	}
	c.State = txn.Placed
	put("b", "2")
	put("b", "3")
	put("c", "4")
	put("a", "5")
	at("b", "1")
	if !c.Move() {
		t.Fatal("there is one row")
	}
	at("c", "4")
	if c.Move() {
		t.Errorf("%q comes after the last row", c.RowKey)
	}
}
