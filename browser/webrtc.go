//go:build js

package browser

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall/js"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// webRTC is the transport webrtc-direct, in its second version, on the browser's RTCPeerConnection. Nothing is sent
// to agree on the connection: the answer to the browser's offer follows from the address. The browser takes a server's
// certificate if it has the hash of the address. Which peer it is a noise handshake on the first data channel shows.
type webRTC struct {
	dialer
	noise     *noise.Transport
	resources network.ResourceManager
}

var _ transport.Transport = (*webRTC)(nil)

// CanDial is part of transport.Transport. A worker has no RTCPeerConnection.
func (t *webRTC) CanDial(a ma.Multiaddr) bool {
	_, ok := webRTCAddress(a)
	return ok && js.Global().Get("RTCPeerConnection").Truthy()
}

// Protocols is part of transport.Transport.
func (t *webRTC) Protocols() []int { return []int{ma.P_WEBRTC_DIRECT} }

// Dial is part of transport.Transport.
func (t *webRTC) Dial(ctx context.Context, a ma.Multiaddr, p peer.ID) (transport.CapableConn, error) {
	scope, err := t.resources.OpenConnection(network.DirOutbound, false, a)
	if err != nil {
		return nil, err
	}
	c, err := t.dial(ctx, a, p, scope)
	if err != nil {
		scope.Done()
		return nil, err
	}
	return c, nil
}

func (t *webRTC) dial(
	ctx context.Context, a ma.Multiaddr, p peer.ID, scope network.ConnManagementScope,
) (*peerConnection, error) {
	to, ok := webRTCAddress(a)
	if !ok {
		return nil, fmt.Errorf("%s is no address of webrtc-direct", a)
	}
	if err := scope.SetPeer(p); err != nil {
		return nil, err
	}
	v, err := construct("RTCPeerConnection")
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", a, err)
	}
	c := newPeerConnection(v, a)
	if err := t.secure(ctx, c, p, &to); err != nil {
		c.end(err)
		return nil, fmt.Errorf("dial %s: %w", a, err)
	}
	c.transport, c.scope = t, scope
	return c, nil
}

// errNoPeer is what a dial ends with that the browser has given up. It does not say why.
var errNoPeer = errors.New("no peer answers with the certificate of the address")

// secure makes the connection, and finds out that it leads to p.
func (t *webRTC) secure(ctx context.Context, c *peerConnection, p peer.ID, to *rtcAddress) (err error) {
	defer jsvalue.Caught(&err)
	first, err := c.add(c.js.Call("createDataChannel", "", map[string]any{"negotiated": true, "id": 0}))
	if err != nil {
		return err
	}
	c.first = first
	// These wait for nobody. Their promises are never settled if the connection is closed before.
	background := context.Background()
	if _, err := jsvalue.Await(background, c.js.Call("setLocalDescription")); err != nil {
		return err
	}
	mine, err := parseOffer(c.js.Get("localDescription").Get("sdp").String())
	if err != nil {
		return err
	}
	answer := map[string]any{"type": "answer", "sdp": to.answer(mine.password)}
	if _, err := jsvalue.Await(background, c.js.Call("setRemoteDescription", answer)); err != nil {
		return err
	}
	if err := first.opens(ctx); err != nil {
		return err
	}
	session, err := t.noise.WithSessionOptions(noise.Prologue(prologue(mine.fingerprint, to.hash.Digest)))
	if err != nil {
		return err
	}
	// The server begins the handshake.
	conn := handshake{first, netAddr{"webrtc-direct", net.JoinHostPort(to.host, to.port)}}
	secured, err := session.SecureInbound(ctx, conn, p)
	if err != nil {
		return err
	}
	c.ConnSecurity = secured
	first.in.drop(errReset) // the channel stays open, and says when the connection ends
	return nil
}

// answer returns the session description of the server. Its user name tells it the password of this side.
func (a *rtcAddress) answer(password string) string {
	family := "IP4"
	if strings.Contains(a.host, ":") {
		family = "IP6"
	}
	user := "libp2p+webrtc+v2/" + password
	return strings.Join([]string{
		"v=0",
		"o=- 0 0 IN " + family + " " + a.host,
		"s=-",
		"t=0 0",
		"a=ice-lite",
		"m=application " + a.port + " UDP/DTLS/SCTP webrtc-datachannel",
		"c=IN " + family + " " + a.host,
		"a=mid:0",
		"a=ice-options:ice2",
		"a=ice-ufrag:" + user,
		"a=ice-pwd:" + user,
		"a=fingerprint:sha-256 " + colons(a.hash.Digest),
		"a=setup:passive",
		"a=sctp-port:5000",
		fmt.Sprint("a=max-message-size:", maxFrame),
		"a=candidate:1 1 UDP 1 " + a.host + " " + a.port + " typ host",
		"a=end-of-candidates",
		"",
	}, "\r\n")
}

// colons writes bytes as session descriptions do.
func colons(p []byte) string { return strings.ReplaceAll(fmt.Sprintf("% X", p), " ", ":") }

// offer is what the other side needs of the browser's session description.
type offer struct {
	password    string
	fingerprint []byte // of SHA-256
}

func parseOffer(description string) (o offer, err error) {
	for line := range strings.Lines(description) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "a=ice-pwd":
			o.password = value
		case "a=fingerprint":
			if value, ok := strings.CutPrefix(value, "sha-256 "); ok {
				if o.fingerprint, err = hex.DecodeString(strings.ReplaceAll(value, ":", "")); err != nil {
					return o, fmt.Errorf("fingerprint of the browser: %w", err)
				}
			}
		}
	}
	if o.password == "" || o.fingerprint == nil {
		return o, errors.New("the browser offers no password, or no certificate with a fingerprint of SHA-256")
	}
	return o, nil
}

// prologue binds the noise handshake to the certificates of both sides.
func prologue(mine, theirs []byte) []byte {
	text := []byte("libp2p-webrtc-noise:")
	for _, digest := range [][]byte{mine, theirs} {
		text = append(append(text, multihash.SHA2_256, byte(len(digest))), digest...)
	}
	return text
}
