package session

import (
	"context"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Session is the transaction that operations on trees run in, either one
// operation's own or one the user holds open. It belongs to one goroutine at a
// time.
type Session struct {
	// Read is never nil; Write is nil in a read transaction and otherwise the
	// same transaction as Read.
	Read  engine.ReadTxn
	Write engine.WriteTxn

	// Scratch is for building keys that an engine does not keep. A function
	// that uses it stores the grown slice back, and in between calls no other
	// function that uses it.
	Scratch []byte

	// Held is set while the user holds the transaction open: operations leave
	// it as it is. Otherwise it is one operation's own, and must not be open
	// while user code runs.
	Held bool

	// Trusted is set while package record writes: see [Trusted].
	Trusted bool

	// Writes is how often the transaction has been written to.
	Writes uint64

	// Due is the earliest expiry that was written, as in format.Row, or zero.
	Due int64

	// Committed are called once the transaction has been committed.
	Committed []func()
	// blocks is what the transaction has reserved of sequences.
	blocks []block

	places map[*Tree]*Place
	// tree and place are the last that were looked up.
	tree  *Tree
	place *Place

	pages []*Page

	// Walks is how many walks have the transaction in use.
	Walks int
	// Ended is set when the transaction has ended although walks had it in use.
	Ended bool

	// spare is the last read transaction, which has ended, if it can be renewed:
	// as it is and as what renews it.
	spare   engine.ReadTxn
	renewer engine.Renewer

	release func(*Session)
	failure error
}

// Page is memory that one walk uses again from page to page.
type Page struct {
	engine.Page
	// Bounds is for building the ends of the walk's range, Edge the one that
	// moves with the walk.
	Bounds, Edge []byte
}

// maxRoom is how much memory of copied rows a page keeps.
const maxRoom = 64 << 10

// TakePage returns a page without rows, for GivePage to take back. Every walk
// has its own, for one may go on inside of another's loop.
func (s *Session) TakePage() *Page {
	n := len(s.pages) - 1
	if n < 0 {
		return new(Page)
	}
	p := s.pages[n]
	s.pages = s.pages[:n]
	return p
}

// GivePage takes p back once its walk is over.
func (s *Session) GivePage(p *Page) {
	p.Clear()
	if cap(p.Room) > maxRoom {
		p.Room = nil
	}
	s.pages = append(s.pages, p)
}

// Clear lets go of the rows, which the engine lent.
func (p *Page) Clear() {
	clear(p.Rows)
	p.Rows = p.Rows[:0]
}

// New returns a session over a store's places, which End gives to release.
func New(places map[*Tree]*Place, release func(*Session)) *Session {
	return &Session{places: places, release: release}
}

// View begins a read transaction of db, the same for every call.
func (s *Session) View(ctx context.Context, db engine.DB) error {
	if s.renewer != nil {
		if err := s.renewer.Renew(ctx); err != nil {
			return err
		}
		s.Read = s.spare
		return nil
	}
	txn, err := db.View(ctx)
	if err != nil {
		return err
	}
	s.Read = txn
	if s.renewer, _ = txn.(engine.Renewer); s.renewer != nil {
		s.spare = txn
	}
	return nil
}

// End tells that the operation is over. A transaction the user holds stays
// open.
func (s *Session) End() {
	if !s.Held {
		s.release(s)
	}
}

// Place returns where t lives in this store, or nil if the store was opened
// without it.
func (s *Session) Place(t *Tree) *Place {
	if s.tree != t {
		s.tree, s.place = t, s.places[t]
	}
	return s.place
}

// Put stores value at key; both are the engine's from here on.
func (s *Session) Put(key, value []byte) error {
	s.Writes++
	return s.keep(s.Write.Put(key, value))
}

// Delete removes key, which is the engine's from here on.
func (s *Session) Delete(key []byte) error {
	s.Writes++
	return s.keep(s.Write.Delete(key))
}

// keep remembers a failed write: rows and entries may be half written then, so
// the transaction must not commit even if the user drops the error.
func (s *Session) keep(err error) error {
	if err != nil && s.failure == nil {
		s.failure = err
	}
	return err
}

// Failure returns the first failed write of the transaction, or nil.
func (s *Session) Failure() error { return s.failure }

// Reset readies the session for another transaction, after its own has ended. It
// reports false if a walk still has the old one in use: then the session cannot
// serve again, and the walk ends with ErrTxnDone.
func (s *Session) Reset() bool {
	if s.Walks > 0 {
		s.Ended = true
		return false
	}
	s.Read, s.Write, s.Held, s.Trusted, s.Due, s.failure = nil, nil, false, false, 0, nil
	clear(s.Committed)
	s.Committed = s.Committed[:0]
	s.blocks = s.blocks[:0]
	return true
}
