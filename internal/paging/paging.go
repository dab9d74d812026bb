// Package paging divides work on many rows into transactions that the engine can
// take, whatever the rows weigh: models, datastore and record all work through it.
package paging

import (
	"errors"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Each calls page until it reports that the work is done. Page does as much of
// the work as it is told, at most, in a transaction of its own: so many rows,
// writes, or whatever the caller counts. It is told most at first, half as much
// after an error that matches engine.ErrTooLarge, and a little more after each
// page that went well, up to most. Any other error ends Each, and ErrTooLarge of a
// page of one.
func Each(most int, page func(most int) (done bool, err error)) error {
	for size := most; ; {
		done, err := page(size)
		switch {
		case errors.Is(err, engine.ErrTooLarge) && size > 1:
			size /= 2
		case err != nil || done:
			return err
		default:
			size = min(size+size/4+1, most)
		}
	}
}
