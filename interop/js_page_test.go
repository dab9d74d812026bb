package interop_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// jsPage is a peer of js-libp2p in a web page.
type jsPage struct{ *webtest.Tab }

func (p jsPage) do(command map[string]any, result any) error { return p.Call(result, "run", command) }

// openJS opens js/page.mjs in a browser, or skips the test where the browser, Node or its packages are missing.
func openJS(t *testing.T) jsPage {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not there")
	}
	if _, err := os.Stat(filepath.Join("js", "node_modules", "esbuild")); err != nil {
		t.Skip("js-libp2p is not there: run npm ci in interop/js")
	}
	webtest.Needs(t)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), node, "node_modules/esbuild/bin/esbuild", "page.mjs",
		"--bundle", "--format=esm", "--log-level=warning", "--outfile="+filepath.Join(dir, "page.js"),
		// nostr-tools has it in a file that it does not export.
		"--alias:negentropy=./node_modules/nostr-tools/lib/esm/nip77.js")
	cmd.Dir = "js"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	if err := bundled(); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("js", "page.html"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "index.html"), page, 0o600); err != nil {
		t.Fatal(err)
	}
	return jsPage{webtest.Open(t, os.DirFS(dir))}
}

// bundled reads what esbuild has read, so that go test does not take the result of a test from its cache when that
// has changed.
func bundled() error {
	files, err := filepath.Glob(filepath.Join("js", "*.mjs"))
	for _, file := range files {
		_, failed := os.ReadFile(file)
		err = errors.Join(err, failed)
	}
	return err
}

// A page speaks with our peers over WebSockets and WebTransport: it exchanges records through the DHT, gossips
// and syncs.
func TestJSPage(t *testing.T) {
	page := openJS(t)
	for name, listen := range map[string]string{
		"WebSocket": "/ip4/127.0.0.1/tcp/0/ws", "WebTransport": "/ip4/127.0.0.1/udp/0/quic-v1/webtransport",
	} {
		for _, test := range []struct {
			name       string
			definition *models.Definition
			run        func(*testing.T, foreign, *peer)
		}{
			{"items", Shop, exchangeItems},
			{"policies", Shop, putByPolicies},
			{"gossip", Shop, gossipItems},
			{"pull", Shop, pullItems},
			{"sync", Shop, syncItems},
			{"deletions", Board, deleteNotices},
			{"gossip of deletions", Board, gossipDeletions},
		} {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				page.Reload() // which makes another peer
				test.run(t, page, newPeerOn(t, memory.Engine(), test.definition, listen))
			})
		}
	}
}

// must has a peer run a command.
func must[T any](t *testing.T, other foreign, command map[string]any) (result T) {
	t.Helper()
	if err := other.do(command, &result); err != nil {
		t.Fatal(err)
	}
	return result
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 600 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond) // another process
	}
	t.Fatalf("it does not come to this: %s", what)
}

// gossip has our peer and another meet and gossip a topic, as long as the test lasts.
func gossip(t *testing.T, other foreign, ours *peer, topic string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ps, err := record.NewPubSub(ctx, ours.dht.Host())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- ours.node.KeepSynced(ctx, record.KeepSynced{
			Topics: []string{topic}, Alone: true, Interval: time.Hour, PubSub: ps,
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	meet(t, other, ours)
	eventually(t, "both gossip the topic", func() bool {
		return must[int](t, other, map[string]any{"do": "gossips", "topic": topic}) == 1 &&
			len(ps.ListPeers("/netabase/topic/"+topic)) == 1
	})
}

// gossipItems has our peer and another tell each other of new items.
func gossipItems(t *testing.T, other foreign, ours *peer) {
	ctx := t.Context()
	gossip(t, other, ours, AllItems.Name())

	saw := Item{ID: 1, Version: 1, Name: "saw", Maker: "Ada", Tags: []string{}}
	if err := Items.Put(ctx, ours.store, &saw); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other peer has the saw", func() bool {
		return reflect.DeepEqual(must[[]Item](t, other, map[string]any{"do": "held"}), []Item{saw})
	})

	// Ours takes what the other one tells, if it is valid and better.
	for _, told := range []map[string]any{
		item(2, 2, "axe", "Grace"), item(2, 1, "old axe", "Grace"), item(3, 1, "nail", "Grace"),
	} {
		if n := must[int](t, other, map[string]any{"do": "publish", "item": told}); n != 1 {
			t.Errorf("%d peers were told of %v", n, told)
		}
	}
	axe := Item{ID: 2, Version: 2, Name: "axe", Maker: "Grace", Tags: []string{"é", "ß"}}
	nail := Item{ID: 3, Version: 1, Name: "nail", Maker: "Grace", Tags: []string{"é", "ß"}}
	eventually(t, "ours has the axe and the nail", func() bool {
		return reflect.DeepEqual(ours.byMaker(t, "Grace"), []Item{axe, nail})
	})
	// It refuses one that lies under another's key.
	forged := map[string]any{"do": "publishForged", "item": item(5, 1, "wrench", "Eve"), "id": 6}
	if n := must[int](t, other, forged); n != 1 {
		t.Errorf("%d peers were told of a forged item", n)
	}
	must[int](t, other, map[string]any{"do": "publish", "item": item(7, 1, "file", "Linus")})
	eventually(t, "ours has the file", func() bool { return len(ours.byMaker(t, "Linus")) == 1 })
	if got := ours.byMaker(t, "Eve"); got != nil {
		t.Errorf("ours has taken %+v", got)
	}
}

