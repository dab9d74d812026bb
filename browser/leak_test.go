//go:build js

package browser_test

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/browser"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// usage is what a page uses.
type usage struct {
	functions, goroutines int
	heap                  uint64
}

func measure() usage {
	runtime.GC()
	time.Sleep(10 * time.Millisecond) // finalizers tell JavaScript what is not needed any more
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{int(jsvalue.Funcs()), runtime.NumGoroutine(), m.HeapAlloc}
}

// Nothing grows while connections and streams come and go. NETABASE_BROWSER_TIME says for how long they do, "1h" say,
// in a page and in a worker; otherwise it is 30 connections and 300 streams in a page. These are enough: a function
// that one connection leaves is found, a goroutine that each fifth leaves, and 20 KiB that each leaves.
func TestLeaks(t *testing.T) {
	var long time.Duration
	if text := os.Getenv("NETABASE_BROWSER_TIME"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	if long == 0 {
		pageOnly(t)
	}
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		h := newHost(t, browser.Options{})
		server := to(natives(t)[0])
		round := func() {
			connect(t, h, server)
			for range 10 {
				if err := visit(t.Context(), h, server.ID); err != nil {
					t.Fatal(err)
				}
			}
			if err := h.Network().ClosePeer(server.ID); err != nil {
				t.Fatal(err)
			}
		}
		rounds := func(n int) usage {
			for range n {
				round()
			}
			waitFor(t, "connections to end", func() bool { return len(h.Network().Conns()) == 0 })
			return measure()
		}
		before := rounds(10) // what is kept for later use is there now
		after := rounds(30)
		for begin, next := time.Now(), time.Duration(0); time.Since(begin) < long; after = rounds(100) {
			if time.Since(begin) > next {
				next += time.Minute
				t.Logf("after %v: %+v", time.Since(begin).Round(time.Second), after)
			}
		}
		t.Logf("%+v, and at the end %+v", before, after)
		waitFor(t, "functions and goroutines to end, of which there were "+strconv.Itoa(after.goroutines), func() bool {
			after = measure()
			return after.functions <= before.functions && after.goroutines <= before.goroutines+5
		})
		if after.heap > before.heap+512<<10 {
			t.Errorf("the heap grows from %d to %d bytes", before.heap, after.heap)
		}
	})
}
