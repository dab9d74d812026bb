package record

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
)

// Provider records come in great numbers, in batches, and each changes the row of
// its key and two rows of references, which others of the batches that follow
// change again. So a batch is only posted: it is written to the Journal as it is,
// which is one write, and held in memory. What has been posted since the last time
// is then filed together, as a generation: first the rows, in the order of the
// keys, each once, and then the references, in the order of peers and of minutes,
// each row of them once.
//
// Whoever looks at one key sees what is pending on top of what is filed. Whoever
// looks at more, or changes provider records in other ways, has it filed before.
//
// A process that ends in between leaves the journal, which the next one files
// again. It makes the same rows once more, and of their references exactly those
// that there have to be.

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
	// fileAtOnce is how many provider records one transaction files, and a
	// quarter of that references.
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
	// of has the changes by key, n is how many these are, and bytes what they take.
	of       map[string][]OfferChange
	n, bytes int
	// last is the number of the last posting.
	last uint64
	// again says that an earlier process may have filed some of it, and left is
	// what offers had left then.
	again bool
	left  []MinuteKey
	// moved is the number of the last of MovedRefs.
	moved uint64

	// begun says that it is being filed. Keys are then those that are left, in
	// order.
	begun bool
	keys  []string
	// shares and arrived are the references that the rows need which are filed
	// by now, and peers how many keys each peer provides more.
	shares, arrived refChanges
	peers           map[PeerNumber]int
	// sorted says that all rows are filed, and the references in order.
	sorted bool
}

// add adds a posting.
func (g *generation) add(p *Posting) {
	if g.of == nil {
		g.of = map[string][]OfferChange{}
	}
	for _, c := range p.Changes {
		g.of[c.Key] = append(g.of[c.Key], c)
		g.bytes += c.size()
	}
	g.n += len(p.Changes)
	g.last = p.Number
}

func (c *OfferChange) size() int { return len(c.Key) + len(c.Peer) + len(c.Raw) + changeBytes }

// on returns the changes of a key that are pending, in their order.
func (p *pending) on(key []byte) []OfferChange {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.filing.n == 0 && p.waiting.n == 0 {
		return nil
	}
	filing, waiting := p.filing.of[string(key)], p.waiting.of[string(key)]
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

// isAtRest reports whether no generation is filed in part.
func (p *pending) isAtRest() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.filing.begun
}

// keysOf returns how many keys a peer provides more than its references say.
func (p *pending) keysOf(n PeerNumber) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.filing.peers[n]
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
func (p *pending) posted(postings []*Posting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, posting := range postings {
		p.waiting.add(posting)
		p.number = posting.Number
	}
}

// part is what one transaction files: the rows of some keys, or references.
type part struct {
	keys            [][]OfferChange
	shares, arrived refChanges
	again           bool
	left            []MinuteKey
	moved           uint64
	// goesOn is the peer of which there are more shares in the next part.
	goesOn uint32
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
		if p.waiting.n == 0 {
			return nil
		}
		*g, p.waiting = p.waiting, generation{}
		g.begun, g.keys, g.peers = true, slices.Sorted(maps.Keys(g.of)), map[PeerNumber]int{}
	}
	next := &part{again: g.again, left: g.left, moved: g.moved, from: p.done + 1, to: g.last}
	if g.n > 0 {
		n := 0
		for _, key := range g.keys {
			if n >= most {
				break
			}
			changes := g.of[key]
			changes = changes[:min(len(changes), most-n)]
			n += len(changes)
			next.keys = append(next.keys, changes)
		}
		return next
	}
	if !g.sorted {
		g.shares, g.arrived, g.sorted = g.shares.compact(), g.arrived.compact(), true
	}
	// Shares go first: of what is found by its minute the share is there, then.
	// Each may be a row of its own, of a KiB or two.
	most = max(most/4, 1)
	next.shares = g.shares[:min(most, len(g.shares))]
	next.arrived = g.arrived[:min(most-len(next.shares), len(g.arrived))]
	next.last = len(next.shares) == len(g.shares) && len(next.arrived) == len(g.arrived)
	if n := len(next.shares); n > 0 && n < len(g.shares) && g.shares[n-1].group == g.shares[n].group {
		next.goesOn = g.shares[n].group
	}
	return next
}

// filed has what a transaction has filed not be pending any more, but the
// references that it needs.
func (p *pending) filed(done *part, l *ledger) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := &p.filing
	if done.last {
		p.done, *g = g.last, generation{}
		return
	}
	for _, changes := range done.keys {
		key := changes[0].Key
		g.n -= len(changes)
		for i := range changes {
			g.bytes -= changes[i].size()
		}
		if left := g.of[key][len(changes):]; len(left) > 0 {
			g.of[key] = left
			continue
		}
		delete(g.of, key)
		g.keys = g.keys[1:]
	}
	g.left, g.moved = nil, done.moved
	g.shares = append(g.shares[len(done.shares):], l.owedShares...)
	g.arrived = append(g.arrived[len(done.arrived):], l.owedArrived...)
	for peer, n := range l.peers {
		g.peers[peer] += n
	}
}

