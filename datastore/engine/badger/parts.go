package badger

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// A value that is too large for one of Badger's transactions is divided into parts.
// They are rows of Badger like any other, so that snapshots, deletion, checks and
// compaction treat them as they treat all else. Their keys begin with partsPrefix, which
// cursors pass over. docs/format.md has the layout:
//
//	key                     → number, size     with userMeta divided
//	prefix 'o' number       → count, key       the owner of the parts
//	prefix 'p' number index → part
//
// The owner is written with the first part or before it, and deleted with the last or
// after it, so that there are no parts without one. An owner to whose number no row
// refers is left over, and is deleted with its parts.
const partsPrefix = "!badger/"

const (
	ownerPrefix = partsPrefix + "o"
	partPrefix  = partsPrefix + "p"

	// beyondParts is the first key after all with partsPrefix.
	beyondParts = "!badger0"
)

// divided is the userMeta of a row that has a reference in place of a value.
const divided = 1

// maxValue is the most bytes that a value may have. A store has to take 8 MiB from its
// users, and adds to that.
const maxValue = 16 << 20

// reference is what the row of a divided value has in its place.
type reference struct {
	number uint64
	size   int
}

const referenceBytes = 16

func (r reference) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, r.number), uint64(r.size))
}

func decodeReference(value []byte) (reference, error) {
	if len(value) != referenceBytes {
		return reference{}, fmt.Errorf("%w: the reference to a divided value has %d bytes",
			engine.ErrCorrupt, len(value))
	}
	size := binary.BigEndian.Uint64(value[8:])
	if size > maxValue {
		return reference{}, fmt.Errorf("%w: a divided value has %d bytes", engine.ErrCorrupt, size)
	}
	return reference{binary.BigEndian.Uint64(value), int(size)}, nil
}

func referenceOf(item *badger.Item) (r reference, err error) {
	err = item.Value(func(value []byte) error {
		r, err = decodeReference(value)
		return err
	})
	return r, err
}

func ownerKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(ownerPrefix), number)
}

func partKey(number uint64, index int) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte(partPrefix), number), uint32(index))
}

// owner tells which row has parts.
type owner struct {
	number uint64
	count  int // of parts
	key    []byte
}

const countBytes, indexBytes = 4, 4

func (o owner) encode() []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(o.count)), o.key...)
}

// ownerOf reads the row of an owner.
func ownerOf(item *badger.Item) (o owner, err error) {
	number := item.Key()[len(ownerPrefix):]
	err = item.Value(func(value []byte) error {
		if len(number) != 8 || len(value) < countBytes {
			return fmt.Errorf("%w: the owner %q of parts has %d bytes", engine.ErrCorrupt, item.Key(), len(value))
		}
		o = owner{
			binary.BigEndian.Uint64(number), int(binary.BigEndian.Uint32(value)), bytes.Clone(value[countBytes:]),
		}
		if o.count > maxValue {
			return fmt.Errorf("%w: the owner %q has %d parts", engine.ErrCorrupt, item.Key(), o.count)
		}
		return nil
	})
	return o, err
}

// valueOf returns the value of an item, which lives until the item is used for another
// row.
func (t *readTxn) valueOf(item *badger.Item) (value []byte, err error) {
	if item.UserMeta() == divided {
		return t.join(item)
	}
	err = item.Value(func(v []byte) error {
		value = v
		return nil
	})
	return value, err
}

// join puts a divided value together.
func (t *readTxn) join(item *badger.Item) ([]byte, error) {
	r, err := referenceOf(item)
	if err != nil {
		return nil, err
	}
	value := make([]byte, 0, r.size)
	first := partKey(r.number, 0)
	parts := first[:len(first)-indexBytes]
	if err := t.db.verifiedPrefix(parts, t.Check); err != nil {
		return nil, err
	}
	it := t.txn.NewIterator(badger.IteratorOptions{Prefix: parts})
	defer it.Close()
	it.Rewind()
	for index := 0; len(value) < r.size; index++ {
		if !it.ValidForPrefix(partKey(r.number, index)) {
			return nil, fmt.Errorf("%w: part %d of the value of %q is missing", engine.ErrCorrupt, index, item.Key())
		}
		err = it.Item().Value(func(v []byte) error {
			if len(v) == 0 || len(v) > r.size-len(value) {
				return fmt.Errorf("%w: part %d of the value of %q has %d bytes",
					engine.ErrCorrupt, index, item.Key(), len(v))
			}
			value = append(value, v...)
			return nil
		})
		if err != nil {
			return nil, err
		}
		it.Next()
	}
	return value, nil
}

// passParts moves an iterator that has come to the keys of parts beyond them.
func passParts(it *badger.Iterator, reverse bool) {
	if !it.ValidForPrefix([]byte(partsPrefix)) {
		return
	}
	if reverse {
		it.Seek([]byte(partsPrefix)) // which is no key itself
	} else {
		it.Seek([]byte(beyondParts))
	}
}

// mayMeetParts reports whether an iterator over a range can come to the keys of parts.
func mayMeetParts(lower, upper []byte) bool {
	return (lower == nil || bytes.Compare(lower, []byte(beyondParts)) < 0) &&
		(upper == nil || bytes.Compare(upper, []byte(partsPrefix)) > 0)
}

func isReserved(key []byte) bool {
	return bytes.HasPrefix(key, []byte(badgerPrefix)) || bytes.HasPrefix(key, []byte(partsPrefix))
}
