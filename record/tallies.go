package record

import (
	"encoding/binary"
	"fmt"

	"github.com/newsnet-africa/netabase-go/models"
)

// Tally is how much there is of something that Options bound. It is written in
// the transaction that changes what it counts.
type Tally struct {
	Of TallyOf
	// Name is the key or the peer id, or for a total the number of its part.
	Name []byte
	// Rows and Bytes count rows, and the bytes of their keys and values. Those
	// of a part of a total may be negative.
	Rows, Bytes int64
}

// TallyOf says what a Tally counts.
type TallyOf uint8

const (
	// OfKey counts the provider records of a key, OfPeer those of a peer.
	OfKey  TallyOf = 1
	OfPeer TallyOf = 2
	// AllProviders counts all provider records, and AllRecords the records that
	// came from the DHT and are not of the program's own rows. Each is the sum
	// of several parts, so that concurrent writers do not meet in one row.
	AllProviders TallyOf = 3
	AllRecords   TallyOf = 4
)

// TallyKey is the primary key of a Tally: what it is Of, then its Name.
type TallyKey = models.Pair[TallyOf, []byte]

// Tallies holds the tallies. One that would be zero is not there.
var Tallies = models.NewTree("tally", models.PairOf(models.UintOf[TallyOf](), models.Bytes),
	func(t *Tally) TallyKey { return models.MakePair(t.Of, t.Name) },
	models.WithCodec(models.Codec[Tally](tallyCodec{})),
	models.WithKey(func(t *Tally, key TallyKey) { t.Of, t.Name = key.First, key.Second }))

// tallyCodec writes rows and bytes as zigzag varints. What they count is in the
// row's key alone.
type tallyCodec struct{}

func (tallyCodec) Name() string { return "libp2p-tally" }

func (tallyCodec) Fields() []models.Field { return nil }

func (tallyCodec) Append(dst []byte, t *Tally) ([]byte, error) {
	return binary.AppendVarint(binary.AppendVarint(dst, t.Rows), t.Bytes), nil
}

func (tallyCodec) Decode(src []byte, t *Tally) error {
	*t = Tally{}
	rows, n := binary.Varint(src)
	if n <= 0 {
		return fmt.Errorf("%w: tally of %d bytes", models.ErrInvalid, len(src))
	}
	bytes, m := binary.Varint(src[n:])
	if m <= 0 || n+m != len(src) {
		return fmt.Errorf("%w: tally of %d bytes", models.ErrInvalid, len(src))
	}
	t.Rows, t.Bytes = rows, bytes
	return nil
}
