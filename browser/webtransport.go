//go:build js

package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/security/noise/pb"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// webTransport is the transport on the browser's WebTransport. The browser takes a server's certificate if it has
// one of the hashes of the address. Which peer it is a noise handshake on the first stream shows.
type webTransport struct {
	dialer
	noise     *noise.Transport
	resources network.ResourceManager
}

var _ transport.Transport = (*webTransport)(nil)

// CanDial is part of transport.Transport.
func (t *webTransport) CanDial(a ma.Multiaddr) bool {
	_, ok := webTransportAddress(a)
	return ok
}

// Protocols is part of transport.Transport.
func (t *webTransport) Protocols() []int { return []int{ma.P_WEBTRANSPORT} }

// Dial is part of transport.Transport.
func (t *webTransport) Dial(ctx context.Context, a ma.Multiaddr, p peer.ID) (transport.CapableConn, error) {
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

func (t *webTransport) dial(
	ctx context.Context, a ma.Multiaddr, p peer.ID, scope network.ConnManagementScope,
) (_ *session, err error) {
	parsed, ok := webTransportAddress(a)
	if !ok {
		return nil, fmt.Errorf("%s is no address of WebTransport", a)
	}
	if err := scope.SetPeer(p); err != nil {
		return nil, err
	}
	hashes := make([]any, len(parsed.hashes))
	for i, h := range parsed.hashes {
		hashes[i] = map[string]any{"algorithm": "sha-256", "value": jsvalue.FromBytes(h.Digest)}
	}
	v, err := construct("WebTransport", parsed.url, map[string]any{"serverCertificateHashes": hashes})
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", a, err)
	}
	s := newSession(v, a)
	if err := t.secure(ctx, s, p, &parsed); err != nil {
		s.end()
		return nil, fmt.Errorf("dial %s: %w", a, err)
	}
	s.transport, s.scope = t, scope
	return s, nil
}

// secure waits for the connection, and finds out that it leads to p.
func (t *webTransport) secure(ctx context.Context, s *session, p peer.ID, to *address) (err error) {
	_, err = jsvalue.Await(ctx, s.js.Get("ready"))
	switch thrown := (*jsvalue.Exception)(nil); {
	case errors.As(err, &thrown): // the browser does not say what was wrong
		return fmt.Errorf("no peer answers with a certificate of a certhash of the address: %w", err)
	case err != nil:
		return err
	}
	first, err := s.openStream(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, first.Close()) }()
	checked := false
	early := earlyData(func(data *pb.NoiseExtensions) error {
		checked = true
		return includes(data.GetWebtransportCerthashes(), to.hashes)
	})
	session, err := t.noise.WithSessionOptions(noise.EarlyData(early, nil))
	if err != nil {
		return err
	}
	secured, err := session.SecureOutbound(ctx, handshake{first, netAddr{"webtransport", to.url}}, p)
	if err != nil {
		return err
	}
	if !checked { // noise promises that it is
		return errors.New("the peer has sent no certhashes")
	}
	s.ConnSecurity = secured
	return nil
}

// includes reports as an error that a peer does not own up to a certificate that it was dialled with: then
// somebody between has one of his own.
func includes(owned [][]byte, used []multihash.DecodedMultihash) error {
	for _, use := range used {
		found := false
		for _, own := range owned {
			h, err := multihash.Decode(own)
			if err != nil {
				return fmt.Errorf("certhash of the peer: %w", err)
			}
			found = found || h.Code == use.Code && bytes.Equal(h.Digest, use.Digest)
		}
		if !found {
			return fmt.Errorf("the certhash %x is none of the peer's", use.Digest)
		}
	}
	return nil
}

// earlyData receives what the other side sends within the handshake.
type earlyData func(*pb.NoiseExtensions) error

var _ noise.EarlyDataHandler = earlyData(nil)

// Send is part of noise.EarlyDataHandler.
func (earlyData) Send(context.Context, net.Conn, peer.ID) *pb.NoiseExtensions { return nil }

// Received is part of noise.EarlyDataHandler.
func (f earlyData) Received(_ context.Context, _ net.Conn, data *pb.NoiseExtensions) error {
	return f(data)
}

// handshake is the first stream as a connection.
type handshake struct {
	network.MuxedStream
	to netAddr
}

var _ net.Conn = handshake{}

// LocalAddr is part of net.Conn.
func (h handshake) LocalAddr() net.Addr { return netAddr{h.to.network, "browser"} }

// RemoteAddr is part of net.Conn.
func (h handshake) RemoteAddr() net.Addr { return h.to }
