//go:build js

package browser

import (
	"strings"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multibase"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// certificate returns a component certhash.
func certificate(t *testing.T, code uint64) string {
	t.Helper()
	hash, err := multihash.Sum([]byte("a certificate"), code, -1)
	if err != nil {
		t.Fatal(err)
	}
	text, err := multibase.Encode(multibase.Base64url, hash)
	if err != nil {
		t.Fatal(err)
	}
	return "/certhash/" + text
}

// A transport claims the addresses that it can dial, and leaves the others to the other, to circuit v2, or to none.
func TestAddresses(t *testing.T) {
	const (
		id        = "/p2p/12D3KooWGRUVh7ZmbsnQ2P1gMn7Gq4n4Y4hFXPqaUVZ9tWJdnS1S"
		wellKnown = "/.well-known/libp2p-webtransport?type=noise"
	)
	hash, other := certificate(t, multihash.SHA2_256), certificate(t, multihash.SHA2_512)
	for _, c := range []struct {
		address string
		// By is the transport that claims it, if one does, and URL is what it dials.
		by, url string
	}{
		{"/ip4/192.0.2.1/tcp/4001/ws", "websocket", "ws://192.0.2.1:4001"},
		{"/ip4/192.0.2.1/tcp/4001/ws" + id, "websocket", "ws://192.0.2.1:4001"},
		{"/ip6/2001:db8::1/tcp/4001/ws", "websocket", "ws://[2001:db8::1]:4001"},
		{"/dns/example.com/tcp/80/ws", "websocket", "ws://example.com:80"},
		{"/dns4/example.com/tcp/443/wss", "websocket", "wss://example.com:443"},
		{"/dns6/example.com/tcp/443/tls/ws", "websocket", "wss://example.com:443"},
		{"/ip4/192.0.2.1/tcp/443/tls/sni/example.com/ws", "websocket", "wss://example.com:443"},
		{"/ip4/192.0.2.1/tcp/443/tls/sni/example.com/ws" + id, "websocket", "wss://example.com:443"},
		{"/ip4/192.0.2.1/tcp/443/tls/sni/*.example.com/ws", "", ""},
		{"/ip4/192.0.2.1/tcp/443/sni/example.com/ws", "", ""},
		{"/ip4/192.0.2.1/tcp/443/tls/ws/sni/example.com", "", ""},
		{"/ip4/192.0.2.1/tcp/443/ws/sni/example.com", "", ""},
		{"/ip4/192.0.2.1/tcp/443/ws/tls", "", ""},
		{"/ip4/192.0.2.1/tcp/443/tls", "", ""},
		{"/ip4/192.0.2.1/tcp/4001", "", ""},
		{"/ip4/192.0.2.1/tcp/4001" + id, "", ""},
		{"/ip4/192.0.2.1", "", ""},
		{"/ip4/192.0.2.1/udp/4001/ws", "", ""},
		{"/dnsaddr/example.com/tcp/443/wss", "", ""},
		{"/unix/socket/ws", "", ""},
		{id, "", ""},

		{"/ip4/192.0.2.1/udp/4001/quic-v1/webtransport" + hash, "webtransport", "https://192.0.2.1:4001" + wellKnown},
		{"/ip4/192.0.2.1/udp/4001/quic-v1/webtransport" + hash + id, "webtransport", "https://192.0.2.1:4001" + wellKnown},
		{"/ip6/::1/udp/4001/quic-v1/webtransport" + hash + hash, "webtransport", "https://[::1]:4001" + wellKnown},
		{
			"/ip4/192.0.2.1/udp/4001/quic-v1/sni/example.com/webtransport" + hash,
			"webtransport", "https://example.com:4001" + wellKnown,
		},
		{
			"/dns4/example.com/udp/4001/quic-v1/webtransport" + strings.Repeat(hash, maxCerthashes),
			"webtransport", "https://example.com:4001" + wellKnown,
		},
		{"/dns4/example.com/udp/4001/quic-v1/webtransport" + strings.Repeat(hash, maxCerthashes+1), "", ""},
		{"/dns4/example.com/udp/4001/quic-v1/webtransport", "", ""},
		{"/dns4/example.com/udp/4001/quic-v1/webtransport" + id, "", ""},
		{"/ip4/192.0.2.1/udp/4001/quic-v1/webtransport" + other, "", ""},
		{"/ip4/192.0.2.1/udp/4001/quic-v1/webtransport" + hash + other, "", ""},
		{"/ip4/192.0.2.1/udp/4001/quic-v1/webtransport/sni/example.com" + hash, "", ""},
		{"/ip4/192.0.2.1/udp/4001/quic-v1" + hash, "", ""},
		{"/ip4/192.0.2.1/udp/4001/quic-v1", "", ""},
		{"/ip4/192.0.2.1/udp/4001/quic/webtransport" + hash, "", ""},
		{"/ip4/192.0.2.1/tcp/4001/quic-v1/webtransport" + hash, "", ""},

		{"/ip4/192.0.2.1/udp/4001/webrtc-direct" + hash, "webrtc-direct", "192.0.2.1 4001"},
		{"/ip6/2001:db8::1/udp/4001/webrtc-direct" + hash + id, "webrtc-direct", "2001:db8::1 4001"},
		{"/ip4/192.0.2.1/udp/4001/webrtc-direct", "", ""},
		{"/ip4/192.0.2.1/udp/4001/webrtc-direct" + id, "", ""},
		{"/ip4/192.0.2.1/udp/4001/webrtc-direct" + other, "", ""},
		{"/ip4/192.0.2.1/udp/4001/webrtc-direct" + hash + hash, "", ""},
		{"/ip4/192.0.2.1/tcp/4001/webrtc-direct" + hash, "", ""},
		{"/dns4/example.com/udp/4001/webrtc-direct" + hash, "", ""},
		{"/ip4/192.0.2.1/udp/4001/webrtc-direct" + hash + id + "/p2p-circuit" + id, "", ""},

		{"/ip4/192.0.2.1/tcp/4001/ws" + id + "/p2p-circuit", "", ""},
		{"/ip4/192.0.2.1/tcp/4001/ws" + id + "/p2p-circuit" + id, "", ""},
		{"/ip4/192.0.2.1/udp/4001/quic-v1/webtransport" + hash + id + "/p2p-circuit" + id, "", ""},
		{id + "/p2p-circuit" + id, "", ""},
	} {
		a, err := ma.NewMultiaddr(c.address)
		if err != nil {
			t.Errorf("%s: %v", c.address, err)
			continue
		}
		by, url := "", ""
		if (&webSocket{}).CanDial(a) {
			parsed, _ := webSocketAddress(a)
			by, url = by+"websocket", parsed.url
		}
		if (&webTransport{}).CanDial(a) {
			parsed, _ := webTransportAddress(a)
			by, url = by+"webtransport", parsed.url
			if got, want := len(parsed.hashes), strings.Count(c.address, "/certhash/"); got != want {
				t.Errorf("%s has %d hashes", c.address, got)
			}
		}
		if parsed, ok := webRTCAddress(a); ok {
			by, url = by+"webrtc-direct", parsed.host+" "+parsed.port
		}
		// Workers have no such connections.
		if (&webRTC{}).CanDial(a) != (by == "webrtc-direct" && !webtest.InWorker()) {
			t.Errorf("webrtc-direct claims %s, or does not", c.address)
		}
		if by != c.by || url != c.url {
			t.Errorf("%s is claimed by %q for %q, not by %q for %q", c.address, by, url, c.by, c.url)
		}
	}
}
