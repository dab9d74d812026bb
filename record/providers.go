package record

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
)

// Provider says that a peer has offered, at some time, to serve what a key
// names.
type Provider struct {
	// Key is the multihash of the content provided.
	Key []byte
	Offer
}

// Offer is what a provider record says of one peer.
type Offer struct {
	// Peer is the provider.
	Peer peer.ID
	// Received is the time at which kad-dht took the offer, zero where Raw is
	// not a time.
	Received time.Time
	// Raw is what kad-dht has put, byte for byte.
	Raw []byte
}

// ProviderSet is a row of provider records: those of one key, all of them as
// long as they are few. What shard 0 has no room for lies in the other shards, by
// the number of the peer.
type ProviderSet struct {
	// Hash is the key's, as the store hashes keys.
	Hash  uint64
	Shard uint8
	// Key is the multihash of the content provided.
	Key []byte
	// Beyond is how many offers the other shards have; only shard 0 has it.
	Beyond uint64
	// Offers are in the order of the peers' numbers.
	Offers []FiledOffer
}

// FiledOffer is an offer as a row has it.
type FiledOffer struct {
	// Peer is the number of the provider in Peers.
	Peer PeerNumber
	// Nanos is the time at which kad-dht took the offer, in nanoseconds since
	// 1970, where Raw is nil. Otherwise Raw is what was put, which is no time.
	Nanos int64
	Raw   []byte
}

// A row is read to answer for its key and written for every offer, so that it
// should be neither many rows nor long. Content has a few providers, of some 10
// bytes each.
const (
	// shardOffers and shardBytes are how many offers shard 0 takes, and of what
	// size.
	shardOffers = 32
	shardBytes  = 4 << 10
	// shards is how many others there are.
	shards = 255
)

// shardOf returns the shard, 1 to 255, of what shard 0 has no room for.
func shardOf(p PeerNumber) uint8 { return uint8(p%shards) + 1 }

// find returns where the offer of p is, or belongs.
func (s *ProviderSet) find(p PeerNumber) (int, bool) {
	return slices.BinarySearchFunc(s.Offers, p, func(o FiledOffer, p PeerNumber) int { return cmp.Compare(o.Peer, p) })
}

// hasRoom reports whether shard 0 takes another offer.
func (s *ProviderSet) hasRoom(o *FiledOffer) bool {
	size := len(o.Raw)
	for i := range s.Offers {
		size += len(s.Offers[i].Raw)
	}
	return len(s.Offers) < shardOffers && size <= shardBytes
}

// isEmpty reports whether the row is to go.
func (s *ProviderSet) isEmpty() bool { return len(s.Offers) == 0 && s.Beyond == 0 }

// fileOffer is the offer that what kad-dht has put stands for. It keeps raw only
// where that is no time.
func fileOffer(p PeerNumber, raw string) FiledOffer {
	if nanos, ok := parseNanos(raw); ok {
		return FiledOffer{Peer: p, Nanos: nanos}
	}
	return FiledOffer{Peer: p, Raw: []byte(raw)}
}

// size returns the length of what kad-dht has put.
func (o *FiledOffer) size() int {
	if o.Raw != nil {
		return len(o.Raw)
	}
	return uvarintSize(uint64(o.Nanos)<<1 ^ uint64(o.Nanos>>63))
}

// appendRaw appends what kad-dht has put.
func (o *FiledOffer) appendRaw(dst []byte) []byte {
	if o.Raw != nil {
		return append(dst, o.Raw...)
	}
	return binary.AppendVarint(dst, o.Nanos)
}

// show is the offer as others see it.
func (o *FiledOffer) show(id peer.ID) Offer { return Offer{id, o.received(), o.appendRaw(nil)} }

// received is the time at which kad-dht took the offer, or zero.
func (o *FiledOffer) received() time.Time {
	if o.Raw != nil {
		return time.Time{}
	}
	return time.Unix(0, o.Nanos).UTC()
}

// Minute is the number of a minute since 1970, from 1 on: 0 is of what has no
// time.
type Minute uint32

// minute is the one in which kad-dht took the offer.
func (o *FiledOffer) minute() Minute {
	if o.Raw != nil {
		return 0
	}
	return minuteOfNanos(o.Nanos)
}

func minuteOfNanos(nanos int64) Minute { return Minute(max(nanos/int64(time.Minute), 1)) }

// minuteOf returns the minute of a time, 0 for the zero time.
func minuteOf(t time.Time) Minute {
	switch seconds := t.Unix(); {
	case t.IsZero():
		return 0
	case seconds >= math.MaxInt64/int64(time.Second):
		return minuteOfNanos(math.MaxInt64)
	case seconds < 60:
		return 1
	}
	return minuteOfNanos(t.UnixNano())
}

// end is the instant by which the minute is over.
func (m Minute) end() time.Time { return time.Unix(int64(m+1)*60, 0).UTC() }

