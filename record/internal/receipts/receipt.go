// Package receipts keeps the state in the DHT of each row that is a record.
package receipts

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Receipt is the state in the DHT of a row of a registered model. It is valid only for the row
// it was written for. If the program has changed the row since, the row belongs to the program
// and is not in the DHT.
type Receipt struct {
	// Tree is the full name of the row's tree, Key its encoded primary key.
	Tree string
	Key  []byte
	// Origin says where the record comes from.
	Origin Origin
	// Received is when the record last came or was published.
	Received time.Time
	// Hash is the SHA-256 of the row's value.
	Hash [sha256.Size]byte
	// Size is the length of the record's value and of More.
	Size uint64
	// More has the fields of the record besides key, value and time of receipt, as they came. A
	// record that this peer has published has none.
	More []byte
}

// TTL is how long the publisher wants the record kept after it came, 0 if it does not say.
func (r *Receipt) TTL() time.Duration {
	if len(r.More) == 0 {
		return 0
	}
	fields, _ := wire.Parse(r.More)
	return fields.TTL
}

// Counted is how many bytes of Bounds.Bytes the record of a row takes.
func (r *Receipt) Counted() int { return len(r.Key) + int(r.Size) }

// Origin says where the record of a row comes from. It decides what happens to both when
// kad-dht drops the record.
type Origin uint8

const (
	// Stranger is a record that came from the DHT. Its row is deleted with it, unless the
	// program changes or publishes the row. If the program puts an equal row, nobody notices.
	Stranger Origin = 1
	// Kept is a record from the DHT under a key whose row the program had put. The row stays.
	Kept Origin = 2
	// Published is a record that this peer has published. When kad-dht drops it, the row stays,
	// and the receipt becomes Withdrawn.
	Published Origin = 3
	// Withdrawn is a record of this peer that has expired here, or that kad-dht has dropped. It
	// is not served until Republish publishes it again or it comes from the DHT. Then it is
	// Published again.
	Withdrawn Origin = 4
	// Changed is a record of this peer whose row the program has changed since. Republish
	// publishes the changed row.
	Changed Origin = 5
)

// Last is the last of the origins.
const Last = Changed

// IsOwn reports whether this peer has published the record.
func (o Origin) IsOwn() bool { return o == Published || o == Withdrawn || o == Changed }

func (o Origin) String() string {
	switch o {
	case Stranger:
		return "stranger"
	case Kept:
		return "kept"
	case Published:
		return "published"
	case Withdrawn:
		return "withdrawn"
	case Changed:
		return "changed"
	}
	return fmt.Sprintf("origin(%d)", uint8(o))
}

// Key is the primary key of a Receipt: its Tree, then its Key.
type Key = models.Pair[string, []byte]

// Tree holds the receipts of all registered models. models.FirstIs with a tree's name selects
// the receipts of one tree.
var Tree = models.NewTree("receipt", models.PairOf(models.String, models.Bytes),
	func(r *Receipt) Key { return models.MakePair(r.Tree, r.Key) },
	models.WithCodec(versioned.Of[Receipt](receiptCodec{})),
	models.WithKey(func(r *Receipt, key Key) { r.Tree, r.Key = key.First, key.Second }))

// ByOrigin finds receipts by origin, and those of the same origin by their time of arrival, the
// oldest first.
var ByOrigin = models.NewIndex(Tree, "origin", models.PairOf(models.UintOf[Origin](), models.Time),
	func(r *Receipt) models.Pair[Origin, time.Time] { return models.MakePair(r.Origin, r.Received) })

// ByExpiry finds the receipts of records with a TTL by the time at which the TTL ends.
var ByExpiry = models.NewIndex(Tree, "expires", models.Time,
	func(r *Receipt) time.Time { return r.Received.Add(r.TTL()) },
	models.Where(func(r *Receipt) bool { return r.TTL() > 0 }))

// receiptCodec writes the origin in one byte, the hash, the seconds since 1970 as a zigzag
// varint, nanoseconds and size as varints, and More. Tree and key are in the row's key alone. Each
// record of a model has a receipt, and the codec makes it half as large as a map with named
// fields.
type receiptCodec struct{}

func (receiptCodec) Name() string { return "libp2p-receipt" }

func (receiptCodec) Fields() []models.Field { return nil }

func (receiptCodec) Append(dst []byte, r *Receipt) ([]byte, error) {
	dst = append(append(dst, byte(r.Origin)), r.Hash[:]...)
	dst = binary.AppendVarint(dst, r.Received.Unix())
	dst = binary.AppendUvarint(dst, uint64(r.Received.Nanosecond()))
	return append(binary.AppendUvarint(dst, r.Size), r.More...), nil
}

func (receiptCodec) Decode(src []byte, r *Receipt) error {
	*r = Receipt{}
	if len(src) < 1+len(r.Hash) {
		return fmt.Errorf("%w: receipt of %d bytes", models.ErrInvalid, len(src))
	}
	r.Origin = Origin(src[0])
	rest := src[1+copy(r.Hash[:], src[1:]):]
	seconds, n := binary.Varint(rest)
	if n <= 0 {
		return fmt.Errorf("%w: receipt has no valid time", models.ErrInvalid)
	}
	rest = rest[n:]
	nanoseconds, n := binary.Uvarint(rest)
	if n <= 0 || nanoseconds >= uint64(time.Second) {
		return fmt.Errorf("%w: receipt has no valid time", models.ErrInvalid)
	}
	r.Received = time.Unix(seconds, int64(nanoseconds)).UTC()
	rest = rest[n:]
	r.Size, n = binary.Uvarint(rest)
	if n <= 0 || !bytes.Equal(binary.AppendUvarint(nil, r.Size), rest[:n]) {
		return fmt.Errorf("%w: receipt has no valid size", models.ErrInvalid)
	}
	if rest = rest[n:]; len(rest) > 0 {
		r.More = bytes.Clone(rest)
	}
	return nil
}
