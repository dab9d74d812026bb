package session

import (
	"errors"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// Sequence gives out the numbers of one tree in one store. A transaction that finds no number
// left reserves a block: it moves the stored counter. Once it has committed, all transactions
// take numbers from the block. So writers compete for the counter once for each block, not once
// for each row. If the process ends, the rest of its blocks is never given out.
type Sequence struct {
	mu          sync.Mutex
	next, limit uint64
}

// sequenceBlock is how many numbers are reserved at a time.
const sequenceBlock = 64

// block has the numbers that a transaction has reserved.
type block struct {
	of          *Sequence
	next, limit uint64
}

// take returns a number that is reserved for all transactions.
func (q *Sequence) take() (n uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next == q.limit {
		return 0, false
	}
	q.next++
	return q.next - 1, true
}

// give makes the rest of a transaction's block available to all. It replaces the numbers that
// another transaction has given meanwhile; nobody gets those.
func (q *Sequence) give(next, limit uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if next < limit && limit > q.limit {
		q.next, q.limit = next, limit
	}
}

// Next returns a number of the tree's sequence that is at least least and that nobody else
// gets. Zero means that no number is left.
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

// counter reads the counter stored at key. A sequence begins with 1.
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

// giveBlocks makes the rest of a committed transaction's blocks available to all.
func (s *Session) giveBlocks() {
	for _, b := range s.blocks {
		b.of.give(b.next, b.limit)
	}
}
