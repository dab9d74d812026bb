package session

import (
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// RowSize returns how many bytes the row of a value takes at most in the place.
func (p *Place) RowSize(value int) int {
	size := format.MaxRowHeader + value + format.ChecksumSize
	if p.Keys != nil {
		size += format.EncryptionSize
	}
	return size
}

// AppendRow appends the header and the value of a row that is to be stored at the key at in the
// place. It compresses the value if the tree is compressed, and encrypts it if the store is
// encrypted. The caller writes the row in the transaction of s. Without s, AppendRow uses no
// dictionary that is not in the store yet, and the caller ends with Current.
func (p *Place) AppendRow(s *Session, dst, at []byte, h format.Header, value []byte) ([]byte, error) {
	key := p.DataKey(s)
	if p.Compressor != nil {
		return p.Compressor.appendRow(s, key, dst, at, h, value)
	}
	return AppendRow(key, dst, at, h, value), nil
}

// Rewrite appends a row that is stored at the key at, as it is but for its expiry. It does not
// compress the value, and encrypts it anew.
func (p *Place) Rewrite(s *Session, dst, at []byte, row format.Row, expiry int64) ([]byte, error) {
	row, err := p.Keys.Decrypt(row)
	row.Expiry = expiry
	return AppendRow(p.DataKey(s), dst, at, row.Header, row.Value), err
}

// Decrypt returns a row that is encrypted and not compressed with its plain value, which is valid until
// Decrypt is called with s again. Other rows it returns as they are.
func (p *Place) Decrypt(s *Session, row format.Row) (format.Row, error) {
	if row.Key == 0 || row.Dictionary != 0 || row.Opened {
		return row, nil
	}
	value, err := p.Keys.Open(s.plain[:0], row)
	if err != nil {
		return row, err
	}
	if cap(value) <= maxRoom {
		s.plain = value
	}
	row.Key, row.At, row.Value, row.Opened = 0, nil, value, true
	return row, nil
}

// DataKey returns the key that encrypts rows, nil in a store that is not encrypted. It remains the
// one to use as long as the transaction of s lasts. Without s another one may come to be.
func (p *Place) DataKey(s *Session) *crypt.DataKey {
	switch {
	case p.Keys == nil:
		return nil
	case s == nil:
		return p.Keys.Current()
	}
	return s.DataKey()
}

// BeginRow appends what comes before the value of a row. The caller appends the value, and calls
// EndRow with start and the same key, which is that of DataKey.
func BeginRow(key *crypt.DataKey, dst []byte, h format.Header) (row []byte, start int) {
	if key == nil {
		return format.AppendRowHeader(dst, h), 0
	}
	return key.BeginRow(dst, h)
}

// EndRow completes the row that is to be stored at the key at, but for its checksum.
func EndRow(key *crypt.DataKey, row []byte, start int, at []byte, h format.Header) []byte {
	if key == nil {
		return row
	}
	return key.EndRow(row, start, at, h)
}

// AppendRow appends a row that is to be stored at the key at, but for its checksum. A nil key does not
// encrypt it.
func AppendRow(key *crypt.DataKey, dst, at []byte, h format.Header, value []byte) []byte {
	dst, start := BeginRow(key, dst, h)
	return EndRow(key, append(dst, value...), start, at, h)
}
