package record

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

// Provider records come in great numbers, in batches, and each changes the row of
// its key, which others of the batches that follow change again. So a batch is only
// posted: it is written to the Journal as it is, which is one write, and held in
// memory. What has been posted since the last time is then filed together, as a
// generation, in the order of the rows, each once. References follow later: see
// OwedRefs.
//
// Whoever looks at one key sees what is pending on top of what is filed. Whoever
// looks at more, or changes provider records in other ways, has it filed before.
//
// A process that ends in between leaves the journal, which the next one files
// again. It makes the same rows once more, and notes what that changes in references.

const (
	// pendingBytes is how much memory is pending at most: some 200,000 provider
	// records. From half of it on they are filed, and whoever posts beyond it
	// files first. It is less where Bounds.Providers is small.
	pendingBytes = 32 << 20
	// changeBytes is about what a change takes besides its parts.
	changeBytes = 80
	// postingBytes is about how long a posting is at most.
	postingBytes = 64 << 10
	// fileInterval is how long provider records are pending at most. They are
	// durable before, by the journal.
	fileInterval = 10 * time.Second
	// fileAtOnce is how many provider records one transaction files.
	fileAtOnce = 4096
)

// pending is what has been posted and is not filed.
type pending struct {
	// limit is how much may be pending.
	limit int
	// turn is of the one who writes to the journal, and filer of the one who
	// writes to the trees of provider records.
	turn, filer sync.Mutex

	// mu guards what follows.
	mu sync.Mutex
	// waiting is what has been posted since filing was begun.
	waiting, filing generation
	// number is that of the last posting, and done that of the last one filed.
	number, done uint64
}

// generation is what is filed together.
type generation struct {
	// of has the changes by the hash of their key, n is how many these are, and
	// bytes what they take.
	of       map[uint64][]OfferChange
	n, bytes int
	// last is the number of the last posting.
	last uint64

	// begun says that it is being filed. Hashes are then those that are left, in
	// order.
	begun  bool
	hashes []uint64
}

// add adds a posting.
func (g *generation) add(seed *Seed, p *Posting) {
	if g.of == nil {
		g.of = map[uint64][]OfferChange{}
	}
	for changes := p.Changes; len(changes) > 0; {
		n := 0
		for n < len(changes) && changes[n].Key == changes[0].Key {
			g.bytes += changes[n].size()
			n++
		}
		hash := seed.hash([]byte(changes[0].Key))
		if before := g.of[hash]; before == nil {
			g.of[hash] = changes[:n:n]
		} else {
			g.of[hash] = append(before, changes[:n]...)
		}
		changes = changes[n:]
	}
	g.n += len(p.Changes)
	g.last = p.Number
}

func (c *OfferChange) size() int { return len(c.Key) + len(c.Peer) + len(c.Raw) + changeBytes }

// on returns the changes of the keys with a hash that are pending, in their order.
func (p *pending) on(hash uint64) []OfferChange {
	p.mu.Lock()
	defer p.mu.Unlock()
	filing, waiting := p.filing.of[hash], p.waiting.of[hash]
	if len(filing) == 0 {
		return waiting[:len(waiting):len(waiting)] // is only ever appended to
	}
	return slices.Concat(filing, waiting)
}

// size returns how much memory is pending.
func (p *pending) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.filing.bytes + p.waiting.bytes
}

// isFiled reports whether the postings up to number are filed.
func (p *pending) isFiled(number uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done >= number
}

// post writes changes to the journal in the transaction, and has them pending once
// that has been committed.
func (l *ledger) post(changes []OfferChange) error {
	p := &l.records.pending
	l.locks.take(&p.turn)
	p.mu.Lock()
	number := p.number
	p.mu.Unlock()
	for len(changes) > 0 {
		n := 0
		for size := 0; n < len(changes) && size < postingBytes; n++ {
			size += len(changes[n].Key) + len(changes[n].Peer) + len(changes[n].Raw)
		}
		number++
		posting := &Posting{number, changes[:n:n]}
		l.postings = append(l.postings, posting)
		if err := Journal.Put(l.ctx, l.tx, posting); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}

// posted has postings be pending.
func (p *pending) posted(seed *Seed, postings []*Posting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, posting := range postings {
		p.waiting.add(seed, posting)
		p.number = posting.Number
	}
}

// part is what one transaction files: the rows of some keys.
type part struct {
	// changes are those of each hash.
	changes [][]OfferChange
	hashes  []uint64
	// last is set if it is all that was left of its generation, whose postings
	// are those from one number to another.
	last     bool
	from, to uint64
}

// next returns up to about most changes that are to be filed next, nil if there
// are none.
func (p *pending) next(most int) *part {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := &p.filing
	if !g.begun {
		if p.waiting.last == 0 {
			return nil
		}
		*g, p.waiting = p.waiting, generation{}
		g.begun, g.hashes = true, slices.Sorted(maps.Keys(g.of))
	}
	next := &part{from: p.done + 1, to: g.last}
	n := 0
	for _, hash := range g.hashes {
		if n >= most {
			break
		}
		changes := g.of[hash]
		changes = changes[:min(len(changes), most-n)]
		n += len(changes)
		next.hashes, next.changes = append(next.hashes, hash), append(next.changes, changes)
	}
	next.last = n == g.n
	return next
}

// filed has what a transaction has filed not be pending any more.
func (p *pending) filed(done *part) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := &p.filing
	if done.last {
		p.done, *g = g.last, generation{}
		return
	}
	for i, changes := range done.changes {
		g.n -= len(changes)
		for k := range changes {
			g.bytes -= changes[k].size()
		}
		hash := done.hashes[i]
		if left := g.of[hash][len(changes):]; len(left) > 0 {
			g.of[hash] = left
			continue
		}
		delete(g.of, hash)
		g.hashes = g.hashes[1:]
	}
}

