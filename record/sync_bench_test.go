//go:build unix

package record_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// cpuTime is the time that the process has used.
func cpuTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // zero says enough
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestMeasureSync measures a sync of pages of which 100 are missing at either peer, one into an empty
// peer, and one of a tenth as many signed letters. NETABASE_SYNC_ROWS says how many pages there are.
func TestMeasureSync(t *testing.T) {
	rows, err := strconv.Atoi(os.Getenv("NETABASE_SYNC_ROWS"))
	if err != nil {
		t.Skip("NETABASE_SYNC_ROWS does not say how many pages")
	}
	measure := func(t *testing.T, open func(dir string) engine.Engine) {
		a, b := newReader(t, open(t.TempDir())), newReader(t, memory.Engine())
		meet(a, b)
		for _, n := range []*node{a, b} {
			from, to := 0, rows
			if n == a {
				from = 100
			} else {
				to -= 100
			}
			pages := func(yield func(Page, error) bool) {
				for id := from; id < to; id++ {
					if !yield(Page{ID: uint64(id), Text: "the text of a page of a hundred bytes or so", Version: 1}, nil) {
						return
					}
				}
			}
			start := time.Now()
			if _, err := datastore.Import(context.Background(), n.store, Pages, pages, datastore.ImportOptions{}); err != nil {
				t.Fatal(err)
			}
			t.Logf("import: %.0f rows/s", float64(to-from)/time.Since(start).Seconds())
		}
		for range 2 {
			cpu := cpuTime()
			report := mustSync(t, a, b, AllPages, record.Both)
			t.Logf("%d pulled, %d pushed: %d round trips, %d bytes, %v, %v CPU of both", report.Pulled.Taken,
				report.Pushed.Taken, report.RoundTrips, report.BytesRead+report.BytesWritten, report.Took, cpuTime()-cpu)
		}
		c := newReader(t, open(t.TempDir()))
		meet(c, b)
		report := mustSync(t, c, b, AllPages, record.Pull)
		t.Logf("into an empty peer: %d in %v, %.0f rows/s, %d round trips", report.Pulled.Taken, report.Took,
			float64(report.Pulled.Taken)/report.Took.Seconds(), report.RoundTrips)
		for number := range rows / 10 {
			l := Letter{From: b.host.ID(), Number: uint64(number), Text: "the text of a letter of a hundred bytes or so"}
			if _, err := record.Publish(context.Background(), b.node, Letters, &l); !errors.Is(err, record.ErrNoPeers) {
				t.Fatal(err)
			}
		}
		report = mustSync(t, c, b, AllLetters, record.Pull)
		t.Logf("signed: %d in %v, %.0f rows/s", report.Pulled.Taken, report.Took,
			float64(report.Pulled.Taken)/report.Took.Seconds())
	}
	for name, open := range engines {
		t.Run(name, func(t *testing.T) { measure(t, open) })
	}
}
