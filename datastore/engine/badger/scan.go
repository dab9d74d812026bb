package badger

import (
	"bytes"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/span"
)

// scan is an iterator that a read transaction keeps for its scans in one
// direction: opening one costs as much as reading ten rows with it.
type scan struct {
	iterator *badger.Iterator
	prefix   []byte // of all keys that it goes over
}

// Scan implements engine.Scanner. Rows are copied to the page.
func (t *readTxn) Scan(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	p.Rows, p.Room = p.Rows[:0], p.Room[:0]
	if err := t.Check(); err != nil {
		return false, err
	}
	if t.writes == nil {
		more, err = t.scanCommitted(r, most, p)
		if err != nil {
			err = t.corrupt(err)
		}
	} else {
		more, err = t.scanMerged(r, most, p)
	}
	if err != nil {
		p.Rows = p.Rows[:0]
		return false, err
	}
	return more, nil
}

func (t *readTxn) scanCommitted(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	defer damage.Recover(damage.Guard(), &err)
	within := span.Span{Lower: r.Lower, Upper: r.Upper, Reverse: r.Reverse}
	first := within.First()
	if r.Reverse && first != nil && len(first) == 0 {
		return false, nil // Badger takes the empty key for none
	}
	it, err := t.iterator(&within)
	if err != nil {
		return false, err
	}
	meetHidden := mayMeetHidden(r.Lower, r.Upper)
	it.Seek(first)
	if r.Reverse && it.Valid() && bytes.Equal(it.Item().Key(), first) {
		it.Next()
	}
	for ; ; it.Next() {
		if meetHidden {
			passHidden(it, r.Reverse)
		}
		if !it.Valid() {
			return false, nil
		}
		item := it.Item()
		if within.Beyond(item.Key()) {
			return false, nil
		}
		var value []byte
		if !r.KeysOnly {
			if value, err = t.valueOf(item); err != nil {
				return false, err
			}
		}
		if add(p, item.Key(), value, most) {
			return true, nil
		}
	}
}

// scanMerged scans what is committed with what the transaction has written.
func (t *readTxn) scanMerged(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	c := newCursor(t, r)
	defer c.Close()
	for c.Next() {
		var value []byte
		if !r.KeysOnly {
			if value, err = c.Value(); err != nil {
				return false, err
			}
		}
		if add(p, c.Key(), value, most) {
			return true, nil
		}
	}
	return false, c.Err()
}

// add copies a row to p and reports whether the page is full then.
func add(p *engine.Page, key, value []byte, most int) bool {
	start := len(p.Room)
	p.Room = append(append(p.Room, key...), value...)
	row := p.Room[start:len(p.Room):len(p.Room)]
	p.Rows = append(p.Rows, engine.Row{Key: row[:len(key):len(key)], Value: row[len(key):]})
	return len(p.Rows) >= most || len(p.Room) >= engine.ScanBytes
}

// iterator returns an iterator over all keys within s, to be sought. One that is
// opened in place of another goes over all that both are for, so that the scans
// of a transaction, which often are of one index, soon share one.
func (t *readTxn) iterator(s *span.Span) (*badger.Iterator, error) {
	kept := &t.scans[0]
	if s.Reverse {
		kept = &t.scans[1]
	}
	want := prefix(s)
	if kept.iterator != nil {
		n := 0
		for n < len(kept.prefix) && n < len(want) && kept.prefix[n] == want[n] {
			n++
		}
		if n == len(kept.prefix) {
			return kept.iterator, nil
		}
		if t.db.unverified.Load() == nil { // or else tables would be waited for that are not asked for
			want = want[:n]
		}
		kept.iterator.Close()
		kept.iterator = nil
	}
	if err := t.db.verifiedPrefix(want, t.Check); err != nil {
		return nil, err
	}
	kept.prefix = append(kept.prefix[:0], want...)
	kept.iterator = t.txn.NewIterator(badger.IteratorOptions{Reverse: s.Reverse, Prefix: kept.prefix})
	return kept.iterator, nil
}

// closeScans closes the iterators that were kept.
func (t *readTxn) closeScans() {
	for i := range t.scans {
		if it := t.scans[i].iterator; it != nil {
			t.scans[i].iterator = nil
			it.Close()
		}
	}
}
