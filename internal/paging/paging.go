// Package paging divides work on many rows into transactions that the engine can take, whatever
// the size of the rows. Packages models, datastore and record all use it.
package paging

import (
	"errors"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Each calls page until page reports that the work is done. A call does at most n units of the
// work, in a transaction of its own; the caller decides if a unit is a row, a write or
// something else. The first n is most. After an error that matches engine.ErrTooLarge n is
// halved; after each page that succeeds it grows a little, up to most. Each returns any other
// error at once, and ErrTooLarge if n was one.
func Each(most int, page func(most int) (done bool, err error)) error {
	return each(most, page, engine.ErrTooLarge)
}

// EachBesideWriters is Each for work whose pages may be smaller than the engine allows. After an
// error that matches engine.ErrConflict n is halved, too, since other writers come in between a
// small page less often.
func EachBesideWriters(most int, page func(most int) (done bool, err error)) error {
	return each(most, page, engine.ErrTooLarge, engine.ErrConflict)
}

// each halves pages after the errors in smaller.
func each(most int, page func(most int) (done bool, err error), smaller ...error) error {
	for size := most; ; {
		done, err := page(size)
		switch {
		case size > 1 && slices.ContainsFunc(smaller, func(target error) bool { return errors.Is(err, target) }):
			size /= 2
		case err != nil || done:
			return err
		default:
			size = min(size+size/4+1, most)
		}
	}
}