// ProviderKey is the primary key of a ProviderSet: its Hash, then its Shard.
type ProviderKey = models.Pair[uint64, uint8]

// Providers holds the provider records, by the hash of their key.
var Providers = models.NewTree("provider", models.PairOf(models.Uint64, models.UintOf[uint8]()),
	func(s *ProviderSet) ProviderKey { return models.MakePair(s.Hash, s.Shard) },
	models.WithCodec(models.Codec[ProviderSet](providerCodec{})),
	models.WithKey(func(s *ProviderSet, key ProviderKey) { s.Hash, s.Shard = key.First, key.Second }))

// providerCodec writes the length of the key and the key, Beyond, and if there are
// offers the earliest time as a zigzag varint. Then come of each offer how much its
// number is more than the one before, and twice by how many nanoseconds it is later
// than the earliest; or, where it has no time, twice the length of what was put and
// one, and that. All numbers but the earliest time are varints.
type providerCodec struct{}

func (providerCodec) Name() string { return "libp2p-providers" }

func (providerCodec) Fields() []models.Field { return nil }

func (providerCodec) Append(dst []byte, s *ProviderSet) ([]byte, error) {
	dst = append(binary.AppendUvarint(dst, uint64(len(s.Key))), s.Key...)
	dst = binary.AppendUvarint(dst, s.Beyond)
	if len(s.Offers) == 0 {
		return dst, nil
	}
	first := int64(math.MaxInt64)
	for i := range s.Offers {
		if o := &s.Offers[i]; o.Raw == nil {
			first = min(first, o.Nanos)
		}
	}
	dst = binary.AppendVarint(dst, first)
	before := PeerNumber(0)
	for i := range s.Offers {
		o := &s.Offers[i]
		dst = binary.AppendUvarint(dst, uint64(o.Peer-before))
		before = o.Peer
		switch later := uint64(o.Nanos) - uint64(first); {
		case o.Raw != nil:
			dst = append(binary.AppendUvarint(dst, uint64(len(o.Raw))<<1|1), o.Raw...)
		case later >= 1<<63: // times centuries apart
			raw := o.appendRaw(nil)
			dst = append(binary.AppendUvarint(dst, uint64(len(raw))<<1|1), raw...)
		default:
			dst = binary.AppendUvarint(dst, later<<1)
		}
	}
	return dst, nil
}

func (providerCodec) Decode(src []byte, s *ProviderSet) error {
	var err error
	*s, err = parseSet(bytes.Clone(src), s.Offers)
	return err
}

// parseSet is Decode of a row whose bytes the set may keep. The offers are in the
// memory of room as far as that reaches.
func parseSet(row []byte, room []FiledOffer) (s ProviderSet, err error) {
	s.Offers = room[:0]
	key, ok := cutText(&row)
	if ok {
		s.Key = key[:len(key):len(key)]
		s.Beyond, ok = cutNumber(&row)
	}
	if !ok {
		return s, fmt.Errorf("%w: providers have no key or no count", models.ErrInvalid)
	}
	if len(row) == 0 {
		return s, nil
	}
	n, ok := cutNumber(&row)
	first := zigzag(n)
	if s.Offers == nil {
		s.Offers = make([]FiledOffer, 0, min(shardOffers, len(row)/4+1)) // they have six bytes or more
	}
	for number := uint64(0); ok && len(row) > 0; {
		more, valid := cutNumber(&row)
		what, valid2 := cutNumber(&row)
		number += more
		ok = valid && valid2 && more <= math.MaxUint32 && number <= math.MaxUint32 && (more > 0 || len(s.Offers) == 0)
		s.Offers = withRoom(s.Offers, 1+len(row)/2)
		switch {
		case !ok:
		case what&1 == 0:
			s.Offers = append(s.Offers, FiledOffer{Peer: PeerNumber(number), Nanos: int64(uint64(first) + what>>1)})
		case what>>1 <= uint64(len(row)):
			s.Offers = append(s.Offers, fileOffer(PeerNumber(number), string(row[:what>>1])))
			row = row[what>>1:]
		default:
			ok = false
		}
	}
	if !ok {
		return s, fmt.Errorf("%w: provider %d is damaged", models.ErrInvalid, len(s.Offers))
	}
	return s, nil
}

// withRoom returns a list with room for one more element: where there is none, for
// as many as there can be, so that growing does not take several times that.
func withRoom[E any](list []E, most int) []E {
	if len(list) < cap(list) {
		return list
	}
	return append(make([]E, 0, len(list)+most), list...)
}

// parseNanos reads a time as kad-dht writes it, if raw is one.
func parseNanos(raw string) (nanos int64, ok bool) {
	rest := raw
	n, ok := cutNumber(&rest)
	return zigzag(n), ok && rest == "" && len(raw) == uvarintSize(n)
}

// parseProviderTime returns the zero time for what is no time.
func parseProviderTime(raw []byte) time.Time {
	nanos, ok := parseNanos(string(raw))
	if !ok {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
