package record_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// Page is a row of an open tree.
type Page struct {
	ID      uint64
	Text    string
	Version uint64
}

// Letter is a row of a signed tree.
type Letter struct {
	From   peer.ID
	Number uint64
	Text   string
}

// Scan is a row of an immutable tree.
type Scan struct {
	ID   record.Hash `cbor:"-"`
	Data []byte
}

var (
	Pages = models.NewTree("page", models.Uint64, func(p *Page) uint64 { return p.ID },
		models.WithClock(func(p *Page) uint64 { return p.Version }), models.WithPolicy[Page](models.Open))
	AllPages = models.NewTopic(Pages, "all", nil)
	OddPages = models.NewTopic(Pages, "odd", func(p *Page) bool { return p.ID%2 == 1 })

	Letters = models.NewTree("letter", models.PairOf(record.PeerKey, models.Uint64),
		func(l *Letter) models.Pair[peer.ID, uint64] { return models.MakePair(l.From, l.Number) },
		models.WithPolicy[Letter](models.Signed))
	AllLetters = models.NewTopic(Letters, "all", nil)

	Scans = models.NewTree("scan", record.HashKey, func(s *Scan) record.Hash { return s.ID },
		models.WithKey(func(s *Scan, id record.Hash) { s.ID = id }), models.WithPolicy[Scan](models.Immutable))
	AllScans = models.NewTopic(Scans, "all", nil)

	Library = models.NewDefinition("library", Pages, Letters, Scans)
)

func library() record.Options {
	return record.Options{
		Models: []*models.Definition{Library}, MaxRecordAge: 24 * time.Hour, ProviderValidity: 24 * time.Hour,
	}
}

// newReader is a peer of the library. Its DHT takes no other for a peer, so that nothing travels
// but by sync.
func newReader(t testing.TB, eng engine.Engine) *node {
	t.Helper()
	return newNodeWith(t, eng, library(), dht.RoutingTableFilter(func(any, peer.ID) bool { return false }))
}

// meet lets the host of one peer know where another is.
func meet(a, b *node) { a.host.Peerstore().AddAddrs(b.host.ID(), b.host.Addrs(), time.Hour) }