// file files all that was posted before the call, and its references.
func (r *Records) file(ctx context.Context) error {
	if err := r.fileRows(ctx); err != nil {
		return err
	}
	return r.fileRefs(ctx)
}

// fileMuch files all that was posted before the call, and references if they are
// many.
func (r *Records) fileMuch(ctx context.Context) error {
	err := r.fileRows(ctx)
	if err == nil && r.owed.isMuch() {
		err = r.fileRefs(ctx)
	}
	return err
}

// fileRows files all that was posted before the call, and evicts what there is too
// much of then.
func (r *Records) fileRows(ctx context.Context) error {
	p := &r.pending
	p.mu.Lock()
	number := p.number
	p.mu.Unlock()
	if p.isFiled(number) {
		return nil
	}
	if err := inParts(ctx, fileAtOnce, func() bool { return p.isFiled(number) }, r.filePart); err != nil {
		return fmt.Errorf("file provider records: %w", err)
	}
	return r.keepBounds(ctx)
}

// inParts calls part until all is done, with less at once where that is more than a
// transaction of the engine takes.
func inParts(ctx context.Context, most int, isDone func() bool, part func(ctx context.Context, most int) error) error {
	for !isDone() {
		err := part(ctx, most)
		switch {
		case errors.Is(err, models.ErrTooLarge) && most > 1:
			most /= 2
		case err != nil:
			return err
		}
	}
	return nil
}

// filePart files a part of what is pending in one transaction. What a bound does
// not allow is left out, and counted.
func (r *Records) filePart(ctx context.Context, most int) error {
	var refused []error
	err := r.transact(ctx, r.store.UpdateRelaxed, func(l *ledger) error {
		refused = nil // the transaction may run more than once
		if err := l.own(); err != nil {
			return err
		}
		if l.files = r.pending.next(most); l.files == nil {
			return nil // somebody else was faster
		}
		for i, changes := range l.files.changes {
			left, err := l.changeProviders(l.files.hashes[i], changes)
			if errors.Is(err, models.ErrCorrupt) { // which is for Scrub
				left, err = append(left, err), nil
			}
			if err != nil {
				return err
			}
			refused = append(refused, left...)
		}
		if !l.files.last {
			return nil
		}
		for number := l.files.from; number <= l.files.to; number++ {
			if err := Journal.Delete(l.ctx, l.tx, number); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		r.metrics.refused(ctx, refused...)
	}
	return err
}

// look files what is pending for somebody who is to see all of it. Within an
// Update of the store's, and in a store opened to be read, that cannot be: there
// they see what has been filed.
func (r *Records) look(ctx context.Context) error {
	err := r.file(ctx)
	if errors.Is(err, models.ErrNested) || errors.Is(err, models.ErrReadOnly) {
		return nil
	}
	return err
}

// changeProvided is change of provider records that are not pending. What is before
// is filed first.
func (r *Records) changeProvided(ctx context.Context, fn func(*ledger) error) error {
	if err := r.fileRows(ctx); err != nil {
		return err
	}
	if err := r.changeRelaxed(ctx, fn); err != nil {
		return err
	}
	return r.keepBounds(ctx)
}

// changeResting is change of references that are all filed.
func (r *Records) changeResting(ctx context.Context, fn func(*ledger) error) error {
	for {
		if err := r.file(ctx); err != nil {
			return err
		}
		err := r.changeRelaxed(ctx, func(l *ledger) error {
			l.resting = true
			if err := l.own(); err != nil {
				return err
			}
			return fn(l)
		})
		if !errors.Is(err, errBusy) {
			return err
		}
	}
}

// errBusy says that others have filed more.
var errBusy = errors.New("provider records are being filed")

// loadJournal has pending what an earlier process has posted and not filed. What
// is damaged of it is passed over: it is soft state.
func (r *Records) loadJournal(ctx context.Context) error {
	p := &r.pending
	for number, err := range Journal.Keys(ctx, r.store, models.Range[uint64]{}) {
		var posting Posting
		if err == nil {
			posting, err = Journal.Get(ctx, r.store, number)
		}
		if errors.Is(err, models.ErrCorrupt) {
			posting, err = Posting{Number: number}, nil
		}
		if err != nil {
			return err
		}
		if p.number == 0 {
			p.done = number - 1
		}
		p.waiting.add(&r.seed, &posting)
		p.number = number
	}
	return nil
}
