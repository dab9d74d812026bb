package crypt

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/internal/format"
)

// Keys are the data keys of an open store. A nil *Keys is that of a store without encryption. All
// methods may be called concurrently.
type Keys struct {
	// known has the keys by number. It is replaced and never changed. A key that a rotation has
	// dropped stays: snapshots may be open in which rows need it.
	known   atomic.Pointer[map[uint32]*DataKey]
	current atomic.Pointer[DataKey]
	// mixed says that rows without encryption may be there. It stays as it was when the store was
	// opened, for the same reason.
	mixed bool
	// locked is why there are no keys, nil if there are.
	locked error
}

// NewLockedKeys returns the Keys of an encrypted store whose rows cannot be read, with the error of
// reading one.
func NewLockedKeys(err error) *Keys {
	k := &Keys{mixed: true, locked: err}
	k.known.Store(new(map[uint32]*DataKey))
	return k
}

// Locked returns why no row can be read, or nil.
func (k *Keys) Locked() error {
	if k == nil {
		return nil
	}
	return k.locked
}

// NewKeys returns keys by their numbers, of which there is at least one. The one with the highest
// number encrypts. Mixed says that rows without encryption may be there.
func NewKeys(known map[uint32]*DataKey, mixed bool) *Keys {
	k := &Keys{mixed: mixed}
	k.known.Store(&known)
	var current *DataKey
	for number, key := range known {
		if current == nil || number > current.Number {
			current = key
		}
	}
	k.current.Store(current)
	return k
}

// Current returns the key that encrypts now.
func (k *Keys) Current() *DataKey { return k.current.Load() }

// Numbered returns the key with a number, nil if there is none.
func (k *Keys) Numbered(number uint32) *DataKey { return (*k.known.Load())[number] }

// Begin is Current for a transaction that writes. Its caller calls End of the key after the
// transaction has ended.
func (k *Keys) Begin() *DataKey {
	for {
		if key := k.current.Load(); key.begin() {
			return key
		}
	}
}

// Replace makes a key the one that encrypts, and waits until the transactions that write with
// another one have ended.
func (k *Keys) Replace(ctx context.Context, by *DataKey) error {
	known := maps.Clone(*k.known.Load())
	known[by.Number] = by
	k.known.Store(&known)
	k.current.Store(by)
	for number, key := range known {
		if number == by.Number {
			continue
		}
		select {
		case <-key.replace():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Open appends to dst the value that an encrypted row had before it was encrypted. Its error
// matches format.ErrTampered.
func (k *Keys) Open(dst []byte, row format.Row) ([]byte, error) {
	var key *DataKey
	if err := k.Locked(); err != nil {
		return nil, err
	}
	if k != nil {
		key = (*k.known.Load())[row.Key]
	}
	if key == nil {
		return nil, fmt.Errorf("%w: the row is encrypted with data key %d, which the store does not have",
			format.ErrTampered, row.Key)
	}
	return key.open(dst, row)
}

// Check refuses a row without encryption in a store that has no such rows. Its error matches
// format.ErrTampered.
func (k *Keys) Check(row format.Row) error {
	if k == nil || k.mixed || row.Key != 0 || row.Opened {
		return nil
	}
	return fmt.Errorf("%w: the row is not encrypted, and the store is", format.ErrTampered)
}

// Decrypt returns row as it was before it was encrypted, which may be compressed: row itself, or one
// with a value of its own. Its error matches format.ErrTampered.
func (k *Keys) Decrypt(row format.Row) (format.Row, error) {
	if row.Key == 0 {
		return row, k.Check(row)
	}
	value, err := k.Open(make([]byte, 0, len(row.Value)-Overhead), row)
	if err != nil {
		return row, err
	}
	row.Key, row.At, row.Value = 0, nil, value
	return row, nil
}

// Read calls read with the value of an encrypted row as it was before it was encrypted, borrowed.
func (k *Keys) Read(row format.Row, read func(value []byte) error) error {
	room := scratch.Get().(*[]byte)
	value, err := k.Open((*room)[:0], row)
	if err != nil {
		scratch.Put(room)
		return err
	}
	err = read(value)
	*room = value
	putScratch(room)
	return err
}
