//go:build js

package browser_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/browser"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// member is a page's peer with records. Everything but its host is as on a server.
type member struct {
	host    host.Host
	dht     *dht.IpfsDHT
	records *record.Records
	node    *record.Node
}

// openPad opens the records of a page.
func openPad(t testing.TB, database string) *record.Records {
	t.Helper()
	records, err := record.Open(t.Context(), indexeddb.Engine(database), record.Options{Models: []*models.Definition{Pad}})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// join makes a member of records. It is closed at the end of the test.
func join(t testing.TB, records *record.Records, opts browser.Options, mode ...dht.Option) *member {
	t.Helper()
	m := &member{records: records}
	var err error
	if m.host, err = browser.New(opts); err != nil {
		t.Fatal(err)
	}
	if m.dht, err = dht.New(m.host, append(records.DHTOptions(), mode...)...); err != nil {
		t.Fatal(err)
	}
	if m.node, err = record.Join(records, m.dht); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(m.dht.Close(), m.host.Close(), records.Close()); err != nil {
			t.Error(err)
		}
	})
	return m
}

// meet connects a member, and waits until its DHT knows the peer.
func meet(t testing.TB, m *member, to peer.AddrInfo) {
	t.Helper()
	connect(t, m.host, to)
	waitFor(t, "the DHT to know the peer", func() bool { return m.dht.RoutingTable().Find(to.ID) != "" })
}

var fresh atomic.Int64

// unique returns a text that no other test has, in the page or in a worker.
func unique(what string) string {
	return fmt.Sprint(what, "-", time.Now().UnixNano(), "-", fresh.Add(1))
}

// texts returns what an author has written, by the index of a page's store.
func texts(t testing.TB, records *record.Records, author string) (all []string) {
	t.Helper()
	for note, err := range NoteByAuthor.Find(t.Context(), records.Store(), author) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, note.Text)
	}
	return all
}

// found waits until a native peer finds a text by the index.
func found(t testing.TB, h host.Host, server peer.ID, author, text string) {
	t.Helper()
	waitFor(t, "a server to find "+text, func() bool {
		return slices.Contains(ask(t, h, server, question{Do: "find", Author: author}).Texts, text)
	})
}

// A record that a page publishes is found by index on servers, and by another page after the first is closed, and
// a page resolves what a server publishes.
func TestRecords(t *testing.T) {
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		a, b := to(natives(t)[0]), to(natives(t)[1])
		note := Note{ID: unique("note"), Author: unique("page"), Text: "from a page", Version: 1}
		t.Run("publish", func(t *testing.T) {
			m := join(t, openPad(t, unique("pad")), browser.Options{})
			meet(t, m, a)
			meet(t, m, b)
			if _, err := record.Publish(t.Context(), m.node, Notes, &note); err != nil {
				t.Fatal(err)
			}
			found(t, m.host, a.ID, note.Author, note.Text)
			found(t, m.host, b.ID, note.Author, note.Text)
			if got := texts(t, m.records, note.Author); !slices.Equal(got, []string{note.Text}) {
				t.Errorf("the page finds %q", got)
			}
		})
		m := join(t, openPad(t, unique("pad")), browser.Options{})
		meet(t, m, a)
		got, err := record.Resolve(t.Context(), m.node, Notes, note.ID)
		if err != nil || got.Text != note.Text {
			t.Errorf("another page resolves %+v, %v", got, err)
		}
		theirs := Note{ID: unique("note"), Author: unique("server"), Text: "from a server", Version: 1}
		ask(t, m.host, a.ID, question{Do: "publish", Note: theirs})
		got, err = record.Resolve(t.Context(), m.node, Notes, theirs.ID)
		if err != nil || got.Text != theirs.Text {
			t.Errorf("a page resolves %+v, %v", got, err)
		}
	})
}

// A page that has worked without a network, and missed what others did, catches up by a sync.
func TestSync(t *testing.T) {
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		server := to(natives(t)[0])
		records := openPad(t, unique("pad"))
		mine := Note{ID: unique("note"), Author: unique("page"), Text: "written alone", Version: 1}
		if err := Notes.Put(t.Context(), records.Store(), &mine); err != nil {
			t.Fatal(err)
		}
		theirs := Note{ID: unique("note"), Author: unique("server"), Text: "missed", Version: 1}
		m := join(t, records, browser.Options{})
		meet(t, m, server)
		ask(t, m.host, server.ID, question{Do: "store", Note: theirs})
		if _, err := m.node.Sync(t.Context(), server.ID, AllNotes.Name(), record.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := texts(t, records, theirs.Author); !slices.Equal(got, []string{theirs.Text}) {
			t.Errorf("the page finds %q", got)
		}
		found(t, m.host, server.ID, mine.Author, mine.Text)
	})
}

// Rows go both ways by gossip.
func TestGossip(t *testing.T) {
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		server := to(natives(t)[0])
		m := join(t, openPad(t, unique("pad")), browser.Options{})
		meet(t, m, server)
		ctx, cancel := context.WithCancel(t.Context())
		ps, err := record.NewPubSub(ctx, m.host)
		if err != nil {
			t.Fatal(err)
		}
		kept := make(chan error)
		go func() {
			kept <- m.node.KeepSynced(ctx, record.KeepSynced{Topics: []string{AllNotes.Name()}, PubSub: ps})
		}()
		waitFor(t, "a peer to gossip with", func() bool { return len(m.node.GossipPeers(AllNotes.Name())) > 0 })
		theirs := Note{ID: unique("note"), Author: unique("server"), Text: "news", Version: 1}
		ask(t, m.host, server.ID, question{Do: "store", Note: theirs})
		waitFor(t, "news", func() bool { return len(texts(t, m.records, theirs.Author)) == 1 })
		mine := Note{ID: unique("note"), Author: unique("page"), Text: "more news", Version: 1}
		if err := Notes.Put(ctx, m.records.Store(), &mine); err != nil {
			t.Fatal(err)
		}
		found(t, m.host, server.ID, mine.Author, mine.Text)
		cancel()
		if err := <-kept; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A page behind a relay is a server of the DHT.
func TestServer(t *testing.T) {
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		relay, other := to(natives(t)[0]), to(natives(t)[1])
		m := join(t, openPad(t, unique("pad")), browser.Options{Relays: []peer.AddrInfo{relay}}, dht.Mode(dht.ModeServer))
		meet(t, m, relay)
		note := Note{ID: unique("note"), Author: unique("page"), Text: "served by a page", Version: 1}
		if _, err := record.Publish(t.Context(), m.node, Notes, &note); err != nil {
			t.Fatal(err)
		}
		asking := newHost(t, browser.Options{})
		connect(t, asking, other)
		got := ask(t, asking, other.ID, question{Do: "ask", Address: behindRelay(t, m.host), Key: record.Key(Notes, note.ID)})
		if len(got.Texts) != 1 || got.Texts[0] == "" {
			t.Errorf("the page answers %q", got.Texts)
		}
	})
}
