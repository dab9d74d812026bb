//go:build js

package browser_test

import (
	"context"
	"os"
	"sync/atomic"
	"syscall/js"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/browser"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// awayVariable says for how long TestAway leaves the page. Without it, that is too short to lose a connection.
const awayVariable = "NETABASE_BROWSER_AWAY"

// A peer goes on when its page is seen again, by the connections that it has had, or by new ones if they were lost
// meanwhile.
func TestAway(t *testing.T) {
	away, lost := 2*time.Second, false
	if text := os.Getenv(awayVariable); text != "" {
		var err error
		if away, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		lost = true // peers may give up a page that does not answer
	}
	for name, frozen := range map[string]bool{"hidden": false, "frozen": true} {
		t.Run(name, func(t *testing.T) {
			hosts, servers := map[string]host.Host{}, map[string]peer.AddrInfo{}
			for _, transport := range []string{"websocket", "webtransport"} { // which workers have, too
				n := natives(t)[0]
				hosts[transport] = newHost(t, browser.Options{})
				servers[transport] = info(t, transports[transport](n), n.ID)
				connect(t, hosts[transport], servers[transport])
			}
			var ticks, hidden atomic.Int64
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				for ctx.Err() == nil {
					time.Sleep(10 * time.Millisecond)
					ticks.Add(1)
					if !webtest.InWorker() && js.Global().Get("document").Get("hidden").Bool() {
						hidden.Add(1)
					}
				}
			}()
			if err := webtest.Leave(t.Context(), away, frozen); err != nil {
				t.Fatal(err)
			}
			t.Logf("away for %v, with %d ticks, %d of them hidden", away, ticks.Load(), hidden.Load())
			for transport, h := range hosts {
				to := servers[transport]
				begin := time.Now()
				kept := true
				err := visitIn(t, 10*time.Second, h, to)
				if err != nil {
					t.Logf("%s: %v", transport, err)
					kept = false
					connect(t, h, to)
					err = visitIn(t, 10*time.Second, h, to)
				}
				closed := frozen && transport == "websocket" && !webtest.InWorker() // by Chromium
				if err != nil || !kept && !lost && !closed {
					t.Errorf("%s: kept %v, %v", transport, kept, err)
				}
				t.Logf("%s: kept %v, after %v", transport, kept, time.Since(begin))
			}
		})
	}
}

func visitIn(t *testing.T, limit time.Duration, h host.Host, to peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return visit(ctx, h, to.ID)
}
