//go:build js

package browser_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"

	"github.com/newsnet-africa/netabase-go/browser"
)

// around returns what TestMain has started.
func around(t testing.TB) (all surroundings) {
	t.Helper()
	if err := json.Unmarshal([]byte(os.Getenv(peersVariable)), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// natives returns the peers that TestMain has started.
func natives(t testing.TB) []native {
	t.Helper()
	return around(t).Peers
}

// transports are the ways to the native peers.
var transports = map[string]func(n native) string{
	"websocket":    func(n native) string { return n.WS },
	"webtransport": func(n native) string { return n.WT },
	direct:         func(n native) string { return n.RTC },
}

// direct is the transport that there is in pages only.
const direct = "webrtc-direct"

// eachTransport runs a test by each transport.
func eachTransport(t *testing.T, test func(t *testing.T, to func(n native) peer.AddrInfo)) {
	for name, address := range transports {
		t.Run(name, func(t *testing.T) {
			if name == direct {
				pageOnly(t)
			}
			test(t, func(n native) peer.AddrInfo { return info(t, address(n), n.ID) })
		})
	}
}

func info(t testing.TB, address, id string) peer.AddrInfo {
	t.Helper()
	to, err := peer.AddrInfoFromString(address + "/p2p/" + id)
	if err != nil {
		t.Fatal(err)
	}
	return *to
}

// newHost returns a host that is closed at the end of the test.
func newHost(t testing.TB, opts browser.Options) host.Host {
	t.Helper()
	h, err := browser.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// connect connects a host.
func connect(t testing.TB, h host.Host, to peer.AddrInfo) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.Connect(ctx, to); err != nil {
		t.Fatal(err)
	}
}

// open opens a stream.
func open(t testing.TB, h host.Host, to peer.ID, name string) network.Stream {
	t.Helper()
	s, err := h.NewStream(t.Context(), to, protocol.ID(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reset() }) // it is closed, most often
	return s
}

// ask asks a native peer.
func ask(t testing.TB, h host.Host, to peer.ID, q question) answer {
	t.Helper()
	a, err := try(t.Context(), h, to, q)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func try(ctx context.Context, h host.Host, to peer.ID, q question) (a answer, err error) {
	s, err := h.NewStream(ctx, to, controlProtocol)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := json.NewEncoder(s).Encode(q); err != nil {
		return a, err
	}
	if err := json.NewDecoder(s).Decode(&a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

func TestConnect(t *testing.T) {
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		h := newHost(t, browser.Options{})
		server := to(natives(t)[0])
		connect(t, h, server)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		results := ping.Ping(ctx, h, server.ID)
		for range 5 {
			if r := <-results; r.Error != nil {
				t.Fatal(r.Error)
			}
		}
		state := h.Network().ConnsToPeer(server.ID)[0].ConnState()
		if "TestConnect/"+state.Transport != t.Name() {
			t.Errorf("connected by %+v", state)
		}
	})
}

// 500 streams, 50 at a time, and 16 MiB each way.
func TestStreams(t *testing.T) {
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		h := newHost(t, browser.Options{})
		server := to(natives(t)[0])
		connect(t, h, server)
		faults, turn := make(chan error), make(chan bool, 50)
		for range 500 {
			go func() {
				turn <- true
				faults <- visit(t.Context(), h, server.ID)
				<-turn
			}()
		}
		for range 500 {
			if err := <-faults; err != nil {
				t.Error(err)
			}
		}
		begin := time.Now()
		up := open(t, h, server.ID, sinkProtocol)
		if _, err := up.Write(make([]byte, sourceBytes)); err != nil {
			t.Fatal(err)
		}
		if err := up.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(up, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		t.Logf("16 MiB up in %v", time.Since(begin))
		begin = time.Now()
		n, err := io.Copy(io.Discard, open(t, h, server.ID, sourceProtocol))
		if n != sourceBytes || err != nil {
			t.Errorf("%d bytes came: %v", n, err)
		}
		t.Logf("16 MiB down in %v", time.Since(begin))
	})
}

// visit opens a stream, and uses both sides of it.
func visit(ctx context.Context, h host.Host, to peer.ID) error {
	s, err := h.NewStream(ctx, to, sinkProtocol)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Write([]byte("a few words")); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
		return err
	}
	if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return errors.Join(errors.New("the stream does not end"), err)
	}
	return nil
}
