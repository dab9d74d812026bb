package format

import (
	"encoding/binary"
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

// MaxRowHeader is the most bytes that come before a row's value: flags, schema
// version and expiry.
const MaxRowHeader = 1 + binary.MaxVarintLen32 + 8

const (
	flagExpiry = 1 << 0
	knownFlags = flagExpiry
)

// Row is a parsed row. Value shares the memory of the bytes it was read from.
type Row struct {
	Schema uint32
	// Expiry is unix time in nanoseconds, zero if the row does not expire.
	Expiry int64
	Value  []byte
}

// AppendRowHeader appends the bytes before a row's value. An expiry of zero means that the row
// does not expire.
func AppendRowHeader(dst []byte, schema uint32, expiry int64) []byte {
	if expiry == 0 {
		return binary.AppendUvarint(append(dst, 0), uint64(schema))
	}
	dst = binary.AppendUvarint(append(dst, flagExpiry), uint64(schema))
	return binary.BigEndian.AppendUint64(dst, uint64(expiry))
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

// ParseRow checks the row stored at key and takes it apart. Its errors match engine.ErrCorrupt.
func ParseRow(key, stored []byte) (Row, error) {
	body, err := CutChecksum(key, stored)
	if err != nil {
		return Row{}, err
	}
	if len(body) < 2 {
		return Row{}, fmt.Errorf("%w: row of %d bytes", engine.ErrCorrupt, len(stored))
	}
	flags := body[0]
	if flags&^knownFlags != 0 {
		return Row{}, fmt.Errorf("%w: row container %#02x is not known to this version", engine.ErrCorrupt, flags)
	}
	row := Row{Value: body[2:]}
	if body[1] < 0x80 {
		row.Schema = uint32(body[1])
	} else {
		schema, n := binary.Uvarint(body[1:])
		if n <= 0 || schema > math.MaxUint32 || body[n] == 0 {
			return Row{}, fmt.Errorf("%w: row has an invalid schema version", engine.ErrCorrupt)
		}
		row.Schema, row.Value = uint32(schema), body[1+n:]
	}
	if flags&flagExpiry != 0 {
		if len(row.Value) < 8 {
			return Row{}, fmt.Errorf("%w: row ends inside its expiry", engine.ErrCorrupt)
		}
		row.Expiry = int64(binary.BigEndian.Uint64(row.Value))
		row.Value = row.Value[8:]
		if row.Expiry == 0 {
			return Row{}, fmt.Errorf("%w: row has an expiry that says never", engine.ErrCorrupt)
		}
	}
	return row, nil
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
