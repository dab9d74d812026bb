package record_test

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// A peer without rows gets all of them in few bytes besides the records, and hears no ids.
func TestSyncIntoEmpty(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			a, b := newReader(t, open(t.TempDir())), newReader(t, open(t.TempDir()))
			meet(b, a)
			putPages(t, a, 1, upTo(1, 5_000)...)
			records := int64(0)
			for id := range versions(t, a) {
				row := pageRow(t, mustGetPage(t, a, id))
				records += int64(len(row.Append(nil)))
			}
			report := mustSync(t, b, a, AllPages, record.Pull)
			if report.Pulled.Taken != 5_000 || report.ToPull != 5_000 || report.Pulled.Missing != 0 {
				t.Errorf("%+v", report)
			}
			// A message has a length and a kind, and at most 1 in 1,000 bytes is about the list.
			if most := records + 3*5_000 + records/1000; report.BytesRead > most || report.BytesWritten > 1000 {
				t.Errorf("%d bytes read and %d written for %d bytes of records",
					report.BytesRead, report.BytesWritten, records)
			}
			if got, want := versions(t, b), versions(t, a); len(got) != len(want) {
				t.Errorf("%d pages, want %d", len(got), len(want))
			}
			report = mustSync(t, b, a, AllPages, record.Both)
			if report.RoundTrips != 1 || report.Pulled.InAll() != 0 {
				t.Errorf("afterwards: %+v", report)
			}
		})
	}
}

func mustGetPage(t testing.TB, n *node, id uint64) Page {
	t.Helper()
	page, err := Pages.Get(t.Context(), n.store, id)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// A topic of a few rows among many is listed too. So is one of the same tree as a topic that has rows.
func TestSyncListPartial(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(b, a)
	putPages(t, a, 1, upTo(1, 20_000)...)
	putPages(t, b, 1, 2, 4, 6)
	report := mustSync(t, b, a, OddPages, record.Pull)
	if report.Pulled.Taken != 10_000 || report.Pulled.RefusedInAll() != 0 {
		t.Errorf("%+v", report)
	}
	got := versions(t, b)
	if n, err := OddPages.Count(t.Context(), b.store); n != 10_000 || err != nil || len(got) != 10_003 {
		t.Errorf("there are %d pages, %d in the topic, %v", len(got), n, err)
	}
}

// Few rows among many are found by their ids, and no peer reads all of the others for a list.
func TestSyncListFew(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(b, a)
	for id := uint64(2); id <= 20_000; id += 2 {
		putPages(t, a, 1, id)
	}
	putPages(t, a, 1, 1, 19_999)
	report := mustSync(t, b, a, OddPages, record.Pull)
	if report.Pulled.Taken != 2 || report.ToPull != 2 || report.RoundTrips > 5 {
		t.Errorf("%+v", report)
	}
}

// Rows that are put while another peer lists are not lost: the comparison that follows finds those that the
// list has passed.
func TestSyncListWhileRowsChange(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(b, a)
	putPages(t, a, 1, upTo(1000, 20_000)...)
	next := uint64(1)
	report, err := b.node.Sync(t.Context(), a.host.ID(), AllPages.Name(), record.SyncOptions{
		Direction: record.Pull,
		Progress: func(*record.SyncReport) {
			if next < 4 {
				putPages(t, a, 1, next)        // which lies before what has been listed
				putPages(t, a, 2, 20_000-next) // and this one behind it
				next++
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := versions(t, b)
	if len(got) != 19_001+int(next)-1 || next == 1 {
		t.Errorf("%d pages after %d were put: %+v", len(got), next-1, report)
	}
	for id, version := range versions(t, a) {
		if got[id] != version {
			t.Errorf("page %d has version %d, want %d", id, got[id], version)
		}
	}
	if n, err := Pages.Count(t.Context(), b.store, models.Range[uint64]{}); err != nil || n != len(got) {
		t.Errorf("%d pages are counted, %v", n, err)
	}
}
