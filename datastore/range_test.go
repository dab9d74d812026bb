package datastore_test

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// word is a model with a key of every shape that ranges treat differently.
type word struct {
	Text  string
	Group string
	Rank  int8
	Roots []string
}

type groupRank = models.Pair[string, int8]

var (
	words       = models.NewTree("word", models.String, func(w *word) string { return w.Text })
	wordByGroup = models.NewIndex(words, "group_rank", models.PairOf(models.String, models.Int8),
		func(w *word) groupRank { return models.MakePair(w.Group, w.Rank) })
	wordByBytes = models.NewUnique(words, "bytes", models.Bytes, func(w *word) []byte { return []byte(w.Text) })
	wordByRoot  = models.NewMulti(words, "root", models.String, func(w *word) []string { return w.Roots })

	dictionary = models.NewDefinition("dictionary", words)
)

// ranged is what a tree and every kind of index can be asked by ranges.
type ranged[K any] interface {
	Range(context.Context, models.Reader, models.Range[K]) iter.Seq2[word, error]
	Count(context.Context, models.Reader, models.Range[K]) (int, error)
	First(context.Context, models.Reader, models.Range[K]) (word, error)
	Last(context.Context, models.Reader, models.Range[K]) (word, error)
	Page(context.Context, models.Reader, models.Range[K], string) ([]word, string, error)
}

// keyed is a row under one of its keys.
type keyed[K any] struct {
	key K
	row word
}

// rangeCase is a tree or index and what it has to agree with: a sorted slice.
type rangeCase[K any] struct {
	asked   ranged[K]
	keys    func(word) []K
	compare func(a, b K) int
	key     *rapid.Generator[K]
	// begin returns a range by the beginning of keys, and which keys that has.
	begin func(rt *rapid.T, key K) (models.Range[K], func(K) bool)
}

// TestRanges draws ranges of every form and compares what they select with a
// slice, in trees and in every kind of index, with empty keys, keys that begin
// alike, zero bytes and bytes that sort last.
func TestRanges(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "\x00", "\x00\x00", "\x00\x01", "a", "a\x00", "a\x00\xff", "a\xff", "aa", "ab", "b", "\xff", "\xff\xff"})
	small := rapid.Int8Range(-2, 2)
	texts := rangeCase[string]{
		asked: words, key: text, compare: cmp.Compare[string],
		keys: func(w word) []string { return []string{w.Text} },
		begin: func(_ *rapid.T, key string) (models.Range[string], func(string) bool) {
			return models.StartingWith(key), func(k string) bool { return strings.HasPrefix(k, key) }
		},
	}
	roots := texts
	roots.asked, roots.keys = wordByRoot, func(w word) []string { return slices.Compact(slices.Sorted(slices.Values(w.Roots))) }
	groups := rangeCase[groupRank]{
		asked: wordByGroup,
		key: rapid.Custom(func(rt *rapid.T) groupRank {
			return models.MakePair(text.Draw(rt, "group"), small.Draw(rt, "rank"))
		}),
		compare: func(a, b groupRank) int {
			return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Second, b.Second))
		},
		keys: func(w word) []groupRank { return []groupRank{models.MakePair(w.Group, w.Rank)} },
		begin: func(_ *rapid.T, key groupRank) (models.Range[groupRank], func(groupRank) bool) {
			return models.FirstIs(wordByGroup, key.First), func(k groupRank) bool { return k.First == key.First }
		},
	}
	spelled := rangeCase[[]byte]{
		asked: wordByBytes, compare: slices.Compare[[]byte],
		key:  rapid.Map(text, func(s string) []byte { return []byte(s) }),
		keys: func(w word) [][]byte { return [][]byte{[]byte(w.Text)} },
		begin: func(_ *rapid.T, key []byte) (models.Range[[]byte], func([]byte) bool) {
			return models.StartingWith(key), func(k []byte) bool { return strings.HasPrefix(string(k), string(key)) }
		},
	}
	utf8 := text.Filter(func(s string) bool { return !strings.Contains(s, "\xff") })
	oneWord := rapid.Custom(func(rt *rapid.T) word {
		return word{
			Text: utf8.Draw(rt, "text"), Group: utf8.Draw(rt, "group"), Rank: small.Draw(rt, "rank"),
			Roots: append([]string{}, rapid.SliceOfN(utf8, 0, 3).Draw(rt, "roots")...),
		}
	})
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			store := datastore.Temp(t, newEngine(t), dictionary)
			rapid.Check(t, func(rt *rapid.T) {
				ctx := context.Background()
				if err := words.Clear(ctx, store); err != nil {
					rt.Fatal(err)
				}
				rows := rapid.SliceOfNDistinct(oneWord, 0, 8, func(w word) string { return w.Text }).Draw(rt, "rows")
				if err := words.PutMany(ctx, store, rows); err != nil {
					rt.Fatal(err)
				}
				for range 4 {
					checkRange(rt, store, texts, rows)
					checkRange(rt, store, roots, rows)
					checkRange(rt, store, groups, rows)
					checkRange(rt, store, spelled, rows)
				}
			})
		})
	}
}

