package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// unverified is for a file that was closed, until all its pages have been gone over, which
// a goroutine does. Commits wait for it: they could write over damage. So pages do not
// change before. A read verifies each page that it comes to, as follows.
//
// A page has to be at the right level, and not free. It begins with the key that leads to
// it, its other keys are in order below the next key that leads elsewhere, with which the
// page there begins, and what it holds lies where bbolt puts it. In a whole file one page
// of a level begins with a key. So one that fits is the right one.
type unverified struct {
	closed
	free     []uint64        // has a bit for each page that is free, or of the list of them
	verified []atomic.Uint64 // has a bit for each page

	done chan struct{} // closed when the goroutine has ended
	err  error         // why pages have not been verified, once done is closed
}

// verify returns an error if a page is damaged. The last step leads to it.
func (u *unverified) verify(t *tree, steps []step, number uint64, p *page) error {
	last := &steps[len(steps)-1]
	lower := last.page.key(int(last.at))
	if err := u.verifyLevel(number, p, len(steps)); err != nil {
		return err
	}
	if u.isVerified(number) && bytes.Equal(p.key(0), lower) {
		return nil
	}
	if p.count == 0 {
		return fmt.Errorf("page %d: %w: it is empty", number, engine.ErrCorrupt)
	}
	var upper []byte
	for i := len(steps) - 1; i >= 0 && upper == nil; i-- {
		s := &steps[i]
		if s.at+1 == s.page.count {
			continue
		}
		upper = s.page.key(int(s.at) + 1)
		next := s.page.child(int(s.at) + 1)
		beside, err := t.page(next)
		if err != nil {
			return err
		}
		if !bytes.Equal(beside.key(0), upper) {
			return fmt.Errorf("page %d: %w: key 0 is not that which leads to it", next, engine.ErrCorrupt)
		}
	}
	return u.verifyPage(number, p, lower, upper)
}

// verifyRoot returns an error if the root of the tree is damaged. It has no number if it
// lies in the page of the buckets.
func (u *unverified) verifyRoot(number uint64, p *page) error {
	if number != u.root {
		return fmt.Errorf("%w: the root is page %d, and was page %d when the file was closed",
			engine.ErrCorrupt, number, u.root)
	}
	if err := u.verifyLevel(number, p, 0); err != nil {
		return err
	}
	switch {
	case number == 0:
		return p.check(nil, nil)
	case u.isVerified(number):
		return nil
	default:
		return u.verifyPage(number, p, nil, nil)
	}
}

func (u *unverified) verifyLevel(number uint64, p *page, level int) error {
	if p.branch != (uint64(level) < u.leaves) {
		return fmt.Errorf("%w: page %d is at level %d, and leaves are at level %d",
			engine.ErrCorrupt, number, level, u.leaves)
	}
	return nil
}

func (u *unverified) isVerified(number uint64) bool {
	return u.verified[number/64].Load()&(1<<(number%64)) != 0
}

func (u *unverified) verifyPage(number uint64, p *page, lower, upper []byte) error {
	if says := binary.LittleEndian.Uint64(p.bytes); says != number {
		return fmt.Errorf("%w: page %d says that it is page %d", engine.ErrCorrupt, number, says)
	}
	for n := range following(p.bytes) + 1 {
		if at := number + n; u.free[at/64]&(1<<(at%64)) != 0 {
			return fmt.Errorf("%w: page %d, in use, is free", engine.ErrCorrupt, at)
		}
	}
	if err := p.check(lower, upper); err != nil {
		return fmt.Errorf("page %d: %w", number, err)
	}
	u.verified[number/64].Or(1 << (number % 64))
	return nil
}

// check checks the elements of a page of the bucket.
func (p *page) check(lower, upper []byte) error {
	next := pageHead + elementSize*uint64(p.count)
	for i := range int(p.count) {
		e := p.element(i)
		start, end := p.span(i)
		if start != next {
			return misplaced(i, start, next)
		}
		next = end
		if !p.branch {
			if flags := binary.LittleEndian.Uint32(e); flags != 0 {
				return fmt.Errorf("%w: row %d has flags %#x", engine.ErrCorrupt, i, flags)
			}
			next += uint64(binary.LittleEndian.Uint32(e[12:]))
		}
		if next > uint64(len(p.bytes)) {
			return fmt.Errorf("%w: element %d reaches beyond the page", engine.ErrCorrupt, i)
		}
		key := p.key(i)
		if err := ordered(i, key, lower, upper); err != nil {
			return err
		}
		lower = key
	}
	return nil
}

// newUnverified checks the list of free pages, and leaves the others for later.
func newUnverified(c *checker, last commit, noted closed) (*unverified, error) {
	if err := c.begin(last); err != nil {
		return nil, err
	}
	if err := c.freelist(last.freelist); err != nil {
		return nil, err
	}
	return &unverified{closed: noted, free: c.seen, verified: make([]atomic.Uint64, len(c.seen))}, nil
}

// verifyLater has a goroutine go over the pages that have not been verified.
func (d *db) verifyLater() {
	u := d.unverified.Load()
	if u == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	u.done = make(chan struct{})
	d.stopVerifying = func() {
		stop()
		<-u.done
	}
	go func() {
		defer close(u.done)
		c := d.checker(ctx)
		last, err := c.last()
		if err == nil {
			err = c.check(last)
		}
		if u.err = err; err == nil {
			d.unverified.Store(nil)
		}
	}()
}

// waitVerified waits until all pages have been verified.
func (d *db) waitVerified(ctx context.Context) error {
	u := d.unverified.Load()
	if u == nil {
		return nil
	}
	if err := d.gate.Await(ctx, u.done); err != nil {
		return err
	}
	return u.err
}
