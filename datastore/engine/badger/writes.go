package badger

import (
	"bytes"

	"github.com/tidwall/btree"
)

// write is a change to a key, whose slices are not changed once it is made.
type write struct {
	key, value []byte
	deleted    bool
}

func less(a, b write) bool { return bytes.Compare(a.key, b.key) < 0 }

// writes are the changes of one transaction.
type writes = btree.BTreeG[write]

func newWrites() *writes {
	return btree.NewBTreeGOptions(less, btree.Options{Degree: 16, NoLocks: true})
}

// ownWrites is a place among the changes of a transaction. After these change
// it must be sought anew; the zero value stands nowhere.
type ownWrites struct {
	iter    btree.IterG[write]
	reverse bool
	open    bool
	placed  bool // iter is at a write
}

func (o *ownWrites) init(w *writes, reverse bool) {
	o.iter.Init(w, false)
	o.reverse, o.open = reverse, true
}

// start moves to the first write at or beyond bound, in reverse to the last one
// before it. A nil bound is open.
func (o *ownWrites) start(bound []byte) {
	switch {
	case !o.open:
	case bound != nil:
		o.seek(bound, !o.reverse)
	case o.reverse:
		o.placed = o.iter.Last()
	default:
		o.placed = o.iter.First()
	}
}

// seek moves to the first write beyond key in the direction, or at it.
func (o *ownWrites) seek(key []byte, orAt bool) {
	if !o.open {
		return
	}
	o.placed = o.iter.Seek(write{key: key})
	at := o.placed && bytes.Equal(o.iter.Item().key, key)
	switch {
	case at && orAt:
	case at, o.placed && o.reverse:
		o.next()
	case o.reverse:
		o.placed = o.iter.Last()
	}
}

func (o *ownWrites) next() {
	if o.reverse {
		o.placed = o.iter.Prev()
	} else {
		o.placed = o.iter.Next()
	}
}

func (o *ownWrites) current() write { return o.iter.Item() }

func (o *ownWrites) release() {
	o.iter.Release()
	o.open, o.placed = false, false
}
