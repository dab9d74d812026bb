package merge_test

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/merge"
	"github.com/newsnet-africa/netabase-go/models/merge/mergetest"
)

func TestRegister(t *testing.T) {
	now := time.UnixMicro(1_000)
	var r merge.Register[string]
	r.Set("a", now)
	if r.At != 1_000 || r.Value != "a" {
		t.Errorf("set: %+v", r)
	}
	r.Set("b", now.Add(-time.Hour)) // a clock that has gone back
	if r.At != 1_001 || r.Value != "b" {
		t.Errorf("set again: %+v", r)
	}
	later := merge.Register[string]{At: 1_002, Value: "A"}
	if got := r.Merge(later); got != later || later.Merge(r) != later {
		t.Errorf("the later is %+v", got)
	}
	longer := merge.Register[string]{At: 1_002, Value: "AA"}
	if got := longer.Merge(later); got != longer || later.Merge(longer) != longer {
		t.Errorf("of the same time it is %+v", got)
	}
	last := merge.Register[string]{At: math.MaxUint64, Value: "x"}
	if last.Set("y", now); last.At != math.MaxUint64 || last.Value != "y" {
		t.Errorf("after the last time: %+v", last)
	}
	var before merge.Register[int]
	if before.Set(1, time.Unix(-1, 0)); before.At != 1 {
		t.Errorf("before 1970: %+v", before)
	}
}

func TestCounters(t *testing.T) {
	var a, b merge.Counter
	a.Add("a", 0)
	if a != nil {
		t.Errorf("nothing was counted: %v", a)
	}
	a.Add("a", 2)
	b.Add("b", 3)
	b = b.Merge(a)
	a.Add("a", 1)
	both := a.Merge(b)
	if a.Value() != 3 || b.Value() != 5 || both.Value() != 6 || b.Merge(both).Value() != 6 {
		t.Errorf("a is %v, b is %v, both are %v", a, b, both)
	}
	both.Add("b", 4)
	if b["b"] != 3 {
		t.Error("a merged counter shares its memory")
	}
	a.Add("a", math.MaxUint64)
	if a.Value() != math.MaxUint64 || a.Merge(b).Value() != math.MaxUint64 {
		t.Errorf("beyond the last number: %v", a)
	}

	var c, d merge.UpDownCounter
	c.Add("c", 5)
	d.Add("d", -7)
	if got := c.Merge(d); got.Value() != -2 || c.Value() != 5 || d.Value() != -7 {
		t.Errorf("up and down: %v", got)
	}
	for n, want := range map[*merge.UpDownCounter]int64{
		{Up: merge.Counter{"a": math.MaxUint64}}:                                           math.MaxInt64,
		{Down: merge.Counter{"a": math.MaxUint64}}:                                         math.MinInt64,
		{Down: merge.Counter{"a": 1 << 63}}:                                                math.MinInt64,
		{Up: merge.Counter{"a": math.MaxUint64}, Down: merge.Counter{"a": math.MaxUint64}}: 0,
	} {
		if got := n.Value(); got != want {
			t.Errorf("%v is %d, want %d", n, got, want)
		}
	}
	var least merge.UpDownCounter
	if least.Add("a", math.MinInt64); least.Value() != math.MinInt64 {
		t.Errorf("the least number: %v", least)
	}
}

func TestSet(t *testing.T) {
	var a, b merge.Set[string]
	for _, e := range []string{"y", "x", "y"} {
		a.Add(e)
	}
	before := slices.Clone(a)
	b.Add("z")
	both := a.Merge(b)
	both.Add("w")
	if !slices.Equal(a, before) || !slices.Equal(a, merge.Set[string]{"x", "y"}) {
		t.Errorf("a is %v", a)
	}
	if !slices.Equal(both, merge.Set[string]{"w", "x", "y", "z"}) || !both.Has("z") || both.Has("v") {
		t.Errorf("both are %v", both)
	}
}

func TestAddRemoveSet(t *testing.T) {
	var a, b merge.AddRemoveSet[string]
	has := func(what string, s merge.AddRemoveSet[string], want ...string) {
		t.Helper()
		if got := slices.Collect(s.All()); !slices.Equal(got, want) || s.Len() != len(want) {
			t.Errorf("%s: it has %v, want %v", what, got, want)
		}
	}
	a.Add("a", "x")
	a.Add("a", "y")
	b = b.Merge(a)
	b.Remove("x")
	b.Remove("nothing")
	has("what was removed is gone", a.Merge(b), "y")
	has("also the other way", b.Merge(a), "y")
	a.Add("a", "x") // while b removes it
	has("what was added again stays", a.Merge(b), "x", "y")
	b = b.Merge(a)
	b.Remove("x")
	b.Remove("y")
	b.Add("b", "y")
	a = a.Merge(b)
	has("added again by the one who removed it", a, "y")
	if !a.Has("y") || a.Has("x") {
		t.Errorf("it is %+v", a)
	}
	// Both add the same element, and one removes it: the other's addition stays.
	a.Add("a", "z")
	b.Add("b", "z")
	b.Remove("z")
	has("the other's addition", a.Merge(b), "y", "z")
	// A removed element takes no space.
	for range 100 {
		a.Add("a", "w")
		a.Remove("w")
	}
	if len(a.Elements) != 2 || len(a.Seen) != 2 {
		t.Errorf("it is %+v", a)
	}
	// An element that a stranger has put in disorder is found after a merge.
	odd := merge.AddRemoveSet[string]{Elements: []merge.Added[string]{
		{Element: "z", By: map[string]uint64{"c": 7}},
		{Element: "x", By: map[string]uint64{"c": 1}},
		{Element: "x", By: map[string]uint64{"c": 9, "d": 0}},
		{Element: "w"},
	}}
	merged := odd.Merge(odd)
	has("in disorder", merged, "x", "z")
	if merged.Seen["c"] != 9 || len(merged.Elements[0].By) != 1 {
		t.Errorf("in disorder: %+v", merged)
	}
}

// A merge does not have smaller bytes than what it was made of, but for elements that it removes. So peers
// whose model does not have the field, which keep the larger bytes, end with the merge as well.
func TestMergesGrow(t *testing.T) {
	type row struct {
		Text  merge.Register[string]
		Bytes merge.Register[[]byte]
		Count merge.Counter
		Set   merge.Set[uint64]
	}
	rows := mergetest.Models(func(r *row) { r.Set = r.Set.Merge(r.Set) })
	rapid.Check(t, func(t *rapid.T) {
		a, b := rows.Draw(t, "a"), rows.Draw(t, "b")
		grows(t, a.Text, b.Text, a.Text.Merge(b.Text))
		grows(t, a.Bytes, b.Bytes, a.Bytes.Merge(b.Bytes))
		grows(t, a.Count, b.Count, a.Count.Merge(b.Count))
		grows(t, a.Set, b.Set, a.Set.Merge(b.Set))
	})
}

func grows[F any](t *rapid.T, a, b, merged F) {
	type model struct{ Field F }
	codec := models.DagCBOR[model]()
	var encoded [3][]byte
	for i, f := range []F{a, b, merged} {
		var err error
		if encoded[i], err = codec.Append(nil, &model{f}); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Compare(encoded[2], encoded[0]) < 0 || bytes.Compare(encoded[2], encoded[1]) < 0 {
		t.Fatalf("the merge of %+v and %+v is %+v, whose bytes are smaller", a, b, merged)
	}
}
