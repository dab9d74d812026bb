//go:build js

package browser

import (
	"crypto/sha256"
	"fmt"
	"net"
	"slices"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multibase"
	"github.com/multiformats/go-multihash"
)

// address is a multiaddress that a browser can dial.
type address struct {
	url string
	// hashes are the certhashes of a WebTransport address.
	hashes []multihash.DecodedMultihash
}

// names are the protocols that an address begins with.
var names = map[int]bool{ma.P_IP4: true, ma.P_IP6: true, ma.P_DNS: true, ma.P_DNS4: true, ma.P_DNS6: true}

// split divides an address into what is dialled, the codes of the protocols behind it, and the values of
// those. The last component is left out if it is the peer's id. It is false if the address does not begin
// with a name and a port of the network.
func split(a ma.Multiaddr, network int) (host string, codes []int, values []string, ok bool) {
	if len(a) > 0 && a[len(a)-1].Protocol().Code == ma.P_P2P {
		a = a[:len(a)-1]
	}
	if len(a) < 3 || !names[a[0].Protocol().Code] || a[1].Protocol().Code != network {
		return "", nil, nil, false
	}
	for _, c := range a[2:] {
		codes, values = append(codes, c.Protocol().Code), append(values, c.Value())
	}
	name := a[0].Value()
	// The browser sends the name that it dials in the TLS handshake.
	if i := slices.Index(codes, ma.P_SNI); i > 0 && (codes[i-1] == ma.P_TLS || codes[i-1] == ma.P_QUIC_V1) {
		name = values[i]
		codes, values = slices.Delete(codes, i, i+1), slices.Delete(values, i, i+1)
	}
	if strings.Contains(name, "*") { // a certificate's, and not one that can be looked up
		return "", nil, nil, false
	}
	return net.JoinHostPort(name, a[1].Value()), codes, values, true
}

// webSocketAddress parses …/tcp/…/ws, …/tcp/…/tls/ws and …/tcp/…/wss.
func webSocketAddress(a ma.Multiaddr) (address, bool) {
	host, codes, _, ok := split(a, ma.P_TCP)
	switch {
	case !ok:
		return address{}, false
	case slices.Equal(codes, []int{ma.P_WS}):
		return address{url: "ws://" + host}, true
	case slices.Equal(codes, []int{ma.P_TLS, ma.P_WS}), slices.Equal(codes, []int{ma.P_WSS}):
		return address{url: "wss://" + host}, true
	default:
		return address{}, false
	}
}

// maxCerthashes bounds the certhashes of an address. A server has two: of the certificate that it uses, and
// of the next.
const maxCerthashes = 16

// webTransportAddress parses …/udp/…/quic-v1/webtransport/certhash/…, with any number of hashes from one.
func webTransportAddress(a ma.Multiaddr) (address, bool) {
	host, codes, values, ok := split(a, ma.P_UDP)
	if !ok || len(codes) < 3 || len(codes) > 2+maxCerthashes ||
		codes[0] != ma.P_QUIC_V1 || codes[1] != ma.P_WEBTRANSPORT {
		return address{}, false
	}
	parsed := address{url: "https://" + host + "/.well-known/libp2p-webtransport?type=noise"}
	for i, code := range codes[2:] {
		if code != ma.P_CERTHASH {
			return address{}, false
		}
		hash, err := certhash(values[2+i])
		if err != nil || hash.Code != multihash.SHA2_256 { // browsers know no other
			return address{}, false
		}
		parsed.hashes = append(parsed.hashes, hash)
	}
	return parsed, true
}

// rtcAddress is an address of webrtc-direct.
type rtcAddress struct {
	host, port string
	// hash is the certhash.
	hash multihash.DecodedMultihash
}

// webRTCAddress parses …/udp/…/webrtc-direct/certhash/…, with an IP: names are not tried.
func webRTCAddress(a ma.Multiaddr) (rtcAddress, bool) {
	to, codes, values, ok := split(a, ma.P_UDP)
	if !ok || !slices.Equal(codes, []int{ma.P_WEBRTC_DIRECT, ma.P_CERTHASH}) {
		return rtcAddress{}, false
	}
	hash, err := certhash(values[1])
	if err != nil || hash.Code != multihash.SHA2_256 || len(hash.Digest) != sha256.Size {
		return rtcAddress{}, false
	}
	host, port, err := net.SplitHostPort(to)
	if err != nil || net.ParseIP(host) == nil {
		return rtcAddress{}, false
	}
	return rtcAddress{host, port, hash}, true
}

// certhash decodes the value of a component certhash.
func certhash(text string) (multihash.DecodedMultihash, error) {
	_, b, err := multibase.Decode(text)
	if err != nil {
		return multihash.DecodedMultihash{}, fmt.Errorf("certhash: %w", err)
	}
	hash, err := multihash.Decode(b)
	if err != nil {
		return multihash.DecodedMultihash{}, fmt.Errorf("certhash: %w", err)
	}
	return *hash, nil
}
