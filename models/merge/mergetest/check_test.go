package mergetest_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/models/merge"
	"github.com/newsnet-africa/netabase-go/models/merge/mergetest"
)

// page has a field of each type of package merge, and some that merge by other functions.
type page struct {
	ID     uint64
	Title  merge.Register[string]
	Cover  merge.Register[[]byte]
	Size   merge.Register[float64]
	Views  merge.Counter
	Score  merge.UpDownCounter
	Marks  merge.Set[int]
	Tags   merge.AddRemoveSet[string]
	Prefs  map[string]merge.Register[*string]
	Parts  map[string]part
	At     uint64
	Last   time.Time
	Closed bool
}

type part struct {
	Count merge.Counter
	Notes merge.Set[string]
}

func mergeParts(a, b part) part { return part{a.Count.Merge(b.Count), a.Notes.Merge(b.Notes)} }

func mergePages(a, b *page) page {
	last := a.Last
	if b.Last.After(last) {
		last = b.Last
	}
	return page{
		ID:     a.ID,
		Title:  a.Title.Merge(b.Title),
		Cover:  a.Cover.Merge(b.Cover),
		Size:   a.Size.Merge(b.Size),
		Views:  a.Views.Merge(b.Views),
		Score:  a.Score.Merge(b.Score),
		Marks:  a.Marks.Merge(b.Marks),
		Tags:   a.Tags.Merge(b.Tags),
		Prefs:  merge.Maps(a.Prefs, b.Prefs, merge.Register[*string].Merge),
		Parts:  merge.Maps(a.Parts, b.Parts, mergeParts),
		At:     max(a.At, b.At),
		Last:   last,
		Closed: a.Closed || b.Closed,
	}
}

func pages() *rapid.Generator[page] { return mergetest.Models(func(p *page) { p.ID = 1 }) }

func TestCheck(t *testing.T) { mergetest.Check(t, mergePages, pages()) }

// failing is a test that does not fail its caller.
type failing struct {
	*testing.T
	failed bool
	text   strings.Builder
}

func (f *failing) Logf(format string, args ...any) { fmt.Fprintf(&f.text, format+"\n", args...) }

func (f *failing) Log(args ...any) { fmt.Fprintln(&f.text, args...) }

func (f *failing) Errorf(format string, args ...any) {
	f.Logf(format, args...)
	f.Fail()
}

func (f *failing) Error(args ...any) {
	f.Log(args...)
	f.Fail()
}

func (f *failing) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

func (f *failing) Fatal(args ...any) {
	f.Error(args...)
	runtime.Goexit()
}

func (f *failing) FailNow() {
	f.Fail()
	runtime.Goexit()
}

func (f *failing) Fail() { f.failed = true }

func (f *failing) Failed() bool { return f.failed }

// reportOf returns what Check reports of a merge, empty if that is nothing.
func reportOf[M any](t *testing.T, of func(a, b *M) M, draws *rapid.Generator[M]) string {
	f := &failing{T: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		mergetest.Check(f, of, draws)
	}()
	<-done
	if !f.failed {
		return ""
	}
	return f.text.String()
}

func TestWrongMerges(t *testing.T) {
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := flag.Set("rapid.nofailfile", "false"); err != nil {
			t.Error(err)
		}
	}()
	type count struct {
		ID, N uint64
		List  []uint64
		Per   map[string]uint64
	}
	counts := mergetest.Models(func(c *count) { c.ID = 1 })
	for name, c := range map[string]struct {
		merge func(a, b *count) count
		// want are texts of the report, with the smallest counterexample.
		want []string
	}{
		"a field is left out": {
			func(a, b *count) count { return count{ID: 1, N: max(a.N, b.N), Per: merge.Counter(a.Per).Merge(b.Per)} },
			[]string{"it is not idempotent", `a = {"ID":1,"N":0,"List":[0],"Per":{}}`},
		},
		"the arguments change": {
			func(a, b *count) count {
				for by, n := range b.Per {
					a.Per[by] = max(n, a.Per[by])
				}
				a.N, a.List = max(a.N, b.N), nil
				return *a
			},
			[]string{"the merge changes its arguments"},
		},
		"what cannot be encoded": {
			func(a, b *count) count { return count{ID: 1, Per: map[string]uint64{"\xFF": 1}} },
			[]string{"merge(a, b) cannot be encoded"},
		},
	} {
		report := reportOf(t, c.merge, counts)
		for _, want := range c.want {
			if !strings.Contains(report, want) {
				t.Errorf("%s: %q is not in the report:\n%s", name, want, report)
			}
		}
	}
	type number struct{ N uint64 }
	numbers := mergetest.Models(func(n *number) { n.N %= 3 })
	for name, c := range map[string]struct {
		merge func(a, b *number) number
		want  []string
	}{
		"the first": {
			func(a, _ *number) number { return *a },
			[]string{"it does not commute", `a = {"N":`},
		},
		"a sum": {
			func(a, b *number) number { return number{a.N + b.N} },
			[]string{"merging again changes the result", `b = {"N":0}`},
		},
		"stone, paper, scissors": {
			func(a, b *number) number {
				if (a.N+1)%3 == b.N {
					return *b
				}
				return *a
			},
			[]string{"it does not associate", `c = {"N":`},
		},
	} {
		report := reportOf(t, c.merge, numbers)
		for _, want := range c.want {
			if !strings.Contains(report, want) {
				t.Errorf("%s: %q is not in the report:\n%s", name, want, report)
			}
		}
	}
	type odd struct{ C chan int }
	report := reportOf(t, func(a, _ *odd) odd { return *a }, mergetest.Models(func(*odd) {}))
	if !strings.Contains(report, "model.C has a type that Models cannot draw") {
		t.Errorf("a model that cannot be drawn: %s", report)
	}
}
