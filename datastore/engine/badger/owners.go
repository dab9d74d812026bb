package badger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger/internal/values"
)

// A value that is too large for one of Badger's transactions has a file of its own. Its
// row refers to the file, and a second row, the owner, leads from the file back to the
// row. docs/format.md has the layout. Cursors pass over the keys of owners, which begin
// with hiddenPrefix.
const (
	hiddenPrefix = "!badger/"
	ownerPrefix  = hiddenPrefix + "o"

	// beyondHidden is the first key after all with hiddenPrefix.
	beyondHidden = "!badger0"
)

// apart is the userMeta of a row that has a reference in place of a value.
const apart = 1

// maxValue is the most bytes that a value may have. A store has to take 8 MiB from its
// users, and adds to that.
const maxValue = 16 << 20

// referenceBytes is the size of what the row of a value has in its place.
const referenceBytes = 8 + 8 + 4

func encodeReference(r values.Ref) []byte {
	value := binary.BigEndian.AppendUint64(make([]byte, 0, referenceBytes), r.Number)
	value = binary.BigEndian.AppendUint64(value, uint64(r.Size))
	return binary.BigEndian.AppendUint32(value, r.Sum)
}

func referenceOf(item *badger.Item) (r values.Ref, err error) {
	err = item.Value(func(value []byte) error {
		if len(value) != referenceBytes {
			return fmt.Errorf("%w: the reference to a value has %d bytes", engine.ErrCorrupt, len(value))
		}
		size := binary.BigEndian.Uint64(value[8:])
		if size > maxValue {
			return fmt.Errorf("%w: a value has %d bytes", engine.ErrCorrupt, size)
		}
		r = values.Ref{
			Number: binary.BigEndian.Uint64(value), Size: int(size), Sum: binary.BigEndian.Uint32(value[16:]),
		}
		return nil
	})
	return r, err
}

// owner tells which row has the value in a file.
type owner struct {
	number uint64
	size   int // of the value
	key    []byte
}

func ownerKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(ownerPrefix), number)
}

func (o owner) encode() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(o.size)), o.key...)
}

// ownerBytes is the size of the row of an owner without the key of the value's row.
const ownerBytes = len(ownerPrefix) + 8 + 8

func ownerOf(item *badger.Item) (o owner, err error) {
	number := item.Key()[len(ownerPrefix):]
	err = item.Value(func(value []byte) error {
		if len(number) != 8 || len(value) < 8 {
			return fmt.Errorf("%w: the owner %q of a value has %d bytes", engine.ErrCorrupt, item.Key(), len(value))
		}
		size := binary.BigEndian.Uint64(value)
		if size > maxValue {
			return fmt.Errorf("%w: the owner %q has %d bytes", engine.ErrCorrupt, item.Key(), size)
		}
		o = owner{binary.BigEndian.Uint64(number), int(size), bytes.Clone(value[8:])}
		return nil
	})
	return o, err
}

// eachOwner calls fn with the owners in the order of their numbers.
func eachOwner(txn *badger.Txn, fn func(o owner) error) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte(ownerPrefix)})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		o, err := ownerOf(it.Item())
		if err != nil {
			return err
		}
		if err := fn(o); err != nil {
			return err
		}
	}
	return nil
}

// refers reports whether the row of an owner refers to it.
func refers(txn *badger.Txn, o owner) (bool, error) {
	item, err := txn.Get(o.key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil || item.UserMeta() != apart {
		return false, err
	}
	r, err := referenceOf(item)
	return r.Number == o.number, err
}

// valueOf returns the value of an item, which lives until the item is used for another
// row.
func (t *readTxn) valueOf(item *badger.Item) (value []byte, err error) {
	if item.UserMeta() == apart {
		r, err := referenceOf(item)
		if err != nil {
			return nil, err
		}
		if value, err = t.db.values.Read(r); err != nil {
			return nil, fmt.Errorf("value of %q: %w", item.Key(), err)
		}
		return value, nil
	}
	err = item.Value(func(v []byte) error {
		value = v
		return nil
	})
	return value, err
}

// passHidden moves an iterator that has come to hidden keys beyond them.
func passHidden(it *badger.Iterator, reverse bool) {
	if !it.ValidForPrefix([]byte(hiddenPrefix)) {
		return
	}
	if reverse {
		it.Seek([]byte(hiddenPrefix)) // which is no key itself
	} else {
		it.Seek([]byte(beyondHidden))
	}
}

// mayMeetHidden reports whether an iterator over a range can come to hidden keys.
func mayMeetHidden(lower, upper []byte) bool {
	return (lower == nil || bytes.Compare(lower, []byte(beyondHidden)) < 0) &&
		(upper == nil || bytes.Compare(upper, []byte(hiddenPrefix)) > 0)
}

func isReserved(key []byte) bool {
	return bytes.HasPrefix(key, []byte(badgerPrefix)) || bytes.HasPrefix(key, []byte(hiddenPrefix))
}
