package badger

import (
	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
)

// batch writes rows in as many of Badger's transactions as they need, one after the
// other. It reads nothing, and so meets no conflict.
type batch struct {
	db          *db
	txn         *badger.Txn
	bytes       int64
	ops         int
	intoReserve bool // writes even if the disk is nearly full
}

func (b *batch) set(key, value []byte) error {
	return b.add(badger.NewEntry(key, value), func(e *badger.Entry) error { return b.txn.SetEntry(e) })
}

func (b *batch) delete(key []byte) error {
	return b.add(badger.NewEntry(key, nil), func(e *badger.Entry) error { return b.txn.Delete(e.Key) })
}

func (b *batch) add(e *badger.Entry, put func(e *badger.Entry) error) error {
	size := int64(len(e.Key) + len(e.Value))
	if b.ops >= b.db.limits.TxnOps || b.bytes+size > b.db.limits.TxnBytes {
		if err := b.flush(); err != nil {
			return err
		}
	}
	if b.txn == nil {
		if err := b.begin(); err != nil {
			return err
		}
	}
	b.bytes += size
	b.ops++
	return put(e)
}

func (b *batch) begin() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	b.txn, b.bytes, b.ops = b.db.badger.NewTransaction(true), 0, 0
	return nil
}

// flush commits what has been added since the last call.
func (b *batch) flush() error {
	if b.txn == nil {
		return nil
	}
	txn := b.txn
	b.txn = nil
	defer txn.Discard()
	if !b.intoReserve {
		if err := b.db.hasRoom(0); err != nil {
			return err
		}
	}
	return b.db.commit(txn, b.bytes, b.ops)
}

// discard drops what has not been committed.
func (b *batch) discard() {
	if b.txn != nil {
		b.txn.Discard()
		b.txn = nil
	}
}

// commit commits one of Badger's transactions, with ops writes of bytes altogether.
func (d *db) commit(txn *badger.Txn, bytes int64, ops int) (err error) {
	defer damage.Recover(damage.Guard(), &err)
	size := bytes + entryBytes*int64(ops) + endBytes
	d.volume.begun.Add(size)
	defer d.volume.done.Add(size)
	d.snapshots.begin()
	defer d.snapshots.end()
	return translate(txn.Commit())
}
