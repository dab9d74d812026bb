package format

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// ChecksumSize is the length of the checksum at the end of rows and entries.
const ChecksumSize = 4

// castagnoli is CRC-32C, RFC 3720 appendix B.4; amd64 and arm64 compute it in
// hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrVersion is returned for stored bytes that a newer version has written. They are not damaged.
var ErrVersion = errors.New("written by a newer version")

// ErrTampered is returned for stored bytes with a right checksum that the store has not written so.
var ErrTampered = errors.New("changed by somebody without the key")

// MaxRowHeader is the most bytes that come before the value of a row that is neither compressed nor
// encrypted: container, schema version and expiry.
const MaxRowHeader = 1 + binary.MaxVarintLen32 + 8

// Encryption takes NonceSize bytes before the value of a row and TagSize bytes behind it, beside the
// number of the key.
const (
	NonceSize = 24
	TagSize   = 16
	// EncryptionSize is the most bytes by which a row becomes longer.
	EncryptionSize = binary.MaxVarintLen32 + NonceSize + TagSize
)

// The bits of a container.
const (
	bitExpiry     = 1 << 0
	bitForeign    = 1 << 1
	bitCompressed = 1 << 2
	bitEncrypted  = 1 << 3
	knownBits     = bitExpiry | bitForeign | bitCompressed | bitEncrypted
)

// Header is what comes before a row's value.
type Header struct {
	// Schema is the version of the shape in which the value is written.
	Schema uint32
	// Foreign says that the value came from a peer whose model has other fields.
	Foreign bool
	// Dictionary is the number of the dictionary that the value is compressed with, zero if it is
	// not compressed.
	Dictionary uint32
	// Key is the number of the data key that the value is encrypted with, zero if it is not
	// encrypted.
	Key uint32
	// Expiry is unix time in nanoseconds, zero if the row does not expire.
	Expiry int64
}

// Row is a parsed row. Value shares the memory of the bytes it was read from.
type Row struct {
	Header
	// Value is what lies between header and checksum: of an encrypted row nonce, ciphertext and tag.
	Value []byte
	// At is the stored key of an encrypted row. It shares the memory of the key that ParseRow was
	// given.
	At []byte
	// Opened says that Value is as it was before it was compressed and encrypted.
	Opened bool
}

// AppendRowHeader appends the bytes before a row's value.
func AppendRowHeader(dst []byte, h Header) []byte {
	var container byte
	if h.Foreign {
		container = bitForeign
	}
	if h.Dictionary != 0 {
		container |= bitCompressed
	}
	if h.Key != 0 {
		container |= bitEncrypted
	}
	if h.Expiry != 0 {
		container |= bitExpiry
	}
	dst = binary.AppendUvarint(append(dst, container), uint64(h.Schema))
	if h.Expiry != 0 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(h.Expiry))
	}
	if h.Dictionary != 0 {
		dst = binary.AppendUvarint(dst, uint64(h.Dictionary))
	}
	if h.Key != 0 {
		dst = binary.AppendUvarint(dst, uint64(h.Key))
	}
	return dst
}

// AppendChecksum ends the stored bytes of a row or entry. Body is all of them and lies at key.
// AppendChecksum appends the checksum over both.
func AppendChecksum(body, key []byte) []byte {
	return binary.BigEndian.AppendUint32(body, checksum(key, body))
}

// Seal is AppendChecksum for callers whose body lies behind its key: keyAndBody is both, in one
// piece.
func Seal(keyAndBody []byte) []byte {
	return binary.BigEndian.AppendUint32(keyAndBody, crc32.Checksum(keyAndBody, castagnoli))
}

// ParseRow checks the row stored at key and takes it apart. Its errors match engine.ErrCorrupt, or
// ErrVersion for an intact row whose container has a bit that this version does not know.
func ParseRow(key, stored []byte) (Row, error) {
	body, err := CutChecksum(key, stored)
	if err != nil {
		return Row{}, err
	}
	if len(body) < 2 {
		return Row{}, fmt.Errorf("%w: row of %d bytes", engine.ErrCorrupt, len(stored))
	}
	container := body[0]
	if container&^knownBits != 0 {
		return Row{}, fmt.Errorf("%w: the row has container %#02x", ErrVersion, container)
	}
	var row Row
	row.Foreign = container&bitForeign != 0
	if row.Schema, row.Value, err = cutNumber(body[1:], "schema version"); err != nil {
		return Row{}, err
	}
	if container&bitExpiry != 0 {
		if len(row.Value) < 8 {
			return Row{}, fmt.Errorf("%w: row ends inside its expiry", engine.ErrCorrupt)
		}
		row.Expiry = int64(binary.BigEndian.Uint64(row.Value))
		row.Value = row.Value[8:]
		if row.Expiry == 0 {
			return Row{}, fmt.Errorf("%w: row has an expiry that says never", engine.ErrCorrupt)
		}
	}
	if container&bitCompressed != 0 {
		if row.Dictionary, row.Value, err = cutPositive(row.Value, "dictionary"); err != nil {
			return Row{}, err
		}
	}
	if container&bitEncrypted != 0 {
		if row.Key, row.Value, err = cutPositive(row.Value, "data key"); err != nil {
			return Row{}, err
		}
		if len(row.Value) < NonceSize+TagSize {
			return Row{}, fmt.Errorf("%w: row has %d encrypted bytes", engine.ErrCorrupt, len(row.Value))
		}
		row.At = key
	}
	return row, nil
}

// cutPositive is cutNumber of a number that is not zero.
func cutPositive(src []byte, what string) (number uint32, rest []byte, err error) {
	number, rest, err = cutNumber(src, what)
	if err == nil && number == 0 {
		err = fmt.Errorf("%w: row has %s 0", engine.ErrCorrupt, what)
	}
	return number, rest, err
}

// cutNumber reads the number at the front of src, in its shortest form.
func cutNumber(src []byte, what string) (number uint32, rest []byte, err error) {
	if len(src) > 0 && src[0] < 0x80 {
		return uint32(src[0]), src[1:], nil
	}
	long, n := binary.Uvarint(src)
	if n <= 0 || long > math.MaxUint32 || src[n-1] == 0 {
		return 0, nil, fmt.Errorf("%w: row has an invalid %s", engine.ErrCorrupt, what)
	}
	return uint32(long), src[n:], nil
}

// CutChecksum checks the checksum of the row or entry stored at key and returns the bytes
// before it. Its error matches engine.ErrCorrupt.
func CutChecksum(key, stored []byte) ([]byte, error) {
	n := len(stored) - ChecksumSize
	if n < 0 {
		return nil, fmt.Errorf("%w: %d bytes are too few for a checksum", engine.ErrCorrupt, len(stored))
	}
	if got, want := checksum(key, stored[:n]), binary.BigEndian.Uint32(stored[n:]); got != want {
		return nil, fmt.Errorf("%w: checksum is %08x, the bytes have %08x", engine.ErrCorrupt, want, got)
	}
	return stored[:n], nil
}

func checksum(key, body []byte) uint32 {
	sum := crc32.Update(0, castagnoli, key)
	if len(body) > 0 { // entries of most indexes have no body
		sum = crc32.Update(sum, castagnoli, body)
	}
	return sum
}