// file files all that was posted before the call, and evicts what there is too
// much of then.
func (r *Records) file(ctx context.Context) error {
	p := &r.pending
	p.mu.Lock()
	number := p.number
	p.mu.Unlock()
	if p.isFiled(number) {
		return nil
	}
	for most := fileAtOnce; !p.isFiled(number); {
		err := r.filePart(ctx, most)
		switch {
		case errors.Is(err, models.ErrTooLarge) && most > 1:
			most /= 2
		case err != nil:
			return fmt.Errorf("file provider records: %w", err)
		}
	}
	for evicted := 1; evicted > 0; {
		err := r.changeRelaxed(ctx, func(l *ledger) error {
			if err := l.evict(); err != nil {
				return err
			}
			evicted = l.evicted
			return nil
		})
		if err != nil {
			return fmt.Errorf("evict provider records: %w", err)
		}
	}
	return nil
}

// filePart files a part of what is pending in one transaction. What a bound does
// not allow is left out, and counted.
func (r *Records) filePart(ctx context.Context, most int) error {
	var refused []error
	err := r.changeRelaxed(ctx, func(l *ledger) error {
		refused = nil // the transaction may run more than once
		if err := l.own(); err != nil {
			return err
		}
		if l.files = r.pending.next(most); l.files == nil {
			return nil // somebody else was faster
		}
		for _, from := range l.files.left {
			if err := l.checkArrivals(from); err != nil {
				return err
			}
		}
		for _, changes := range l.files.keys {
			left, err := l.changeProviders(changes)
			if err == nil && l.files.again {
				err = l.checkRefs(changes)
			}
			if errors.Is(err, models.ErrCorrupt) { // which is for Scrub
				left, err = append(left, err), nil
			}
			if err != nil {
				return err
			}
			refused = append(refused, left...)
		}
		// The references of these rows are filed with those of the generation.
		l.owedShares, l.owedArrived = l.shares, l.arrived
		l.shares, l.arrived = l.files.shares, l.files.arrived
		if !l.files.last {
			return l.noteMoved()
		}
		return l.closeBooks()
	})
	if err == nil {
		r.metrics.refused(ctx, refused...)
	}
	return err
}

// noteMoved notes which references are to go that are not filed with this part.
func (l *ledger) noteMoved() error {
	var m Moved
	for _, c := range l.owedArrived {
		if c.n < 0 {
			m.From = append(m.From, MinuteKey{Minute(c.group), c.ref})
		}
	}
	if len(m.From) == 0 {
		return nil
	}
	l.files.moved++
	m.Number = l.files.moved
	return MovedRefs.Put(l.ctx, l.tx, &m)
}

// closeBooks deletes what has been written for the case that this process ends.
func (l *ledger) closeBooks() error {
	for number := l.files.from; number <= l.files.to; number++ {
		if err := Journal.Delete(l.ctx, l.tx, number); err != nil {
			return err
		}
	}
	for number := range l.files.moved {
		if err := MovedRefs.Delete(l.ctx, l.tx, number+1); err != nil {
			return err
		}
	}
	return nil
}

// checkArrivals has as many references be there as a minute has offers of a key.
func (l *ledger) checkArrivals(of MinuteKey) error {
	s, err := l.wholeSet(of.Hash)
	if err != nil {
		return err
	}
	n := 0
	for i := range s.Offers {
		if s.Offers[i].minute() == of.Minute {
			n++
		}
	}
	l.arrived.set(uint32(of.Minute), of.Hash, n)
	return nil
}

// checkRefs has the references be there that the offers of a key need which are
// changed: an earlier process may have filed the row, and not the references.
func (l *ledger) checkRefs(changes []OfferChange) error {
	hash := l.records.seed.hash([]byte(changes[0].Key))
	s, err := l.wholeSet(hash)
	if err != nil {
		return err
	}
	at := map[Minute]int{}
	for i := range s.Offers {
		at[s.Offers[i].minute()]++
	}
	for minute, n := range at {
		l.arrived.set(uint32(minute), hash, n)
	}
	for i := range changes {
		number, err := l.numberOf(peer.ID(changes[i].Peer))
		if err != nil {
			return err
		}
		if number == 0 {
			continue
		}
		n := 0
		if slices.ContainsFunc(s.Offers, func(o FiledOffer) bool { return o.Peer == number }) {
			n = 1
		}
		l.shares.set(uint32(number), hash, n)
	}
	return nil
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

// changeProvided is change of provider records that are not pending. It files what
// is before, since what has been filed in part has not all of its references.
func (r *Records) changeProvided(ctx context.Context, fn func(*ledger) error) error {
	for {
		if err := r.file(ctx); err != nil {
			return err
		}
		err := r.changeRelaxed(ctx, func(l *ledger) error {
			if err := l.own(); err != nil {
				return err
			}
			if !r.pending.isAtRest() {
				return errBusy
			}
			return fn(l)
		})
		if !errors.Is(err, errBusy) {
			return err
		}
	}
}

// errBusy says that others have begun to file.
var errBusy = errors.New("provider records are being filed")

// loadJournal has pending what an earlier process has posted and not filed. What
// is damaged of it is passed over: it is soft state.
func (r *Records) loadJournal(ctx context.Context, from models.Reader) error {
	p := &r.pending
	for number, err := range Journal.Keys(ctx, from, models.Range[uint64]{}) {
		var posting Posting
		if err == nil {
			posting, err = Journal.Get(ctx, from, number)
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
		p.waiting.add(&posting)
		p.number = number
	}
	p.waiting.again = p.number > 0
	for m, err := range MovedRefs.All(ctx, from) {
		if errors.Is(err, models.ErrCorrupt) {
			return nil // Scrub finds it
		}
		if err != nil {
			return err
		}
		p.waiting.left, p.waiting.moved = append(p.waiting.left, m.From...), m.Number
	}
	return nil
}
