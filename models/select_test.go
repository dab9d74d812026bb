package models_test

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/models"
)

func yields(rows []int, last error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
		if last != nil {
			yield(0, last)
		}
	}
}

func taken(t *rapid.T, rows iter.Seq2[int, error]) []int {
	got := []int{}
	for r, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	return got
}

func TestFilterAndSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOf(rapid.IntRange(0, 99)).Draw(t, "rows")
		most := rapid.IntRange(-1, 20).Draw(t, "most")
		tens := func(a, b *int) int { return cmp.Compare(*a/10, *b/10) } // so that many are equal
		want := slices.Clone(rows)
		slices.SortStableFunc(want, func(a, b int) int { return tens(&a, &b) })
		if most > 0 && most < len(want) {
			want = want[:most]
		}
		if got := taken(t, models.Sort(yields(rows, nil), tens, most)); !slices.Equal(got, want) {
			t.Errorf("sorted %v, want %v", got, want)
		}
		even := func(r *int) bool { return *r%2 == 0 }
		want = slices.DeleteFunc(slices.Clone(rows), func(r int) bool { return !even(&r) })
		if got := taken(t, models.Filter(yields(rows, nil), even)); !slices.Equal(got, want) {
			t.Errorf("filtered %v, want %v", got, want)
		}
	})
}

func TestFilterAndSortPassErrors(t *testing.T) {
	broken := errors.New("on purpose")
	never := func(*int) bool { return false }
	for name, rows := range map[string]iter.Seq2[int, error]{
		"filter": models.Filter(yields([]int{1, 2}, broken), never),
		"sort":   models.Sort(yields([]int{1, 2}, broken), func(a, b *int) int { return *a - *b }, 0),
	} {
		seen := 0
		for _, err := range rows {
			if seen++; !errors.Is(err, broken) {
				t.Error(name, err)
			}
		}
		if seen != 1 {
			t.Error(name, "yields", seen)
		}
	}
}