// pullItems has another peer sync a topic of ours: all of it first, and then what is new.
func pullItems(t *testing.T, other foreign, ours *peer) {
	ctx := t.Context()
	meet(t, other, ours)
	const many = 1500
	var want []Item
	for id := range uint64(many) {
		want = append(want, Item{ID: id, Version: 1, Name: fmt.Sprint("item ", id), Maker: "Ada", Tags: []string{}})
	}
	if err := Items.PutMany(ctx, ours.store, want); err != nil {
		t.Fatal(err)
	}
	type pulled struct{ Turns, Listed, Wanted int }
	pull := map[string]any{"do": "sync", "way": "pull"}
	if got := must[pulled](t, other, pull); got.Listed != many || got.Wanted != 0 {
		t.Errorf("the first sync gives %+v", got)
	}
	if held := must[[]Item](t, other, map[string]any{"do": "held"}); !reflect.DeepEqual(held, want) {
		t.Errorf("the page has %d items", len(held))
	}

	// Changed and new rows are found by ids.
	for _, id := range []uint64{3, 700, 1499} {
		want[id].Version, want[id].Name = 2, "better"
		if err := Items.Put(ctx, ours.store, &want[id]); err != nil {
			t.Fatal(err)
		}
	}
	more := Item{ID: 5000, Version: 1, Name: "more", Maker: "Ada", Tags: []string{}}
	if err := Items.Put(ctx, ours.store, &more); err != nil {
		t.Fatal(err)
	}
	want = append(want, more)
	if got := must[pulled](t, other, pull); got.Listed != 0 || got.Wanted != 4 {
		t.Errorf("the second sync gives %+v", got)
	}
	if held := must[[]Item](t, other, map[string]any{"do": "held"}); !reflect.DeepEqual(held, want) {
		t.Errorf("the page has %d items after the second sync", len(held))
	}
	if got := must[pulled](t, other, pull); got.Listed != 0 || got.Wanted != 0 || got.Turns != 1 {
		t.Errorf("a sync of equal sets gives %+v", got)
	}
}

// syncItems has our peer and another bring their sets together, each in turn as the one that begins.
func syncItems(t *testing.T, other foreign, ours *peer) {
	ctx := t.Context()
	meet(t, other, ours)
	id, err := libp2ppeer.Decode(must[string](t, other, map[string]any{"do": "self"}))
	if err != nil {
		t.Fatal(err)
	}
	made := func(id, version uint64, maker string) Item {
		return Item{ID: id, Version: version, Name: fmt.Sprint("item ", id), Maker: maker, Tags: []string{}}
	}
	want := map[uint64]Item{}
	here := func(items ...Item) {
		t.Helper()
		if err := Items.PutMany(ctx, ours.store, items); err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			want[item.ID] = item
		}
	}
	there := func(items ...Item) {
		t.Helper()
		for _, item := range items {
			command := map[string]any{"do": "hold", "item": map[string]any{
				"id": item.ID, "version": item.Version, "name": item.Name, "maker": item.Maker, "tags": item.Tags,
			}}
			if !must[bool](t, other, command) {
				t.Fatalf("the page refuses %+v", item)
			}
			want[item.ID] = item
		}
	}
	check := func() {
		t.Helper()
		items := slices.SortedFunc(maps.Values(want), func(a, b Item) int { return cmp.Compare(a.ID, b.ID) })
		if held := must[[]Item](t, other, map[string]any{"do": "held"}); !reflect.DeepEqual(held, items) {
			t.Errorf("the page has %d items, want %d", len(held), len(items))
		}
		var stored []Item
		for item, err := range Items.Range(ctx, ours.store, all) {
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, item)
		}
		if !reflect.DeepEqual(stored, items) {
			t.Errorf("ours has %d items, want %d", len(stored), len(items))
		}
	}
	sync := func(direction record.Direction) record.SyncReport {
		t.Helper()
		report, err := ours.node.Sync(ctx, id, AllItems.Name(), record.SyncOptions{Direction: direction})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}

	// Ours begins, and has nothing: it asks for a list.
	for i := range uint64(100) {
		there(made(i, 1, "Grace"))
	}
	if report := sync(record.Both); report.Pulled.Taken != 100 {
		t.Errorf("ours has pulled %d", report.Pulled.Taken)
	}
	check()

	// Ours begins, and each has what the other one lacks, or has in a worse version.
	for i := range uint64(300) {
		here(made(1000+i, 1, "Ada"))
	}
	there(made(2000, 1, "Grace"), made(5, 2, "Grace"), made(6, 3, "Grace"))
	here(made(7, 2, "Ada"), made(8, 2, "Ada"))
	// A better version can come both for its id and in answer to the worse one.
	if report := sync(record.Both); report.Pulled.Taken < 3 || report.Pushed.Taken != 302 {
		t.Errorf("ours has pulled %d and pushed %d", report.Pulled.Taken, report.Pushed.Taken)
	}
	check()

	// The page begins.
	there(made(3000, 1, "Grace"), made(9, 2, "Grace"))
	here(made(3001, 1, "Ada"), made(10, 2, "Ada"))
	type synced struct{ Turns, Listed, Wanted, Offered int }
	got := must[synced](t, other, map[string]any{"do": "sync", "way": "both"})
	if got.Wanted != 2 || got.Offered != 2 {
		t.Errorf("the page has done %+v", got)
	}
	check()

	// It only pushes, and only pulls.
	there(made(3002, 1, "Grace"))
	must[synced](t, other, map[string]any{"do": "sync", "way": "push"})
	here(made(3003, 1, "Ada"))
	must[synced](t, other, map[string]any{"do": "sync", "way": "pull"})
	check()
	if report := sync(record.Both); report.ToPull != 0 || report.ToPush != 0 {
		t.Errorf("of equal sets %d are to pull and %d to push", report.ToPull, report.ToPush)
	}
}
