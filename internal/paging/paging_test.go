package paging_test

import (
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/paging"
)

// TestEach works through rows of very different sizes.
func TestEach(t *testing.T) {
	const fits = 50
	weights := make([]int, 1000)
	for i := range weights {
		weights[i] = 1
		if i >= 300 && i < 400 {
			weights[i] = 30 // one fits, two do not
		}
	}
	done, refused, largest := 0, 0, 0
	work := func(most int) (bool, error) {
		end := min(done+most, len(weights))
		weight := 0
		for _, w := range weights[done:end] {
			weight += w
		}
		if weight > fits {
			refused++
			return false, &engine.TooLargeError{What: "transaction"}
		}
		largest = max(largest, end-done)
		done = end
		return done == len(weights), nil
	}
	if err := paging.Each(256, work); err != nil || done != len(weights) {
		t.Fatal(done, err)
	}
	if refused > 150 {
		t.Errorf("%d pages were refused", refused)
	}
	if largest < fits*3/4 {
		t.Errorf("the largest page has %d rows", largest)
	}
}

// TestEachBesideWriters works beside writers that are always in the way of a page of more than 3 rows.
func TestEachBesideWriters(t *testing.T) {
	done := 0
	err := paging.EachBesideWriters(256, func(most int) (bool, error) {
		if most > 3 {
			return false, engine.ErrConflict
		}
		done += most
		return done >= 100, nil
	})
	if err != nil || done < 100 {
		t.Error(done, err)
	}
}

// TestEachEnds has work that cannot be done.
func TestEachEnds(t *testing.T) {
	calls, other := 0, errors.New("other")
	for _, want := range []error{engine.ErrTooLarge, engine.ErrConflict, other} {
		err := paging.Each(8, func(most int) (bool, error) {
			calls++
			return false, want
		})
		if !errors.Is(err, want) {
			t.Error(err)
		}
	}
	if calls != 4+1+1 { // of 8, 4, 2 and 1 rows, and of 8, twice
		t.Error(calls)
	}
}
