package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
)

// Hash is the SHA-256 of a value (FIPS 180-4). It is the primary key of a row in an
// immutable tree.
type Hash [sha256.Size]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// HashKey is the codec of keys that are hashes. It writes the 32 bytes of the hash. The
// text of a key is lower-case hex.
var HashKey models.KeyCodec[Hash] = hashKey{}

type hashKey struct{}

func (hashKey) Name() string { return policy.HashKey }

func (hashKey) Append(dst []byte, h Hash) []byte { return append(dst, h[:]...) }

func (k hashKey) Decode(src []byte) (h Hash, rest []byte, err error) {
	if len(src) < len(h) {
		return h, nil, fmt.Errorf("%w: %s key: %d bytes, not %d", models.ErrInvalid, k.Name(), len(src), len(h))
	}
	return Hash(src), src[len(h):], nil
}

func (k hashKey) AppendLast(dst []byte, h Hash) []byte { return k.Append(dst, h) }

func (k hashKey) DecodeLast(src []byte) (Hash, error) {
	h, rest, err := k.Decode(src)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %s key: %d bytes, not %d", models.ErrInvalid, k.Name(), len(src), len(h))
	}
	return h, err
}

func (hashKey) AppendText(dst []byte, h Hash) []byte { return hex.AppendEncode(dst, h[:]) }

func (hashKey) Format(h Hash) string { return h.String() }

func (k hashKey) Parse(text string) (Hash, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return Hash{}, fmt.Errorf("%w: %s key: %w", models.ErrInvalid, k.Name(), err)
	}
	return k.DecodeLast(b)
}

func (k hashKey) ParseText(text string) (h Hash, err error) {
	b, err := parseHex(k.Name(), text)
	if err != nil {
		return h, err
	}
	return k.DecodeLast(b)
}

// Identify gives m the primary key that it must have in an immutable tree: the hash of
// its value. t needs [models.WithKey], and a codec that leaves the key out of values:
// with the codecs of this module, the key is a field with the tag `cbor:"-"`. If m
// changes afterwards, it is another row and needs another key.
func Identify[M any](t *models.Tree[M, Hash], m *M) error {
	_, value, err := t.Encode(m)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(value)
	identified, err := t.Decode(hash[:], value)
	if err == nil {
		*m = identified
	}
	return err
}
