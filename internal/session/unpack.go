package session

import (
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/compress"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// Unpacker gives the rows of one tree the values that they had before they were compressed and
// encrypted. A nil *Unpacker is that of a tree in which no row is either.
type Unpacker struct {
	keys *crypt.Keys
	// dictionaries has those of compressed rows by number. It is replaced and never changed.
	dictionaries atomic.Pointer[map[uint32]*compress.Dictionary]
}

// NewUnpacker returns the Unpacker of a tree with some dictionaries by their numbers. Keys are the
// store's, nil if it is not encrypted.
func NewUnpacker(keys *crypt.Keys, dictionaries map[uint32]*compress.Dictionary) *Unpacker {
	u := &Unpacker{keys: keys}
	u.dictionaries.Store(&dictionaries)
	return u
}

// Plain returns row with its value as it is outside of the store: that of row itself, or memory of
// its own if the row is compressed or encrypted. Its error matches engine.ErrCorrupt, or
// format.ErrTampered.
func (u *Unpacker) Plain(row format.Row) (plain format.Row, err error) {
	if row.Opened {
		return row, nil
	}
	if u == nil {
		u = noUnpacker
	}
	switch {
	case row.Key == 0:
		if err := u.keys.Check(row); err != nil {
			return row, err
		}
		if row.Dictionary != 0 {
			row.Value, err = u.expand(row, row.Value)
		}
	case row.Dictionary == 0:
		row, err = u.keys.Decrypt(row)
	default:
		var value []byte
		err = u.keys.Read(row, func(packed []byte) (err error) {
			value, err = u.expand(row, packed)
			return err
		})
		row.Value = value
	}
	if err != nil {
		return row, err
	}
	row.Key, row.At, row.Dictionary, row.Opened = 0, nil, 0, true
	return row, nil
}

// noUnpacker has neither keys nor dictionaries.
var noUnpacker = NewUnpacker(nil, nil)

// Size returns the length of the value that Plain returns, without making it if possible. It does
// not find out that a row has been tampered with unless it has to decrypt it.
func (u *Unpacker) Size(row format.Row) (size int, err error) {
	switch {
	case row.Dictionary == 0 && row.Key == 0:
		return len(row.Value), nil
	case row.Dictionary == 0:
		return len(row.Value) - crypt.Overhead, nil
	case row.Key == 0:
		return compress.Size(row.Value)
	}
	if u == nil {
		u = noUnpacker
	}
	err = u.keys.Read(row, func(packed []byte) (err error) {
		size, err = compress.Size(packed)
		return err
	})
	return size, err
}

// expand returns the value of a compressed row.
func (u *Unpacker) expand(row format.Row, packed []byte) ([]byte, error) {
	dictionary := (*u.dictionaries.Load())[row.Dictionary]
	if dictionary == nil {
		return nil, fmt.Errorf("%w: row is compressed with dictionary %d, which is missing", engine.ErrCorrupt,
			row.Dictionary)
	}
	return dictionary.Expand(packed)
}

func (u *Unpacker) add(number uint32, dictionary *compress.Dictionary) {
	known := maps.Clone(*u.dictionaries.Load())
	if known == nil {
		known = map[uint32]*compress.Dictionary{}
	}
	known[number] = dictionary
	u.dictionaries.Store(&known)
}
