package datastore

import (
	"bytes"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/pause"
)

// sortedTxn holds back the writes of a transaction until apply makes them in the
// order of their keys. That is the order in which a B+ tree takes many of them
// fast: bbolt moves half a page for one that comes between others, and its pages
// are as large as the transaction before they are split.
//
// Get sees the writes held back; cursors do not, and an import uses none.
type sortedTxn struct {
	engine.WriteTxn
	writes []heldWrite
	// latest is the number of the last write to each key.
	latest map[string]int
}

// heldWrite is a put, or a delete where value is nil.
type heldWrite struct {
	key, value []byte
	number     int
}

// newSortedTxn makes room for about so many writes.
func newSortedTxn(txn engine.WriteTxn, writes int) *sortedTxn {
	return &sortedTxn{WriteTxn: txn, writes: make([]heldWrite, 0, writes), latest: make(map[string]int, writes)}
}

func (t *sortedTxn) Get(key []byte) ([]byte, error) {
	number, held := t.latest[string(key)]
	switch {
	case !held:
		return t.WriteTxn.Get(key)
	case t.writes[number].value == nil:
		return nil, engine.ErrNotFound
	}
	return t.writes[number].value, nil
}

func (t *sortedTxn) Put(key, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return t.hold(key, value)
}

func (t *sortedTxn) Delete(key []byte) error { return t.hold(key, nil) }

func (t *sortedTxn) hold(key, value []byte) error {
	if err := engine.CheckKey(key); err != nil {
		return err
	}
	t.latest[string(key)] = len(t.writes)
	t.writes = append(t.writes, heldWrite{key, value, len(t.writes)})
	return nil
}

// pauseCompared is after how many comparisons a browser may run.
const pauseCompared = 1024

// apply makes the writes. It is the last thing done with t, but for ending it.
func (t *sortedTxn) apply() error {
	compared := 0
	slices.SortFunc(t.writes, func(a, b heldWrite) int {
		if compared++; compared%pauseCompared == 0 {
			pause.Point()
		}
		if order := bytes.Compare(a.key, b.key); order != 0 {
			return order
		}
		return a.number - b.number
	})
	for i, w := range t.writes {
		if i+1 < len(t.writes) && bytes.Equal(w.key, t.writes[i+1].key) {
			continue // another came after it
		}
		var err error
		if w.value == nil {
			err = t.WriteTxn.Delete(w.key)
		} else {
			err = t.WriteTxn.Put(w.key, w.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
