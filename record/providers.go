package record

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
)

// Provider says that a peer has offered, at some time, to serve what a key
// names.
type Provider struct {
	// Key is the multihash of the content provided.
	Key []byte
	// Peer is the provider.
	Peer peer.ID
	// Received is the time at which kad-dht took the offer, zero where Raw is
	// not a time.
	Received time.Time
	// Raw is what kad-dht has put, byte for byte.
	Raw []byte
}

// ProviderKey is the primary key of a Provider: its Key, then its Peer.
type ProviderKey = models.Pair[[]byte, peer.ID]

var (
	peerCodec        = models.StringOf[peer.ID]()
	providerKeyCodec = models.PairOf(models.Bytes, peerCodec)
)

// Providers holds the provider records, by key and peer.
var Providers = models.NewTree("provider", providerKeyCodec,
	func(p *Provider) ProviderKey { return models.MakePair(p.Key, p.Peer) },
	models.WithCodec(models.Codec[Provider](providerCodec{})),
	models.WithKey(func(p *Provider, key ProviderKey) { p.Key, p.Peer = key.First, key.Second }))

var (
	// ProviderByPeer finds what a peer provides.
	ProviderByPeer = models.NewIndex(Providers, "peer", peerCodec, func(p *Provider) peer.ID { return p.Peer })
	// ProviderByReceived finds provider records by the time they came, the
	// oldest first.
	ProviderByReceived = models.NewIndex(Providers, "received", models.Time, func(p *Provider) time.Time { return p.Received })
)

// providerCodec writes what kad-dht has put as it is: the time in nanoseconds
// since 1970 as a zigzag varint. Key and peer are in the row's key alone.
type providerCodec struct{}

func (providerCodec) Name() string { return "libp2p-provider" }

func (providerCodec) Fields() []models.Field { return nil }

func (providerCodec) Append(dst []byte, p *Provider) ([]byte, error) {
	return append(dst, p.Raw...), nil
}

func (providerCodec) Decode(src []byte, p *Provider) error {
	*p = Provider{Raw: append(make([]byte, 0, len(src)), src...)}
	p.Received = parseProviderTime(src)
	return nil
}

// parseProviderTime returns the zero time for what is no time.
func parseProviderTime(raw []byte) time.Time {
	nanoseconds, n := binary.Varint(raw)
	if n <= 0 || !bytes.Equal(binary.AppendVarint(nil, nanoseconds), raw) {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}
