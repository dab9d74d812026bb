package js_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/record"
)

// Item is the model of the README.
type Item struct {
	ID      uint64
	Version uint64
	Name    string
	Maker   string
}

// Deed belongs to a peer, which signs it.
type Deed struct {
	Owner  libp2ppeer.ID
	Number uint64
	Text   string
}

var (
	Items = models.NewTree("item", models.Uint64, func(i *Item) uint64 { return i.ID },
		models.WithPolicy[Item](models.Open), models.WithClock(func(i *Item) uint64 { return i.Version }),
		models.KeyFields[Item]("ID"), models.ClockField[Item]("Version"))
	ItemByMaker = models.NewIndex(Items, "maker", models.String, func(i *Item) string { return i.Maker },
		models.Fields[Item]("Maker"))
	Deeds = models.NewTree("deed", models.PairOf(record.PeerKey, models.Uint64),
		func(d *Deed) models.Pair[libp2ppeer.ID, uint64] { return models.MakePair(d.Owner, d.Number) },
		models.WithPolicy[Deed](models.Signed), models.KeyFields[Deed]("Owner", "Number"))
	DeedByText = models.NewIndex(Deeds, "text", models.String, func(d *Deed) string { return d.Text },
		models.Fields[Deed]("Text"))
	Shop = models.NewDefinition("shop", Items, Deeds)
)

