package crypt

import (
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"sync"

	"github.com/newsnet-africa/netabase-go/internal/format"
)

// DataKey is a key that rows are encrypted with. All methods may be called concurrently.
type DataKey struct {
	// Number is that of docs/format.md.
	Number uint32
	aead   cipher.AEAD

	mu sync.Mutex
	// users is how many transactions write with the key.
	users int
	// unused is closed once the key has been replaced and has no users.
	unused   chan struct{}
	replaced bool
}

// NewDataKey returns a data key of KeySize bytes.
func NewDataKey(number uint32, key []byte) (*DataKey, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return &DataKey{Number: number, aead: aead, unused: make(chan struct{})}, nil
}

// begin counts a user, unless the key has been replaced.
func (k *DataKey) begin() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.replaced {
		return false
	}
	k.users++
	return true
}

// End takes back one Begin.
func (k *DataKey) End() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.users--
	k.closeUnused()
}

// replace has begin refuse. It returns a channel that is closed once there are no users.
func (k *DataKey) replace() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.replaced {
		k.replaced = true
		k.closeUnused()
	}
	return k.unused
}

func (k *DataKey) closeUnused() {
	if k.replaced && k.users == 0 {
		close(k.unused)
	}
}

// scratch holds the associated data of rows, and values that are encrypted in one of their forms
// only.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// maxScratch is how many bytes of a scratch are kept.
const maxScratch = 64 << 10

func putScratch(b *[]byte) {
	if cap(*b) <= maxScratch {
		scratch.Put(b)
	}
}

// nonceRoom stands where a nonce is to be.
var nonceRoom [format.NonceSize]byte

// AppendRow appends a row but for its checksum: the header, with the number of the key, and the
// encrypted value. At is the stored key of the row.
func (k *DataKey) AppendRow(dst, at []byte, h format.Header, value []byte) []byte {
	dst, start := k.BeginRow(dst, h)
	return k.EndRow(append(dst, value...), start, at, h)
}

// BeginRow appends what comes before the value of a row. The caller appends the value, and calls
// EndRow with start.
func (k *DataKey) BeginRow(dst []byte, h format.Header) (row []byte, start int) {
	h.Key = k.Number
	dst = format.AppendRowHeader(dst, h)
	return append(dst, nonceRoom[:]...), len(dst)
}

// EndRow encrypts the value of a row, which is all that follows the nonce at start.
func (k *DataKey) EndRow(dst []byte, start int, at []byte, h format.Header) []byte {
	h.Key = k.Number
	associated := scratch.Get().(*[]byte)
	*associated = format.AppendRowHeader(append((*associated)[:0], at...), h)
	nonce := dst[start : start+format.NonceSize]
	_, _ = rand.Read(nonce) // never fails
	sealed := k.aead.Seal(dst[:start+format.NonceSize], nonce, dst[start+format.NonceSize:], *associated)
	putScratch(associated)
	return sealed
}

// open appends the decrypted value of a row to dst.
func (k *DataKey) open(dst []byte, row format.Row) ([]byte, error) {
	associated := scratch.Get().(*[]byte)
	*associated = format.AppendRowHeader(append((*associated)[:0], row.At...), row.Header)
	value, err := k.aead.Open(dst, row.Value[:format.NonceSize], row.Value[format.NonceSize:], *associated)
	putScratch(associated)
	if err != nil {
		return nil, fmt.Errorf("%w: the row does not decrypt", format.ErrTampered)
	}
	return value, nil
}
