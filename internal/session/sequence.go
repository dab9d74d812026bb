package session

import (
	"errors"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// Sequence gives out the numbers of one tree in one store. A transaction that finds
// none left reserves a block of them by moving the counter that is stored, and once
// it has committed, all others take numbers from the block. So writers contend for
// the counter once for each block, not for each row. Numbers that a process has
// reserved and not given out are never given out.
type Sequence struct {
	mu          sync.Mutex
	next, limit uint64
}

// sequenceBlock is how many numbers are reserved at a time.
const sequenceBlock = 64

// block is what a transaction has reserved.
type block struct {
	of          *Sequence
	next, limit uint64
}

// take returns a number that has been reserved for all.
func (q *Sequence) take() (n uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next == q.limit {
		return 0, false
	}
	q.next++
	return q.next - 1, true
}

// give makes the numbers that a transaction has left of its block available to
// all. They replace the numbers that another transaction has given meanwhile,
// which nobody gets then.
func (q *Sequence) give(next, limit uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if next < limit && limit > q.limit {
		q.next, q.limit = next, limit
	}
}

// Next returns a number of the tree's sequence, least or above, that nobody else
// gets. Zero means that there are no more.
func (s *Session) Next(p *Place, least uint64) (uint64, error) {
	for i := range s.blocks {
		if b := &s.blocks[i]; b.of == p.Sequence && b.next < b.limit && b.next >= least {
			b.next++
			return b.next - 1, nil
		}
	}
	for n, ok := p.Sequence.take(); ok; n, ok = p.Sequence.take() {
		if n >= least {
			return n, nil
		}
	}
	key := format.CounterKey(p.Space)
	next, err := s.counter(key)
	if err != nil {
		return 0, err
	}
	next = max(next, least)
	limit := next + sequenceBlock
	if limit < next {
		return 0, nil
	}
	key, value := format.Counter(p.Space, limit)
	if err := s.Put(key, value); err != nil {
		return 0, err
	}
	if len(s.blocks) == 0 {
		s.Committed = append(s.Committed, s.giveBlocks)
	}
	s.blocks = append(s.blocks, block{p.Sequence, next + 1, limit})
	return next, nil
}

// counter reads the counter stored at key; a sequence begins with 1.
func (s *Session) counter(key []byte) (uint64, error) {
	stored, err := s.Read.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	return format.ParseCounter(key, stored)
}

// giveBlocks makes the numbers that a committed transaction has left available
// to all.
func (s *Session) giveBlocks() {
	for _, b := range s.blocks {
		b.of.give(b.next, b.limit)
	}
}
