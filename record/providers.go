package record

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/fnv"
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

// size is what an offer of a key counts for Bounds.Bytes.
func (o *Offer) size(key []byte) int { return len(key) + len(o.Peer) + len(o.Raw) }

// ProviderSet is a row of provider records: those of one key, all of them as
// long as they are few. What shard 0 has no room for lies in the other shards, by
// the peer id.
type ProviderSet struct {
	// Key is the multihash of the content provided.
	Key   []byte
	Shard uint8
	// Beyond is how many offers the other shards have; only shard 0 has it.
	Beyond uint64
	// Offers are in the order of the peer ids.
	Offers []Offer
}

// A row is read to answer for its key and written for every offer, so that it
// should be neither many rows nor long. Content has a few providers, of some 50
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
func shardOf(p peer.ID) uint8 {
	h := fnv.New32a()
	h.Write([]byte(p))
	return uint8(h.Sum32()%shards) + 1
}

// find returns where the offer of p is, or belongs.
func (s *ProviderSet) find(p peer.ID) (int, bool) {
	return slices.BinarySearchFunc(s.Offers, p, func(o Offer, p peer.ID) int { return cmp.Compare(o.Peer, p) })
}

// hasRoom reports whether shard 0 takes another offer.
func (s *ProviderSet) hasRoom(o *Offer) bool {
	size := o.size(nil)
	for i := range s.Offers {
		size += s.Offers[i].size(nil)
	}
	return len(s.Offers) < shardOffers && size <= shardBytes
}

// isEmpty reports whether the row is to go.
func (s *ProviderSet) isEmpty() bool { return len(s.Offers) == 0 && s.Beyond == 0 }

// ProviderKey is the primary key of a ProviderSet: its Key, then its Shard.
type ProviderKey = models.Pair[[]byte, uint8]

var (
	peerCodec        = models.StringOf[peer.ID]()
	providerKeyCodec = models.PairOf(models.Bytes, models.UintOf[uint8]())
)

// Providers holds the provider records, by key.
var Providers = models.NewTree("provider", providerKeyCodec,
	func(s *ProviderSet) ProviderKey { return models.MakePair(s.Key, s.Shard) },
	models.WithCodec(models.Codec[ProviderSet](providerCodec{})),
	models.WithKey(func(s *ProviderSet, key ProviderKey) { s.Key, s.Shard = key.First, key.Second }))

var (
	// ProviderByPeer finds the keys that a peer provides.
	ProviderByPeer = models.NewMulti(Providers, "peer", peerCodec, func(s *ProviderSet) []peer.ID {
		peers := make([]peer.ID, len(s.Offers))
		for i := range s.Offers {
			peers[i] = s.Offers[i].Peer
		}
		return peers
	})
	// ProviderByReceived finds the keys of which offers came in a minute, the
	// oldest first. What expires in days needs no more, and offers of one key
	// that come together share an entry.
	ProviderByReceived = models.NewMulti(Providers, "received", models.Time, func(s *ProviderSet) []time.Time {
		minutes := make([]time.Time, 0, len(s.Offers))
		for i := range s.Offers {
			if m := minuteOf(s.Offers[i].Received); !slices.Contains(minutes, m) {
				minutes = append(minutes, m)
			}
		}
		return minutes
	})
)

// minuteOf returns the minute of a time of receipt.
func minuteOf(t time.Time) time.Time { return t.Truncate(time.Minute) }

// providerCodec writes Beyond, and of each offer the length of the peer id, the
// peer id, the length of what kad-dht has put, and that as it is: the time in
// nanoseconds since 1970 as a zigzag varint. All numbers are varints.
type providerCodec struct{}

func (providerCodec) Name() string { return "libp2p-providers" }

func (providerCodec) Fields() []models.Field { return nil }

func (providerCodec) Append(dst []byte, s *ProviderSet) ([]byte, error) {
	dst = binary.AppendUvarint(dst, s.Beyond)
	for i := range s.Offers {
		o := &s.Offers[i]
		dst = append(binary.AppendUvarint(dst, uint64(len(o.Peer))), o.Peer...)
		dst = append(binary.AppendUvarint(dst, uint64(len(o.Raw))), o.Raw...)
	}
	return dst, nil
}

func (providerCodec) Decode(src []byte, s *ProviderSet) error {
	*s = ProviderSet{}
	raw := bytes.Clone(src)
	text := string(src) // which the peer ids share
	beyond, at := binary.Uvarint(raw)
	if at <= 0 {
		return fmt.Errorf("%w: providers have no valid count", models.ErrInvalid)
	}
	s.Beyond = beyond
	// next returns where the part begins and ends whose length is at at.
	next := func() (start, end int, ok bool) {
		size, n := binary.Uvarint(raw[at:])
		if n <= 0 || size > uint64(len(raw)-at-n) {
			return 0, 0, false
		}
		return at + n, at + n + int(size), true
	}
	for at < len(raw) {
		var o Offer
		start, end, ok := next()
		if ok {
			o.Peer = peer.ID(text[start:end])
			at = end
			start, end, ok = next()
		}
		if !ok {
			return fmt.Errorf("%w: provider %d is cut short", models.ErrInvalid, len(s.Offers))
		}
		o.Raw, at = raw[start:end:end], end
		o.Received = parseProviderTime(o.Raw)
		if n := len(s.Offers); n > 0 && o.Peer <= s.Offers[n-1].Peer {
			return fmt.Errorf("%w: provider %d is out of order", models.ErrInvalid, n)
		}
		if s.Offers == nil {
			s.Offers = make([]Offer, 0, len(raw)/(end-1)+1) // they are alike in size
		}
		s.Offers = append(s.Offers, o)
	}
	return nil
}

// parseProviderTime returns the zero time for what is no time.
func parseProviderTime(raw []byte) time.Time {
	nanoseconds, n := binary.Varint(raw)
	var again [binary.MaxVarintLen64]byte
	if n <= 0 || !bytes.Equal(binary.AppendVarint(again[:0], nanoseconds), raw) {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}
