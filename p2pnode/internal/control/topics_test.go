package control

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control/hub"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/node"
	"github.com/newsnet-africa/netabase-go/record"
)

// book is a row of a tree with a topic.
type book struct {
	ID   uint64
	Name string
}

var (
	books = models.NewTree("book", models.Uint64, func(b *book) uint64 { return b.ID },
		models.WithPolicy[book](models.Open), models.KeyFields[book]("ID"))
	allBooks = models.NewTopic(books, "all", nil)
	shelf    = models.NewDefinition("shelf", books)
)

// newPeer returns the interface of a running peer that has the books from first to last.
func newPeer(t *testing.T, first, last uint64) (tester, *Node) {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	store := datastore.Temp(t, memory.Engine(), record.Definition, shelf)
	for id := first; id <= last; id++ {
		if err := books.Put(t.Context(), store, &book{ID: id, Name: fmt.Sprint("book ", id)}); err != nil {
			t.Fatal(err)
		}
	}
	running, err := node.Start(t.Context(), store, node.Config{
		Key: key, Records: record.Options{Models: []*models.Definition{shelf}}, Listen: []string{"/ip4/127.0.0.1/tcp/0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Close(); err != nil {
			t.Error(err)
		}
	})
	tree, err := Host(books)
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{
		ID: running.Host.ID(), Store: store, Records: running.Records, Peer: running, Trees: []*Tree{tree},
		Events: hub.New(), Kept: []string{allBooks.Name()},
	}
	t.Cleanup(n.Events.Close)
	return tester{t, New(Options{Node: n})}, n
}

// sync sends a request to sync, and returns the lines of the answer, and the error that is the last one.
func (t tester) sync(body string) (all []api.Synced, err error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/topics/shelf.book/all/sync", strings.NewReader(body))
	r.Header.Set("Content-Type", typeJSON)
	w := httptest.NewRecorder()
	t.handler.ServeHTTP(w, r)
	for lines := bufio.NewScanner(w.Body); lines.Scan(); {
		var failure api.Failure
		if json.Unmarshal(lines.Bytes(), &failure) == nil && failure.Error != nil {
			return all, failure.Error
		}
		var s api.Synced
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all, nil
}

func (t tester) topic() (topic api.Topic) {
	t.Helper()
	var all []api.Topic
	if t.ask("", "GET", "/v1/topics", "", &all); len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	return all[0]
}

// A topic of two nodes is brought together, and each step is told.
func TestSync(t *testing.T) {
	a, one := newPeer(t, 1, 30)
	b, two := newPeer(t, 21, 25)
	id := one.ID.String()
	if got := b.topic(); got.Name != "shelf.book/all" || got.Tree != "shelf.book" || got.Topic != "all" ||
		got.Rows != 5 || !got.Kept || got.Partial || got.Synced == nil {
		t.Errorf("%+v", got)
	}
	var unknown api.Error
	b.ask(api.UnknownTopic, "POST", "/v1/topics/shelf.book/al/sync", "{}", &unknown)
	if unknown.Suggestion != "all" || len(unknown.Known) != 1 {
		t.Errorf("%+v", unknown)
	}
	b.ask(api.UnknownTree, "POST", "/v1/topics/shelf.boo/all/sync", "{}", nil)
	for body, code := range map[string]api.Code{
		`{"direction":"down"}`: api.Invalid, `{"peer":"nobody"}`: api.Invalid,
		fmt.Sprintf(`{"peer":%q}`, two.ID): api.Invalid, `{}`: api.NoPeers, // nobody is connected
	} {
		b.ask(code, "POST", "/v1/topics/shelf.book/all/sync", body, nil)
	}
	// The address of the peer is not known.
	var failed *api.Error
	steps, err := b.sync(fmt.Sprintf(`{"peer":%q}`, id))
	if !errors.As(err, &failed) || failed.Code != api.NoPeers || len(steps) == 0 || steps[len(steps)-1].Error == "" {
		t.Errorf("%+v, %v", steps, err)
	}

	if err := two.Peer.Host.Connect(context.Background(), one.Peer.Address()); err != nil {
		t.Fatal(err)
	}
	steps, err = b.sync(fmt.Sprintf(`{"peer":%q,"direction":"pull"}`, id))
	if err != nil || len(steps) < 2 {
		t.Fatalf("%+v, %v", steps, err)
	}
	for i, s := range steps {
		if s.Peer != id || s.Direction != "pull" || s.Done != (i == len(steps)-1) {
			t.Errorf("step %d is %+v", i, s)
		}
	}
	if last := steps[len(steps)-1]; last.Pulled != (api.SyncCounts{Taken: 25}) || last.Pushed != (api.SyncCounts{}) ||
		last.Error != "" || last.RoundTrips == 0 || last.BytesRead == 0 {
		t.Errorf("%+v", last)
	}
	if got := b.topic(); got.Rows != 30 || len(got.Synced) != 1 || !got.Synced[0].Done || got.Synced[0].Pulled.Taken != 25 {
		t.Errorf("%+v", got)
	}

	if err := books.Put(t.Context(), two.Store, &book{ID: 99}); err != nil {
		t.Fatal(err)
	}
	// Without a peer it is each that is connected. Identify has to have told what it speaks.
	steps, err = b.sync(`{}`)
	for errors.As(err, &failed) && failed.Code == api.NoPeers && t.Context().Err() == nil {
		steps, err = b.sync(`{}`)
	}
	if err != nil || len(steps) < 2 || steps[len(steps)-1].Pushed.Taken != 1 || steps[len(steps)-1].Direction != "both" {
		t.Errorf("%+v, %v", steps, err)
	}
	if got := a.topic(); got.Rows != 31 {
		t.Errorf("%+v", got)
	}
}

// A node that does not run has topics, and nobody to sync them with.
func TestTopicsOffline(t *testing.T) {
	x, n := newPeer(t, 1, 3)
	n.Peer = nil
	if got := x.topic(); got.Rows != 3 {
		t.Errorf("%+v", got)
	}
	x.ask(api.NoPeers, "POST", "/v1/topics/shelf.book/all/sync", "{}", nil)
}
