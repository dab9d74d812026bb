package session

import (
	"context"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
)

// Session is the transaction that operations on trees run in. It belongs to one operation, or
// the user holds it open. Only one goroutine may use it at a time.
type Session struct {
	// Read is never nil. Write is nil in a read transaction, and otherwise the same transaction
	// as Read.
	Read  engine.ReadTxn
	Write engine.WriteTxn
	// Keys are those of the store, nil if it is not encrypted.
	Keys *crypt.Keys

	// Scratch is memory for keys that the engine does not keep. A function that uses it stores
	// the grown slice back. Before that, it calls no other function that uses Scratch.
	Scratch []byte

	// plain is memory for the value of a row that Decrypt returns.
	plain []byte
	// Held says that the user holds the transaction open: operations must not end it. Otherwise
	// the transaction belongs to one operation, and must not stay open while user code runs.
	Held bool

	// Trusted says that package record is writing: see [Trusted].
	Trusted bool

	// Origin says who makes the changes that the transaction writes.
	Origin Origin
	// Followed are the trees whose changes the transaction keeps, in Changes.
	Followed *Followed
	Changes  []Change

	// Writes counts the writes of the transaction.
	Writes uint64

	// Due is the earliest expiry that was written, as in format.Row, or zero.
	Due int64

	// Before is how many commits that change leaves of topics the store had made when the transaction
	// began, or shortly before that.
	Before uint64
	// TopicChanges are the entries of topics that the transaction has added and removed.
	TopicChanges []TopicChange
	// states are those of topics that the transaction has read.
	states map[*Topic]*seenTopic
	topics *Topics

	// Committed are the functions to call once the transaction has committed.
	Committed []func()
	// blocks has the numbers of sequences that the transaction has reserved.
	blocks []block
	// kept are the dictionaries that the transaction has written to the catalog.
	kept []*numbered

	// key is the one that the transaction encrypts rows with, nil until it has encrypted one.
	key *crypt.DataKey

	places map[*Tree]*Place
	// tree and place are those of the last lookup.
	tree  *Tree
	place *Place

	pages []*Page

	// Walks is how many walks use the transaction.
	Walks int
	// Ended says that the transaction has ended while walks used it.
	Ended bool

	// spare is the last read transaction, which has ended, if it can be renewed. It is there
	// under both of its interfaces.
	spare   engine.ReadTxn
	renewer engine.Renewer

	release func(*Session)
	failure error
}

// Page is memory that one walk reuses from page to page.
type Page struct {
	engine.Page
	// Bounds is memory for the ends of the walk's range, Edge for the end that moves with the
	// walk.
	Bounds, Edge []byte
}

// maxRoom is how many bytes of copied rows a page may keep.
const maxRoom = 64 << 10

// TakePage returns a page without rows. Its caller ends with GivePage. Every walk has a page of
// its own, because a walk may run inside another's loop.
func (s *Session) TakePage() *Page {
	n := len(s.pages) - 1
	if n < 0 {
		return new(Page)
	}
	p := s.pages[n]
	s.pages = s.pages[:n]
	return p
}

// GivePage takes p back after its walk.
func (s *Session) GivePage(p *Page) {
	p.Clear()
	if cap(p.Room) > maxRoom {
		p.Room = nil
	}
	s.pages = append(s.pages, p)
}

// Clear drops the rows, whose memory belongs to the engine.
func (p *Page) Clear() {
	clear(p.Rows)
	p.Rows = p.Rows[:0]
}

// New returns a session over a store's places. Keys are nil in a store that is not encrypted. End
// passes the session to release.
func New(places map[*Tree]*Place, topics *Topics, keys *crypt.Keys, release func(*Session)) *Session {
	return &Session{Keys: keys, places: places, topics: topics, release: release}
}

// DataKey returns the key that the transaction encrypts rows with, nil in a store that is not
// encrypted.
func (s *Session) DataKey() *crypt.DataKey {
	if s.key == nil && s.Keys != nil {
		s.key = s.Keys.Begin()
	}
	return s.key
}

// View begins a read transaction of db. All calls have the same db.
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

// End ends the operation. It leaves a transaction that the user holds open.
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

// Put stores value at key. The engine owns both slices from here on.
func (s *Session) Put(key, value []byte) error {
	s.Writes++
	return s.keep(s.Write.Put(key, value))
}

// Delete removes key. The engine owns the slice from here on.
func (s *Session) Delete(key []byte) error {
	s.Writes++
	return s.keep(s.Write.Delete(key))
}

// keep remembers a failed write. After it rows and entries may be half written, so the
// transaction must not commit even if the user drops the error.
func (s *Session) keep(err error) error {
	if err != nil && s.failure == nil {
		s.failure = err
	}
	return err
}

// Failure returns the first failed write of the transaction, or nil.
func (s *Session) Failure() error { return s.failure }

// Reset readies the session for another transaction, after its own has ended. It returns false
// if a walk still uses the old one: then the session cannot be used again, and the walk ends
// with ErrTxnDone.
func (s *Session) Reset() bool {
	if s.key != nil {
		s.key.End()
		s.key = nil
	}
	if s.Walks > 0 {
		s.Ended = true
		return false
	}
	s.Read, s.Write, s.Held, s.Trusted, s.Due, s.failure = nil, nil, false, false, 0, nil
	s.Origin, s.Followed, s.Changes = Program, nil, nil
	clear(s.Committed)
	s.Committed = s.Committed[:0]
	s.blocks, s.kept = s.blocks[:0], nil
	if s.TopicChanges = s.TopicChanges[:0]; cap(s.TopicChanges) > maxChanges {
		s.TopicChanges = nil
	}
	s.states = nil
	return true
}
