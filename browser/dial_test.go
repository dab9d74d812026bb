//go:build js

package browser_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/newsnet-africa/netabase-go/browser"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// The browser looks names up. By WebTransport Chromium dials only the first address of a name, which for localhost is
// one of IPv6, where the peers do not listen.
func TestNames(t *testing.T) {
	for _, c := range []struct{ transport, name string }{
		{"websocket", "localhost"}, {"websocket", webtest.Name4}, {"webtransport", webtest.Name4},
	} {
		t.Run(c.transport+" "+c.name, func(t *testing.T) {
			n := natives(t)[0]
			prefix := "/dns4/" + c.name + "/"
			to := info(t, strings.Replace(transports[c.transport](n), "/ip4/127.0.0.1/", prefix, 1), n.ID)
			h := newHost(t, browser.Options{})
			connect(t, h, to)
			if err := visit(t.Context(), h, to.ID); err != nil {
				t.Error(err)
			}
			if a := h.Network().ConnsToPeer(to.ID)[0].RemoteMultiaddr(); !strings.HasPrefix(a.String(), prefix) {
				t.Errorf("the connection is to %s", a)
			}
		})
	}
}

// A page dials servers with TLS by either form of their addresses, and by a name.
func TestTLS(t *testing.T) {
	n := natives(t)[0]
	for _, address := range []string{
		n.WSS,
		strings.Replace(n.WSS, "/tls/ws", "/wss", 1),
		strings.Replace(n.WSS, "/ip4/127.0.0.1/", "/dns4/localhost/", 1),
	} {
		h := newHost(t, browser.Options{})
		to := info(t, address, n.ID)
		connect(t, h, to)
		if err := visit(t.Context(), h, to.ID); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// refused reports that a host is not connected, and returns why.
func refused(t *testing.T, to peer.AddrInfo) error {
	t.Helper()
	h := newHost(t, browser.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begin := time.Now()
	err := h.Connect(ctx, to)
	if err == nil || ctx.Err() != nil {
		t.Errorf("after %v the host is connected: %v", time.Since(begin), err)
	}
	if c := h.Network().Connectedness(to.ID); c != network.NotConnected || len(h.Network().Conns()) != 0 {
		t.Errorf("the host has connections: %s, %v", c, h.Network().Conns())
	}
	t.Logf("after %v: %v", time.Since(begin).Round(time.Millisecond), err)
	return err
}

// A host does not wait for long where nobody listens, nor where nobody answers.
func TestNobody(t *testing.T) {
	pageOnly(t)
	t.Parallel() // it waits most of the time
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		t.Parallel()
		n := natives(t)[0]
		// Each port of the peer is used by one protocol of the network.
		ws, wt, rtc := ma.StringCast(n.WS), ma.StringCast(n.WT), ma.StringCast(n.RTC)
		tcp, _ := ws.ValueForProtocol(ma.P_TCP)
		udp, _ := wt.ValueForProtocol(ma.P_UDP)
		direct, _ := rtc.ValueForProtocol(ma.P_UDP)
		n.WS, n.WT = strings.Replace(n.WS, tcp, udp, 1), strings.Replace(n.WT, udp, tcp, 1)
		n.RTC = strings.Replace(n.RTC, direct, tcp, 1)
		t.Run("listens", func(t *testing.T) {
			t.Parallel()
			refused(t, to(n))
		})
		t.Run("answers", func(t *testing.T) {
			t.Parallel()
			refused(t, to(around(t).Mute))
		})
	})
}

// A host does not take a server with another certificate than the address has, nor another peer. Nothing is left of
// such dials.
func TestOthers(t *testing.T) {
	before := jsvalue.Funcs()
	a, b := natives(t)[0], natives(t)[1]
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		mine, others := to(a).Addrs[0].String(), to(b).Addrs[0].String()
		err := refused(t, info(t, mine, b.ID))
		if err == nil || !strings.Contains(err.Error(), "peer id mismatch") {
			t.Errorf("the error says nothing of another peer: %v", err)
		}
		before, _, ok := strings.Cut(mine, "/certhash/")
		if !ok {
			return // a WebSocket has no certificate of the peer
		}
		_, other, _ := strings.Cut(others, "/certhash/")
		err = refused(t, info(t, before+"/certhash/"+other, a.ID))
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("the error says nothing of a certificate: %v", err)
		}
	})
	waitFor(t, "the functions of the dials to be released", func() bool { return jsvalue.Funcs() <= before })
}

// A host prefers the other transports to webrtc-direct, which holds no sender up.
func TestPreference(t *testing.T) {
	n := natives(t)[0]
	for _, c := range []struct{ other, transport string }{{n.WS, "websocket"}, {n.WT, "webtransport"}} {
		h := newHost(t, browser.Options{})
		to := info(t, n.RTC, n.ID)
		to.Addrs = append(to.Addrs, ma.StringCast(c.other))
		connect(t, h, to)
		if got := h.Network().ConnsToPeer(to.ID)[0].ConnState().Transport; got != c.transport {
			t.Errorf("connected by %s where there is %s", got, c.transport)
		}
	}
}

// A WebSocket ends where its peer sends more than is read, or text.
func TestFlood(t *testing.T) {
	for name, c := range map[string]struct {
		address string
		want    error
	}{"bytes": {around(t).Flood, browser.ErrFull}, "text": {around(t).Text, browser.ErrText}} {
		t.Run(name, func(t *testing.T) {
			s, err := browser.DialSocket(t.Context(), ma.StringCast(c.address))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			waitFor(t, "the socket to be closed", func() bool {
				_, err := s.Write([]byte{1})
				return errors.Is(err, net.ErrClosed)
			})
			// It forgets what has come.
			if n, err := io.Copy(io.Discard, s); n != 0 || !errors.Is(err, c.want) {
				t.Errorf("%d bytes and then %v", n, err)
			}
		})
	}
}