// site builds all that the page needs, or skips the test.
func site(t *testing.T) (dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds a program for the browser")
	}
	webtest.Needs(t)
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not there", program)
		}
	}
	if _, err := os.Stat(filepath.Join("node_modules", "esbuild")); err != nil {
		t.Skip("the packages are not there: run npm ci in js")
	}
	// Other programs read these. This one does so that go test does not take a result from its cache when one has
	// changed.
	for _, files := range []string{"index.js", "test/*.js", "program/*.go"} {
		names, err := filepath.Glob(files)
		for _, name := range names {
			_, failed := os.ReadFile(name)
			err = errors.Join(err, failed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	dir = t.TempDir()
	run := func(env []string, program string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	run([]string{"GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS="},
		"go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, "netabase.wasm"), "./program")
	// The README's code has to lie here for its packages to be found.
	readme := filepath.Join(t.TempDir(), "readme.js")
	write(t, readme, example(t))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	run([]string{"NODE_PATH=" + filepath.Join(here, "node_modules")},
		"node", "node_modules/esbuild/bin/esbuild", "test/page.js", "test/worker.js", readme, "--bundle", "--format=esm",
		"--alias:aegir/chai=./test/chai.js", "--alias:iso-random-stream=./test/random.js",
		"--alias:netabase-datastore=./index.js", "--splitting", "--external:/wasm_exec.js",
		"--entry-names=[name]", "--log-level=warning", "--outdir="+dir)
	for file, from := range map[string]string{
		"index.html": "test/index.html", "mocha.js": "node_modules/mocha/mocha.js",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, file), string(text))
	}
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// example returns the README's code as a function that the page can call.
func example(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```js\n(.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no code")
	}
	imports, body, _ := strings.Cut(string(block[1]), "\n\n")
	return fmt.Sprintf("%s\nglobalThis.readme = async () => {\n%s\nreturn items }\n", imports, body)
}

// peer starts a peer of the DHT that listens on a WebSocket, and returns its address.
func peer(t *testing.T) (node *record.Node, store *datastore.Store, address string) {
	t.Helper()
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), record.Definition, Shop)
	if err != nil {
		t.Fatal(err)
	}
	closing := func(c interface{ Close() error }) {
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closing(store)
	records, err := record.New(ctx, store, record.Options{Models: []*models.Definition{Shop}})
	if err != nil {
		t.Fatal(err)
	}
	closing(records)
	host, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0/ws"))
	if err != nil {
		t.Fatal(err)
	}
	closing(host)
	d, err := dht.New(host, append(records.DHTOptions(), dht.Mode(dht.ModeServer))...)
	if err != nil {
		t.Fatal(err)
	}
	closing(d)
	if node, err = record.Join(records, d); err != nil {
		t.Fatal(err)
	}
	return node, store, fmt.Sprintf("%s/p2p/%s", host.Addrs()[0], host.ID())
}

// file returns a schema file.
func file(t *testing.T, schema shape.Schema) string {
	t.Helper()
	var text strings.Builder
	if err := schema.Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestDatastore(t *testing.T) {
	dir := site(t)
	item, deed := file(t, Items.Schema()), file(t, Deeds.Schema())
	write(t, filepath.Join(dir, "item.json"), item)
	node, store, address := peer(t)
	write(t, filepath.Join(dir, "address.txt"), address)
	tab := webtest.Open(t, os.DirFS(dir))
	shop := map[string]any{"name": "shop", "schemas": []string{item}}

	t.Run("readme", func(t *testing.T) {
		hammer := Item{ID: 7, Version: 1, Name: "hammer", Maker: "Ada"}
		nail := Item{ID: 8, Version: 5, Name: "nail", Maker: "Ada"}
		if err := Items.Put(t.Context(), store, &nail); err != nil {
			t.Fatal(err)
		}
		// There is no other peer to take it, so it is only stored here.
		if _, err := record.Publish(t.Context(), node, Items, &nail); err == nil {
			t.Fatal("somebody has taken the nail")
		}
		var items []Item
		if err := tab.Call(&items, "readme"); err != nil {
			t.Fatal(err)
		}
		if want := []Item{hammer, nail}; !reflect.DeepEqual(items, want) {
			t.Errorf("the page has %+v", items)
		}
		// Our peer has what the page has put.
		var found []Item
		for item, err := range ItemByMaker.Find(t.Context(), store, "Ada") {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, item)
		}
		if want := []Item{hammer, nail}; !reflect.DeepEqual(found, want) {
			t.Errorf("our peer has %+v", found)
		}
		// The rows are there after a reload.
		tab.Reload()
		if err := tab.Call(&items, "find", shop, "shop.item", "maker", "Ada"); err != nil {
			t.Fatal(err)
		}
		if want := []Item{hammer, nail}; !reflect.DeepEqual(items, want) {
			t.Errorf("after a reload the page has %+v", items)
		}
		var got Item
		if err := tab.Call(&got, "row", shop, "shop.item", "7"); err != nil || got != hammer {
			t.Errorf("the row is %+v, %v", got, err)
		}
	})

	// Records that our peer publishes come to the page, by the rules of each tree, and stay.
	t.Run("node", func(t *testing.T) {
		ctx := t.Context()
		all := map[string]any{"name": "node", "schemas": []string{item, deed}}
		var text string
		if err := tab.Call(&text, "join", all, address); err != nil {
			t.Fatal(err)
		}
		page, err := libp2ppeer.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; node.DHT().RoutingTable().Find(page) == ""; i++ {
			if i == 200 {
				t.Fatal("the page does not come into our routing table")
			}
			time.Sleep(50 * time.Millisecond) // another process
		}
		saw := Item{ID: 1, Version: 1, Name: "saw", Maker: "Grace"}
		if _, err := record.Publish(ctx, node, Items, &saw); err != nil {
			t.Fatal(err)
		}
		house := Deed{Owner: node.DHT().PeerID(), Number: 1, Text: "a house"}
		hut := Deed{Owner: house.Owner, Number: 2, Text: "a hut"}
		for _, deed := range []*Deed{&house, &hut} {
			if _, err := record.Publish(ctx, node, Deeds, deed); err != nil {
				t.Fatal(err)
			}
		}
		key := models.MakePair(hut.Owner, hut.Number)
		if _, err := record.Retract(ctx, node, Deeds, key); err != nil {
			t.Fatal(err)
		}
		check := func() {
			t.Helper()
			for _, search := range []struct {
				tree, index, key string
				want             int
			}{
				{"shop.item", "maker", "Grace", 1}, {"shop.deed", "text", "a house", 1}, {"shop.deed", "text", "a hut", 0},
			} {
				var rows []map[string]any
				if err := tab.Call(&rows, "held", "find", search.tree, search.index, search.key); err != nil {
					t.Fatal(err)
				}
				if len(rows) != search.want {
					t.Errorf("%+v finds %v", search, rows)
				}
			}
		}
		check()
		var records []string
		if err := tab.Call(&records, "held", "keys", "/dht/record/"); err != nil || len(records) != 3 {
			t.Errorf("the datastore has the records %q, %v", records, err)
		}

		// Providers are found, and kept.
		hash := strings.Repeat("5a", 32)
		whole, err := multihash.Encode([]byte(strings.Repeat("Z", 32)), multihash.SHA2_256)
		if err != nil {
			t.Fatal(err)
		}
		ours := libp2ppeer.AddrInfo{ID: node.DHT().PeerID()}
		if err := node.DHT().ProviderStore().AddProvider(ctx, whole, ours); err != nil {
			t.Fatal(err)
		}
		var provided struct {
			Self  string
			Found []string
		}
		if err := tab.Call(&provided, "provide", hash); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{provided.Self, node.DHT().PeerID().String()} {
			if !slices.Contains(provided.Found, id) {
				t.Errorf("the providers %q are not %s", provided.Found, id)
			}
		}
		var kept []string
		if err := tab.Call(&kept, "held", "keys", "/dht/provider"); err != nil || len(kept) != 1 {
			t.Errorf("the datastore has the provider records %q, %v", kept, err)
		}
		if err := tab.Call(nil, "leave"); err != nil {
			t.Fatal(err)
		}
		tab.Reload()
		if err := tab.Call(nil, "join", all, address); err != nil {
			t.Fatal(err)
		}
		check()
		if err := tab.Call(nil, "leave"); err != nil {
			t.Error(err)
		}
	})

	t.Run("worker", func(t *testing.T) {
		var answer string
		if err := tab.Call(&answer, "inWorker"); err != nil || answer != "it works" {
			t.Errorf("the worker says %q, %v", answer, err)
		}
	})

	t.Run("compliance", func(t *testing.T) {
		for _, relaxed := range []bool{false, true} {
			var result struct {
				Passed int
				Failed []string
			}
			tab.Reload() // since mocha runs once
			if err := tab.Call(&result, "compliance", relaxed); err != nil {
				t.Fatal(err)
			}
			for _, test := range result.Failed {
				t.Error(test)
			}
			if t.Logf("%d tests have passed", result.Passed); result.Passed < 42 {
				t.Error("there are fewer tests than there were")
			}
		}
	})

	t.Run("errors", func(t *testing.T) {
		var names map[string]string
		if err := tab.Call(&names, "errors", shop); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"no row": "NotFoundError", "no tree": "UnknownTreeError", "no index": "InvalidError", "no key": "InvalidError",
			"no field": "InvalidError", "no bytes": "InvalidError", "no value": "NotFoundError", "no record": "InvalidError",
			"other key": "InvalidError", "older record": "OldRecordError", "open twice": "LockedError",
			"not open": "ClosedError", "bad schema": "InvalidError", "bad prefix": "InvalidError",
		}
		if !reflect.DeepEqual(names, want) {
			t.Errorf("the errors are %v", names)
		}
	})

	t.Run("two tabs", func(t *testing.T) {
		var came struct {
			Refused string
			Served  []string
		}
		if err := tab.Call(&came, "inTwoTabs", shop); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(came.Refused, "LockedError: ") || !strings.Contains(came.Refused, `"shop"`) {
			t.Errorf("the second tab gets %q", came.Refused)
		}
		for i, got := range came.Served {
			if got != "served" {
				t.Errorf("opening %d, once the store is free, comes to %q", i, got)
			}
		}
		if len(came.Served) != 12 {
			t.Errorf("it was opened %d times", len(came.Served))
		}
	})

	t.Run("nothing stays", func(t *testing.T) {
		var first, last int
		if err := tab.Call(&first, "functions"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := tab.Call(nil, "find", shop, "shop.item", "maker", "Ada"); err != nil {
				t.Fatal(err)
			}
		}
		if err := tab.Call(&last, "functions"); err != nil || last != first {
			t.Errorf("there were %d functions, and are %d, %v", first, last, err)
		}
		if err := tab.Call(nil, "end"); err != nil {
			t.Error(err)
		}
	})
}
