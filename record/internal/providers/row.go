package providers

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// row has the provider records of one key: all of them while they are few. Records without room
// in shard 0 lie in the other shards, by the number of the peer.
type row struct {
	// Hash is the store's hash of the key.
	Hash  uint64
	Shard uint8
	// Key is the multihash of the content.
	Key []byte
	// Beyond is how many records the other shards have; only shard 0 has it.
	Beyond uint64
	// Providers are in the order of the peers' numbers.
	Providers []provider
}

// The row is read for every lookup and written for every record. So it should be short, and one
// row if possible. Content has a few providers of some 10 bytes each.
const (
	// shardRecords is how many records shard 0 takes, shardBytes how many bytes they may have.
	shardRecords = 32
	shardBytes   = 4 << 10
	// shards is how many other shards there are.
	shards = 255
)

// shardOf returns the shard, 1 to 255, of a peer that has no room in shard 0.
func shardOf(p peerNumber) uint8 { return uint8(p%shards) + 1 }

// find returns the index at which the record of p is, or belongs.
func (r *row) find(p peerNumber) (int, bool) {
	return slices.BinarySearchFunc(r.Providers, p, func(have provider, p peerNumber) int {
		return cmp.Compare(have.Peer, p)
	})
}

// hasRoom reports whether shard 0 takes another record.
func (r *row) hasRoom(p *provider) bool {
	size := len(p.Raw)
	for i := range r.Providers {
		size += len(r.Providers[i].Raw)
	}
	return len(r.Providers) < shardRecords && size <= shardBytes
}

// isEmpty reports whether the row holds nothing and should be deleted.
func (r *row) isEmpty() bool { return len(r.Providers) == 0 && r.Beyond == 0 }

// rowKey is the primary key of a row: its Hash, then its Shard.
type rowKey = models.Pair[uint64, uint8]

// rows holds the provider records, by the hash of their key.
var rows = models.NewTree("provider", models.PairOf(models.Uint64, models.UintOf[uint8]()),
	func(s *row) rowKey { return models.MakePair(s.Hash, s.Shard) },
	models.WithCodec(versioned.Of[row](rowCodec{})),
	models.WithKey(func(s *row, key rowKey) { s.Hash, s.Shard = key.First, key.Second }))

// rowCodec writes the length of the key, the key, and Beyond. If there are records, the
// earliest time follows, as a zigzag varint. For each record it writes the difference of its
// peer's number from the one before. Then it writes twice the nanoseconds since the earliest
// time. A record without a time has one more than twice the length of Raw there, followed by
// Raw. All numbers except the earliest time are varints.
type rowCodec struct{}

func (rowCodec) Name() string { return "libp2p-providers" }

func (rowCodec) Fields() []models.Field { return nil }

func (rowCodec) Append(dst []byte, r *row) ([]byte, error) {
	dst = append(binary.AppendUvarint(dst, uint64(len(r.Key))), r.Key...)
	dst = binary.AppendUvarint(dst, r.Beyond)
	if len(r.Providers) == 0 {
		return dst, nil
	}
	first := int64(math.MaxInt64)
	for i := range r.Providers {
		if p := &r.Providers[i]; p.Raw == nil {
			first = min(first, p.Nanos)
		}
	}
	dst = binary.AppendVarint(dst, first)
	before := peerNumber(0)
	for i := range r.Providers {
		p := &r.Providers[i]
		dst = binary.AppendUvarint(dst, uint64(p.Peer-before))
		before = p.Peer
		switch later := uint64(p.Nanos) - uint64(first); {
		case p.Raw != nil:
			dst = append(binary.AppendUvarint(dst, uint64(len(p.Raw))<<1|1), p.Raw...)
		case later >= 1<<63: // the times are centuries apart
			raw := p.appendRaw(nil)
			dst = append(binary.AppendUvarint(dst, uint64(len(raw))<<1|1), raw...)
		default:
			dst = binary.AppendUvarint(dst, later<<1)
		}
	}
	return dst, nil
}

func (rowCodec) Decode(src []byte, r *row) error {
	var err error
	*r, err = parseRow(bytes.Clone(src), r.Providers)
	return err
}

// parseRow is Decode of bytes that the row may keep. Its Providers use the memory of room as
// far as that is large enough.
func parseRow(data []byte, room []provider) (r row, err error) {
	r.Providers = room[:0]
	key, ok := cutText(&data)
	if ok {
		r.Key = key[:len(key):len(key)]
		r.Beyond, ok = cutNumber(&data)
	}
	if !ok {
		return r, fmt.Errorf("%w: providers have no key or no count", models.ErrInvalid)
	}
	if len(data) == 0 {
		return r, nil
	}
	n, ok := cutNumber(&data)
	first := zigzag(n)
	if r.Providers == nil {
		r.Providers = make([]provider, 0, min(shardRecords, len(data)/4+1)) // each has six bytes or more
	}
	for number := uint64(0); ok && len(data) > 0; {
		more, valid := cutNumber(&data)
		what, valid2 := cutNumber(&data)
		number += more
		ok = valid && valid2 && more <= math.MaxUint32 && number <= math.MaxUint32 &&
			(more > 0 || len(r.Providers) == 0) && (what&1 == 0 || what>>1 <= uint64(len(data)))
		if !ok {
			break
		}
		r.Providers = withRoom(r.Providers, 1+len(data)/2)
		if what&1 == 0 {
			r.Providers = append(r.Providers, provider{Peer: peerNumber(number), Nanos: int64(uint64(first) + what>>1)})
		} else {
			r.Providers = append(r.Providers, newProvider(peerNumber(number), string(data[:what>>1])))
			data = data[what>>1:]
		}
	}
	if !ok {
		return r, fmt.Errorf("%w: provider %d is damaged", models.ErrInvalid, len(r.Providers))
	}
	return r, nil
}

// withRoom returns the list with room for one more element. A full list gets room for the most
// elements a row can have, so that it grows only once.
func withRoom[E any](list []E, most int) []E {
	if len(list) < cap(list) {
		return list
	}
	return append(make([]E, 0, len(list)+most), list...)
}