// drawRange draws a range and says which of the sorted rows it selects.
func drawRange[K any](rt *rapid.T, c rangeCase[K], rows []keyed[K]) (models.Range[K], []keyed[K]) {
	var rng models.Range[K]
	keep := func(fits func(K) bool) {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r keyed[K]) bool { return !fits(r.key) })
	}
	if rapid.Bool().Draw(rt, "begins") {
		var begins func(K) bool
		rng, begins = c.begin(rt, c.key.Draw(rt, "beginning"))
		keep(begins)
	}
	ends := []func(K) func(K) bool{
		func(end K) func(K) bool {
			rng = rng.From(end)
			return func(k K) bool { return c.compare(k, end) >= 0 }
		},
		func(end K) func(K) bool {
			rng = rng.After(end)
			return func(k K) bool { return c.compare(k, end) > 0 }
		},
		func(end K) func(K) bool {
			rng = rng.Before(end)
			return func(k K) bool { return c.compare(k, end) < 0 }
		},
		func(end K) func(K) bool {
			rng = rng.To(end)
			return func(k K) bool { return c.compare(k, end) <= 0 }
		},
	}
	if i := rapid.IntRange(-1, 1).Draw(rt, "lower"); i >= 0 {
		keep(ends[i](c.key.Draw(rt, "lower end")))
	}
	if i := rapid.IntRange(1, 3).Draw(rt, "upper"); i >= 2 {
		keep(ends[i](c.key.Draw(rt, "upper end")))
	}
	if rapid.Bool().Draw(rt, "reverse") {
		rng = rng.Reverse()
		slices.Reverse(rows)
	}
	if offset := rapid.SampledFrom([]int{0, 0, 1, 3, 100, math.MaxInt}).Draw(rt, "offset"); offset > 0 {
		rng = rng.Offset(offset)
		rows = rows[min(offset, len(rows)):]
	}
	if limit := rapid.SampledFrom([]int{0, 0, 1, 2, 5, math.MaxInt}).Draw(rt, "limit"); limit > 0 {
		rng = rng.Limit(limit)
		rows = rows[:min(limit, len(rows))]
	}
	return rng, rows
}

// checkRange asks for one range in every way there is.
func checkRange[K any](rt *rapid.T, r models.Reader, c rangeCase[K], rows []word) {
	ctx := context.Background()
	var sorted []keyed[K]
	for _, w := range rows {
		for _, k := range c.keys(w) {
			sorted = append(sorted, keyed[K]{k, w})
		}
	}
	slices.SortFunc(sorted, func(a, b keyed[K]) int {
		return cmp.Or(c.compare(a.key, b.key), cmp.Compare(a.row.Text, b.row.Text))
	})
	rng, selected := drawRange(rt, c, slices.Clone(sorted))
	var want []word
	for _, k := range selected {
		want = append(want, k.row)
	}

	var got []word
	for w, err := range c.asked.Range(ctx, r, rng) {
		if err != nil {
			rt.Fatal(err)
		}
		got = append(got, w)
	}
	if !reflect.DeepEqual(got, want) {
		rt.Fatalf("%+v selects %+v, want %+v", rng, got, want)
	}
	if n, err := c.asked.Count(ctx, r, rng); n != len(want) || err != nil {
		rt.Fatalf("%+v counts %d, %v, want %d", rng, n, err, len(want))
	}
	first, firstErr := c.asked.First(ctx, r, rng)
	last, lastErr := c.asked.Last(ctx, r, rng)
	if len(want) == 0 {
		if !errors.Is(firstErr, models.ErrNotFound) || !errors.Is(lastErr, models.ErrNotFound) {
			rt.Fatalf("%+v: first %v, last %v, want none", rng, firstErr, lastErr)
		}
	} else if firstErr != nil || lastErr != nil || !reflect.DeepEqual(first, want[0]) || !reflect.DeepEqual(last, want[len(want)-1]) {
		rt.Fatalf("%+v: first %+v, %v, last %+v, %v, want those of %+v", rng, first, firstErr, last, lastErr, want)
	}
	checkPages(rt, r, c.asked, rng, want)
}

// checkPages reads the range in pages, where its limit is that of a page.
func checkPages[K any](rt *rapid.T, r models.Reader, asked ranged[K], rng models.Range[K], limited []word) {
	var want, got []word
	for w, err := range asked.Range(context.Background(), r, rng.Limit(0)) {
		if err != nil {
			rt.Fatal(err)
		}
		want = append(want, w)
	}
	for token := ""; ; {
		rows, next, err := asked.Page(context.Background(), r, rng, token)
		if err != nil {
			rt.Fatal(err)
		}
		if token == "" && !slices.EqualFunc(rows, limited, func(a, b word) bool { return reflect.DeepEqual(a, b) }) {
			rt.Fatalf("%+v: the first page is %+v, want %+v", rng, rows, limited)
		}
		got = append(got, rows...)
		if token = next; token == "" {
			break
		}
	}
	if !reflect.DeepEqual(got, want) {
		rt.Fatalf("%+v: pages are %+v, want %+v", rng, got, want)
	}
}
