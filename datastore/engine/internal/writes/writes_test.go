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

// TestSet compares a set with a map, for keys of several first bytes. Each of four has a run of
// its own. A fifth shares the run of another, so that the keys of both go to the tree.
func TestSet(t *testing.T) {
	for _, c := range []struct {
		name    string
		letters int // how many first bytes
		inOrder int // so many keys come in order for each first byte, the others in any
	}{
		{"in any order", 9, 0},
		{"in order", 4, 20_000},
		{"in order but for one run", 5, 20_000},
		{"at first in order", 4, 500},
	} {
		t.Run(c.name, func(t *testing.T) { testSet(t, c.letters, c.inOrder) })
	}
}

func testSet(t *testing.T, letters, inOrder int) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	var s Set
	want := map[string]Write{}
	for i := range 20_000 {
		number := random.IntN(500)
		if i < inOrder {
			number = i
		}
		key := fmt.Appendf(nil, "%c%05d", 'a'+random.IntN(letters), number)
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
		earlier := fmt.Appendf(nil, "%c%05d", 'a'+random.IntN(letters), random.IntN(number+1))
		_, known = want[string(earlier)]
		if got, ok := s.Get(earlier); ok != known || ok && string(got.Key) != string(earlier) {
			t.Fatalf("seed %d: Get(%q) is %v, %v, and should find %v", seed, earlier, got, ok, known)
		}
	}
	if _, ok := s.Get(nil); ok || s.Len() != len(want) {
		t.Errorf("seed %d: there are %d writes and not %d, or one of the empty key", seed, s.Len(), len(want))
	}
	keys := slices.Sorted(maps.Keys(want))
	for _, most := range []int{0, 1, len(keys) / 2, len(keys)} { // how many writes the caller takes
		var got []string
		for w := range s.All() {
			if len(got) == most {
				break
			}
			if got = append(got, string(w.Key)); string(want[string(w.Key)].Value) != string(w.Value) {
				t.Fatalf("seed %d: %q has the value %q", seed, w.Key, w.Value)
			}
		}
		if !slices.Equal(got, keys[:most]) {
			t.Fatalf("seed %d: the first %d keys are %q and not %q", seed, most, got, keys[:most])
		}
	}
}

// TestCursorOverRuns checks that cursors see all writes that came in the order of their keys.
func TestCursorOverRuns(t *testing.T) {
	var s Set
	var want []string
	for _, number := range []int{1, 2, 3} {
		for first := 'a'; first <= 'd'; first++ {
			want = append(want, fmt.Sprint(string(first), number))
			s.Put(Write{Key: []byte(want[len(want)-1])})
		}
	}
	slices.Sort(want)
	for _, reverse := range []bool{false, true} {
		var life txn.Life
		life.Begin(t.Context())
		var c Cursor
		c.Open(&life, engine.Range{Reverse: reverse})
		c.Merge(nothing{}, &s)
		var got []string
		for c.Move() {
			c.State = txn.Placed
			got = append(got, string(c.RowKey))
		}
		if reverse {
			slices.Reverse(got)
		}
		if !slices.Equal(got, want) {
			t.Errorf("reverse %v: a cursor sees %q and not %q", reverse, got, want)
		}
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
