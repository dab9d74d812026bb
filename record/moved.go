package record

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/models"
)

// Moved is references in Arrivals that rows which are filed do not need any more.
// Once the references are filed as well it is gone: it is for the process that comes
// after one that ended in between.
type Moved struct {
	// Number is one more than that of the one before.
	Number uint64
	// From are the minutes that offers of keys have left.
	From []MinuteKey
}

// MinuteKey is a minute, and the hash of a provided key.
type MinuteKey struct {
	Minute Minute
	Hash   uint64
}

// MovedRefs holds what offers have left.
var MovedRefs = models.NewTree("moved", models.Uint64, func(m *Moved) uint64 { return m.Number },
	models.WithCodec(models.Codec[Moved](movedCodec{})),
	models.WithKey(func(m *Moved, number uint64) { m.Number = number }))

// movedCodec writes of each minute the number in 4 bytes, and the hash in 8.
type movedCodec struct{}

const movedBytes = 12

func (movedCodec) Name() string { return "libp2p-moved" }

func (movedCodec) Fields() []models.Field { return nil }

func (movedCodec) Append(dst []byte, m *Moved) ([]byte, error) {
	for _, from := range m.From {
		dst = binary.BigEndian.AppendUint32(dst, uint32(from.Minute))
		dst = binary.BigEndian.AppendUint64(dst, from.Hash)
	}
	return dst, nil
}

func (movedCodec) Decode(src []byte, m *Moved) error {
	*m = Moved{}
	if len(src)%movedBytes != 0 {
		return fmt.Errorf("%w: minutes and hashes have %d bytes", models.ErrInvalid, len(src))
	}
	m.From = slices.Grow(m.From, len(src)/movedBytes)
	for ; len(src) > 0; src = src[movedBytes:] {
		m.From = append(m.From, MinuteKey{Minute(binary.BigEndian.Uint32(src)), binary.BigEndian.Uint64(src[4:])})
	}
	return nil
}