func putPages(t testing.TB, n *node, version uint64, ids ...uint64) {
	t.Helper()
	err := n.store.Update(context.Background(), func(ctx context.Context, tx *datastore.WriteTx) error {
		for _, id := range ids {
			p := Page{ID: id, Text: fmt.Sprintf("page %d", id), Version: version}
			if err := Pages.Put(ctx, tx, &p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// versions are the pages that a peer has, with their versions.
func versions(t testing.TB, n *node) map[uint64]uint64 {
	t.Helper()
	all := map[uint64]uint64{}
	for p, err := range Pages.All(context.Background(), n.store) {
		if err != nil {
			t.Fatal(err)
		}
		all[p.ID] = p.Version
	}
	return all
}

// upTo are the numbers from first to last.
func upTo(first, last uint64) (ids []uint64) {
	for id := first; id <= last; id++ {
		ids = append(ids, id)
	}
	return ids
}

func mustSync(t testing.TB, a, b *node, topic models.AnyTopic, d record.Direction) record.SyncReport {
	t.Helper()
	report, err := a.node.Sync(context.Background(), b.host.ID(), topic.Name(), record.SyncOptions{Direction: d})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Two peers that have pages that the other lacks, and other versions of some, have the same
// afterwards, on every engine. A pull and a push change one of them.
func TestSync(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		a, b := newReader(t, eng), newReader(t, memory.Engine())
		meet(a, b)
		putPages(t, a, 1, upTo(1, 300)...)
		putPages(t, b, 1, upTo(201, 500)...)
		putPages(t, a, 2, 210, 211)
		putPages(t, b, 2, 220, 221, 222)
		ours, theirs := versions(t, a), versions(t, b)
		want := maps.Clone(ours)
		for id, version := range theirs {
			want[id] = max(want[id], version)
		}

		report := mustSync(t, a, b, AllPages, record.Pull)
		if got := versions(t, a); !maps.Equal(got, want) {
			t.Errorf("after a pull there are %d pages, want %d", len(got), len(want))
		}
		if got := versions(t, b); !maps.Equal(got, theirs) {
			t.Error("a pull has changed the other peer")
		}
		if report.Pulled.Taken != 203 || report.Pulled.Refused["old"] != 2 || report.Pushed.Taken != 0 {
			t.Errorf("the pull: %+v", report)
		}
		if got := pageOrigin(t, a, 500); got != receipts.Stranger {
			t.Errorf("a page that has come has the origin %v", got)
		}
		if got := pageOrigin(t, a, 220); got != receipts.Kept {
			t.Errorf("a page that has come over our own has the origin %v", got)
		}

		report = mustSync(t, a, b, AllPages, record.Push)
		if got := versions(t, b); !maps.Equal(got, want) {
			t.Errorf("after a push there are %d pages, want %d", len(got), len(want))
		}
		if report.Pushed.Taken != 202 || report.Pulled.Taken != 0 {
			t.Errorf("the push: %+v", report)
		}
		report = mustSync(t, a, b, AllPages, record.Both)
		if report.Pushed.Taken+report.Pulled.Taken != 0 || report.RoundTrips != 1 {
			t.Errorf("the same: %+v", report)
		}
	})
}

// pageOrigin returns the origin in the receipt of a page, zero without one.
func pageOrigin(t testing.TB, n *node, id uint64) receipts.Origin {
	t.Helper()
	receipt, err := receipts.Tree.Get(context.Background(), n.store, models.MakePair(Pages.Name(), Pages.EncodeKey(id)))
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		t.Fatal(err)
	}
	return receipt.Origin
}

// Both directions at once need one sync, and conflicts come out the same at both peers.
func TestSyncBoth(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	putPages(t, a, 1, upTo(1, 3000)...)
	putPages(t, b, 1, upTo(2001, 5000)...)
	putPages(t, a, 2, 2100, 2101)
	putPages(t, b, 2, 2200, 2201)
	last := 0
	report, err := a.node.Sync(t.Context(), b.host.ID(), AllPages.Name(), record.SyncOptions{
		Progress: func(r *record.SyncReport) {
			if done := r.Pulled.Taken + r.Pushed.Taken; done < last {
				t.Errorf("%d are done, and %d were before", done, last)
			} else {
				last = done
			}
			if r.Pulled.InAll() > r.ToPull || r.Pushed.InAll() > r.ToPush {
				t.Errorf("more is done than there was to do: %+v", r)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(versions(t, a), versions(t, b)) || len(versions(t, a)) != 5000 || versions(t, a)[2200] != 2 {
		t.Errorf("they have %d and %d pages", len(versions(t, a)), len(versions(t, b)))
	}
	if report.ToPull != report.Pulled.InAll() || report.ToPush != report.Pushed.InAll() {
		t.Errorf("not all is done that there was to do: %+v", report)
	}
	if last < 4000 || len(report.Pulled.Records) != 1000 || len(report.Pushed.Records) != 1000 {
		t.Errorf("%+v", report)
	}
}

// A peer is told of the syncs that others begin.
func TestSyncAnswered(t *testing.T) {
	answered := make(chan record.SyncReport, 10)
	options := library()
	options.Answered = func(r record.SyncReport, err error) {
		if err != nil {
			t.Error(err)
		}
		answered <- r
	}
	a, b := newReader(t, memory.Engine()), newNodeWith(t, memory.Engine(), options)
	meet(a, b)
	putPages(t, a, 1, 1, 2, 3)
	putPages(t, b, 1, 4, 5)
	putPages(t, a, 2, 1)
	for _, c := range []struct {
		begun, seen    record.Direction
		pulled, pushed int
	}{{record.Push, record.Pull, 3, 0}, {record.Pull, record.Push, 0, 2}, {record.Both, record.Both, 0, 0}} {
		mustSync(t, a, b, AllPages, c.begun)
		got := <-answered
		if got.Peer != a.host.ID() || got.Topic != AllPages.Name() || got.Direction != c.seen || got.RoundTrips == 0 ||
			got.BytesRead == 0 || got.Pulled.Taken != c.pulled || got.Pushed.Taken != c.pushed || got.ToPull != c.pulled {
			t.Errorf("%v: %+v", c.begun, got)
		}
	}
}

// A topic that not all rows belong to syncs those that do.
func TestSyncPartial(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	putPages(t, b, 1, upTo(1, 100)...)
	if report := mustSync(t, a, b, OddPages, record.Both); report.Pulled.Taken != 50 {
		t.Errorf("%+v", report)
	}
	for id := range versions(t, a) {
		if id%2 == 0 {
			t.Errorf("page %d has come", id)
		}
	}
	if report := mustSync(t, a, b, OddPages, record.Both); report.RoundTrips != 1 {
		t.Errorf("again: %+v", report)
	}
}

// Signed records keep their signatures over several peers, and retractions travel, in either
// direction.
func TestSyncSigned(t *testing.T) {
	ctx := context.Background()
	a, b, c := newReader(t, memory.Engine()), newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(b, a)
	meet(c, b)
	publish := func(number uint64, text string) {
		l := Letter{From: a.host.ID(), Number: number, Text: text}
		if _, err := record.Publish(ctx, a.node, Letters, &l); !errors.Is(err, record.ErrNoPeers) {
			t.Fatal(err)
		}
	}
	retract := func(number uint64) {
		key := models.MakePair(a.host.ID(), number)
		if _, err := record.Retract(ctx, a.node, Letters, key); !errors.Is(err, record.ErrNoPeers) {
			t.Fatal(err)
		}
	}
	letters := func(n *node) map[uint64]string {
		all := map[uint64]string{}
		for l, err := range Letters.All(ctx, n.store) {
			if err != nil {
				t.Fatal(err)
			}
			all[l.Number] = l.Text
		}
		return all
	}
	for number := range uint64(10) {
		publish(number, "first")
	}
	mustSync(t, b, a, AllLetters, record.Pull)
	mustSync(t, c, b, AllLetters, record.Pull)
	if got := letters(c); len(got) != 10 || got[3] != "first" {
		t.Errorf("the third peer has %v", got)
	}
	publish(3, "second")
	retract(4)
	retract(5)
	mustSync(t, b, a, AllLetters, record.Pull)
	if got := letters(b); len(got) != 8 || got[3] != "second" {
		t.Errorf("after a pull the second peer has %v", got)
	}
	mustSync(t, c, b, AllLetters, record.Both)
	if got := letters(c); !maps.Equal(got, letters(a)) {
		t.Errorf("after a sync the third peer has %v", got)
	}
	// The peer that has the tombstone is the one that begins.
	d := newReader(t, memory.Engine())
	meet(b, d)
	mustSync(t, b, d, AllLetters, record.Push)
	retract(6)
	mustSync(t, b, a, AllLetters, record.Pull)
	mustSync(t, b, d, AllLetters, record.Both)
	if got := letters(d); !maps.Equal(got, letters(a)) {
		t.Errorf("the fourth peer has %v", got)
	}
	if report := mustSync(t, b, d, AllLetters, record.Both); report.RoundTrips != 1 {
		t.Errorf("they are not the same: %+v", report)
	}
}

// Rows of an immutable tree travel.
func TestSyncImmutable(t *testing.T) {
	ctx := context.Background()
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	for i := range 20 {
		s := Scan{Data: make([]byte, 1000*i)}
		_, value, err := Scans.Encode(&s)
		if err != nil {
			t.Fatal(err)
		}
		s.ID = sha256.Sum256(value)
		if err := Scans.Put(ctx, b.store, &s); err != nil {
			t.Fatal(err)
		}
	}
	mustSync(t, a, b, AllScans, record.Pull)
	if n, err := Scans.Count(ctx, a.store, models.Range[record.Hash]{}); err != nil || n != 20 {
		t.Errorf("there are %d scans, %v", n, err)
	}
}

// A record keeps its age when it travels, so that peers do not keep it for ever by giving it to each
// other.
func TestSyncAge(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(b, a)
	old := Page{ID: 1, Text: "old", Version: 1}
	_, value, err := Pages.Encode(&old)
	if err != nil {
		t.Fatal(err)
	}
	recordKey := record.Key(Pages, old.ID)
	received := time.Now().Add(-23 * time.Hour)
	mustPut(t, a.records, dsKey("library.page", recordKey), kadRecord(t, recordKey, value, received))
	putPages(t, a, 1, 2)
	if report := mustSync(t, b, a, AllPages, record.Both); report.Pulled.Taken != 2 {
		t.Errorf("%+v", report)
	}
	for id, want := range map[uint64]time.Time{1: received, 2: time.Now()} {
		receipt, err := receipts.Tree.Get(t.Context(), b.store, models.MakePair(Pages.Name(), Pages.EncodeKey(id)))
		if err != nil || receipt.Received.Sub(want).Abs() > time.Minute {
			t.Errorf("page %d has the receipt %+v, %v; want %v", id, receipt, err, want)
		}
	}
}

// Faults of the caller and of the other peer have errors that tell them apart.
func TestSyncErrors(t *testing.T) {
	ctx := t.Context()
	a, b := newReader(t, memory.Engine()), newNodeWith(t, memory.Engine(), market())
	meet(a, b)
	c := newReader(t, memory.Engine())
	meet(a, c)
	sync := func(ctx context.Context, with *node, topic string, d record.Direction) error {
		_, err := a.node.Sync(ctx, with.host.ID(), topic, record.SyncOptions{Direction: d})
		return err
	}
	if err := sync(ctx, c, "library.page/none", 0); !errors.Is(err, record.ErrNoTopic) {
		t.Errorf("no topic here: %v", err)
	}
	if err := sync(ctx, b, AllPages.Name(), 0); err == nil {
		t.Error("a peer without topics has answered")
	}
	if err := sync(ctx, c, AllPages.Name(), 9); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("no direction: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := sync(ended, c, AllPages.Name(), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	if err := a.records.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sync(ctx, c, AllPages.Name(), 0); !errors.Is(err, models.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
