// Package format writes and reads the bytes of docs/format.md: space numbers,
// rows and index entries. It knows nothing of models or transactions.
package format

import (
	"encoding/binary"
	"errors"
)

// Version is the format version that this code writes and the newest it reads.
const Version = 2

// Space is the number of a space. Every stored key begins with one.
type Space uint32

const (
	// Catalog holds the description of the store.
	Catalog Space = 1
	// Expiry holds the queue of rows that expire.
	Expiry Space = 2
	// Quarantine holds the rows that repair has moved out of their trees.
	Quarantine Space = 3
	// Sequences holds the counter of each tree that numbers its rows.
	Sequences Space = 4
	// Commits holds the numbers of commits and the feeds of trees.
	Commits Space = 5
	// Tombstones holds what is left of deleted rows in trees whose deletions travel.
	Tombstones Space = 6
	// FirstFree is the first space handed out to trees and indexes.
	FirstFree Space = 64
)

// ErrSpace is returned for a key that does not begin with a valid space number.
var ErrSpace = errors.New("invalid space number")

const (
	oneByteSpaces = 0xF0
	twoByteMark   = 0xF0
	fourByteMark  = 0xF1
)

// Append appends s in a form that sorts as the numbers do.
func (s Space) Append(dst []byte) []byte {
	switch {
	case s < oneByteSpaces:
		return append(dst, byte(s))
	case s <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, twoByteMark), uint16(s))
	default:
		return binary.BigEndian.AppendUint32(append(dst, fourByteMark), uint32(s))
	}
}

// CutSpace reads the space number at the front of a stored key and returns what
// follows it.
func CutSpace(key []byte) (Space, []byte, error) {
	switch {
	case len(key) >= 1 && key[0] < oneByteSpaces:
		return Space(key[0]), key[1:], nil
	case len(key) >= 3 && key[0] == twoByteMark:
		s := Space(binary.BigEndian.Uint16(key[1:]))
		if s >= oneByteSpaces {
			return s, key[3:], nil
		}
	case len(key) >= 5 && key[0] == fourByteMark:
		s := Space(binary.BigEndian.Uint32(key[1:]))
		if s > 0xFFFF {
			return s, key[5:], nil
		}
	}
	return 0, nil, ErrSpace
}

// PrefixEnd returns the first key beyond all keys that begin with prefix, or
// nil where there is none. The result shares no memory with prefix.
func PrefixEnd(prefix []byte) []byte { return AppendPrefixEnd(nil, prefix) }

// AppendPrefixEnd appends to dst the first key beyond all keys that begin with
// prefix, or nothing where there is none.
func AppendPrefixEnd(dst, prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xFF {
			dst = append(dst, prefix[:i+1]...)
			dst[len(dst)-1]++
			return dst
		}
	}
	return dst
}
