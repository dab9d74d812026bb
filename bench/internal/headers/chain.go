package headers

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/celestiaorg/go-header"
)

// bodyBytes is the size of a header without its height and the hash of the one before.
const bodyBytes = 1000

// Header is a header of a chain, which costs little to encode, decode and hash.
type Header struct {
	height   uint64
	previous header.Hash
	body     []byte
	hash     header.Hash
}

var _ header.Header[*Header] = (*Header)(nil)

// Chain returns headers from height 1 on, the same ones each time.
func Chain(n int) []*Header {
	random := rand.NewChaCha8([32]byte{})
	headers := make([]*Header, n)
	previous := make(header.Hash, sha256.Size)
	for i := range headers {
		h := &Header{height: uint64(i + 1), previous: previous, body: make([]byte, bodyBytes)}
		random.Read(h.body) // never fails
		previous = h.Hash()
		headers[i] = h
	}
	return headers
}

func (h *Header) New() *Header            { return new(Header) }
func (h *Header) IsZero() bool            { return h == nil }
func (h *Header) ChainID() string         { return "bench" }
func (h *Header) Height() uint64          { return h.height }
func (h *Header) LastHeader() header.Hash { return h.previous }
func (h *Header) Time() time.Time         { return time.Unix(int64(h.height), 0) }
func (h *Header) Verify(*Header) error    { return nil }
func (h *Header) Validate() error         { return nil }
func (h *Header) MarshalBinary() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(h.previous)+len(h.body)), h.height)
	return append(append(b, h.previous...), h.body...), nil
}

func (h *Header) UnmarshalBinary(data []byte) error {
	if len(data) < 8+sha256.Size {
		return errors.New("the header is cut")
	}
	h.height = binary.BigEndian.Uint64(data)
	h.previous = bytes.Clone(data[8 : 8+sha256.Size])
	h.body = bytes.Clone(data[8+sha256.Size:])
	sum := sha256.Sum256(data)
	h.hash = sum[:]
	return nil
}

// Hash is not called at once by several goroutines before it is known: Chain and UnmarshalBinary
// call it first.
func (h *Header) Hash() header.Hash {
	if h.hash == nil {
		data, _ := h.MarshalBinary() // never fails
		sum := sha256.Sum256(data)
		h.hash = sum[:]
	}
	return h.hash
}
