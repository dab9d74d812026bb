//go:build js

package browser_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/browser"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// pageOnly skips a test in a worker, where it would take its time once more and show nothing else.
func pageOnly(t testing.TB) {
	t.Helper()
	if webtest.InWorker() {
		t.Skip("it runs in the page")
	}
}

// waitFor waits until something is so.
func waitFor(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after 20 s: %s", what)
		}
	}
}

// behindRelay waits until a host is reached through a relay, and returns the address that uses the relay's TCP,
// which native peers dial.
func behindRelay(t testing.TB, h host.Host) (address string) {
	t.Helper()
	waitFor(t, "an address behind the relay", func() bool {
		for _, a := range h.Addrs() {
			if text := a.String(); strings.Contains(text, "/tcp/") && !strings.Contains(text, "/ws/") {
				address = text + "/p2p/" + h.ID().String()
			}
		}
		return address != ""
	})
	return address
}

// Another peer dials the page through a relay, also after the relay has dropped its connection.
func TestRelay(t *testing.T) {
	pageOnly(t)
	t.Parallel() // it waits for the relay most of the time
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		t.Parallel()
		relay, other := to(natives(t)[0]), to(natives(t)[1])
		h := newHost(t, browser.Options{Relays: []peer.AddrInfo{relay, relay}})
		h.SetStreamHandler(helloProtocol, func(s network.Stream) {
			_, err := io.Copy(s, s)
			if err != nil {
				_ = s.Reset() // the other side sees that
				return
			}
			_ = s.Close()
		})
		// The other peer is asked without a connection of its own to the page's host.
		asking := newHost(t, browser.Options{})
		connect(t, asking, other)
		gone := make(chan bool, 8)
		h.Network().Notify(&network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { gone <- true }})
		for range 2 {
			waitFor(t, "the other peer to reach the page", func() bool {
				got, err := try(t.Context(), asking, other.ID, question{Do: "hello", Address: behindRelay(t, h)})
				if err != nil { // the relay has not noticed yet that it has lost the page, or the page that it has lost the relay
					return false
				}
				if len(got.Texts) != 1 || got.Texts[0] != "hello" || !strings.Contains(got.By, "/p2p-circuit") {
					t.Fatalf("the other peer has read %q by %s", got.Texts, got.By)
				}
				return true
			})
			ask(t, h, relay.ID, question{Do: "drop"})
			<-gone
		}
	})
}
