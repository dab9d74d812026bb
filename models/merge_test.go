package models_test

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"github.com/newsnet-africa/netabase-go/models"
)

// tally1 is the earlier model of tally2. Votes are merged to the higher number of each voter.
type tally1 struct {
	ID    uint64
	Votes map[string]uint64
}

type tally2 struct {
	ID    uint64
	Votes map[string]uint64
	Note  string
	Rooms []room2
}

type room2 struct{ Name string }

func higher(a, b map[string]uint64) map[string]uint64 {
	merged := maps.Clone(a)
	for by, n := range b {
		if n > merged[by] {
			merged[by] = n
		}
	}
	return merged
}

func mergeTally1(a, b *tally1) tally1 { return tally1{ID: a.ID, Votes: higher(a.Votes, b.Votes)} }

func mergeTally2(a, b *tally2) tally2 {
	merged := tally2{ID: a.ID, Votes: higher(a.Votes, b.Votes), Note: max(a.Note, b.Note), Rooms: a.Rooms}
	if len(b.Rooms) > len(a.Rooms) {
		merged.Rooms = b.Rooms
	}
	return merged
}

func tallies[M any](key func(*M) uint64, opts ...models.TreeOption[M]) *models.Tree[M, uint64] {
	return models.NewTree("tally", models.Uint64, key, append(opts, models.WithPolicy[M](models.Open))...)
}

func TestMergeOfValues(t *testing.T) {
	tree := tallies(func(v *tally1) uint64 { return v.ID }, models.WithMerge(mergeTally1))
	newer := tallies(func(v *tally2) uint64 { return v.ID }, models.WithMerge(mergeTally2))
	if !tree.Raw().Merges() || !tree.Schema().Merged {
		t.Error("the tree does not say that it merges")
	}
	key := tree.EncodeKey(7)
	value := func(votes map[string]uint64) []byte {
		_, v, err := tree.Encode(&tally1{7, votes})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	newValue := func(v tally2) []byte {
		_, value, err := newer.Encode(&v)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	a, b := value(map[string]uint64{"ann": 3, "bob": 1}), value(map[string]uint64{"bob": 2, "cas": 1})
	want := value(map[string]uint64{"ann": 3, "bob": 2, "cas": 1})
	c := newValue(tally2{7, map[string]uint64{"ann": 4}, "c", []room2{{"x"}}})
	d := newValue(tally2{7, map[string]uint64{"cas": 9}, "d", nil})
	cd := newValue(tally2{7, map[string]uint64{"ann": 4, "cas": 9}, "d", []room2{{"x"}}})
	for name, test := range map[string]struct {
		tree       *models.Raw
		a, b, want []byte
	}{
		"of the model":             {tree.Raw(), a, b, want},
		"equal":                    {tree.Raw(), a, a, a},
		"a part":                   {tree.Raw(), a, want, want},
		"of a newer model":         {tree.Raw(), c, d, cd},
		"of the model and a newer": {tree.Raw(), b, d, newValue(tally2{7, map[string]uint64{"bob": 2, "cas": 9}, "d", nil})},
		"a record without fields":  {newer.Raw(), a, d, newValue(tally2{7, map[string]uint64{"ann": 3, "bob": 1, "cas": 9}, "d", nil})},
	} {
		for _, values := range [][2][]byte{{test.a, test.b}, {test.b, test.a}} {
			got, err := test.tree.Merge(key, values[0], values[1])
			if err != nil || !bytes.Equal(got, test.want) {
				t.Errorf("%s: got %x, %v, want %x", name, got, err, test.want)
			}
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	id := func(v *tally1) uint64 { return v.ID }
	of := func(votes map[string]uint64) []byte {
		value, err := models.DagCBOR[tally1]().Append(nil, &tally1{7, votes})
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	a, b := of(map[string]uint64{"ann": 1}), of(map[string]uint64{"bob": 1})
	for name, c := range map[string]struct {
		merge func(a, b *tally1) tally1
		want  error
	}{
		"another key": {func(a, b *tally1) tally1 { return tally1{ID: 8} }, models.ErrMerge},
		"not encodable": {
			func(a, b *tally1) tally1 { return tally1{7, map[string]uint64{"\xFF": 1}} }, models.ErrMerge,
		},
		"no merge": {nil, models.ErrDefinition},
	} {
		tree := tallies(id, models.WithMerge(c.merge))
		if _, err := tree.Raw().Merge(tree.EncodeKey(7), a, b); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	tree := tallies(id, models.WithMerge(mergeTally1))
	if _, err := tree.Raw().Merge(tree.EncodeKey(7), a, b[:3]); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("a value that is cut off: got %v, want ErrInvalid", err)
	}
	for _, policy := range []models.Policy{models.Local, models.Signed, models.Immutable} {
		tree := models.NewTree("tally", models.Uint64, id, models.WithMerge(mergeTally1), models.WithPolicy[tally1](policy))
		if err := models.NewDefinition("x", tree).Err(); !errors.Is(err, models.ErrDefinition) {
			t.Errorf("%v: got %v, want ErrDefinition", policy, err)
		}
	}
	if err := models.NewDefinition("x", tree).Err(); err != nil {
		t.Error(err)
	}
}
