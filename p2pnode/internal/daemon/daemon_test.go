package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	circuit "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"go.uber.org/goleak"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/daemon"
)

func TestMain(m *testing.M) {
	if run := os.Getenv("NETABASE_TEST_DAEMON"); run != "" {
		os.Exit(runChild(run))
	}
	goleak.VerifyTestMain(m,
		// Go keeps these for the process: of glog in Badger, and of a cache of routes in libp2p.
		goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"),
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"),
	)
}

// note is the model of the tests.
type note struct {
	ID    uint64
	Title string
	Tags  []string
	Votes int64
}

var (
	notes = models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID },
		models.WithPolicy[note](models.Open), models.KeyFields[note]("ID"))
	_ = models.NewMulti(notes, "tag", models.String, func(n *note) []string { return n.Tags },
		models.Fields[note]("Tags"))
	_ = models.NewIndex(notes, "votes", models.Int64, func(n *note) int64 { return n.Votes },
		models.Fields[note]("Votes"))

	drafts = models.NewTree("draft", models.String, func(n *note) string { return n.Title },
		models.KeyFields[note]("Title"))

	_ = models.NewDefinition("test", notes)
	_ = models.NewDefinition("own", drafts)
)

// newDir makes the directory of a node that has the models.
func newDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, _, err := daemon.Init(dir); err != nil {
		t.Fatal(err)
	}
	for _, tree := range []models.AnyTree{notes, drafts} {
		file, err := os.Create(filepath.Join(config.Models(dir), tree.Name()+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(tree.Schema().Write(file), file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(dir string, args ...string) (*config.Config, error) {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	settings := config.Flags(flags, &dir)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	return settings.Load()
}

// start starts the node of a directory, until the test ends or the returned function is called.
func start(t *testing.T, dir string, args ...string) (*daemon.Daemon, *client, func()) {
	t.Helper()
	cfg, err := load(dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	d, err := daemon.Start(t.Context(), cfg, daemon.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, dir)
	closed := false
	stop := func() {
		if closed {
			return
		}
		closed = true
		c.transport.CloseIdleConnections()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return d, c, stop
}

// client speaks to a node by its socket.
type client struct {
	transport *http.Transport
	token     string
}

func dial(t testing.TB, dir string) *client {
	t.Helper()
	token, err := daemon.Token(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{token: token, transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", config.Socket(dir))
		},
	}}
	t.Cleanup(c.transport.CloseIdleConnections)
	return c
}

// do sends a request, and decodes the answer into the value that into points to.
func (c *client) do(ctx context.Context, method, path string, body, into any) error {
	var send io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://node"+path, send)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := (&http.Client{Transport: c.transport}).Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		var failure api.Failure
		if err := json.Unmarshal(text, &failure); err != nil {
			return fmt.Errorf("%s: %q", answer.Status, text)
		}
		return failure.Error
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

func ask[T any](t *testing.T, c *client, method, path string, body any) (answer T) {
	t.Helper()
	if err := c.do(t.Context(), method, path, body, &answer); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

func refused(t *testing.T, c *client, code api.Code, method, path string, body any) *api.Error {
	t.Helper()
	err := c.do(t.Context(), method, path, body, nil)
	var fault *api.Error
	if !errors.As(err, &fault) || fault.Code != code {
		t.Fatalf("%s %s: got %v, want the code %s", method, path, err, code)
	}
	return fault
}

func row(id uint64, title string, votes int64, tags ...string) json.RawMessage {
	text, err := json.Marshal(note{id, title, append([]string{}, tags...), votes})
	if err != nil {
		panic(err) // it has numbers and texts only
	}
	return text
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("it takes too long until ", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func known(t *testing.T, c *client) func() bool {
	return func() bool { return ask[api.Status](t, c, "GET", "/v1/status", nil).Known > 0 }
}

// A record that one node puts is found by index on the other, which it has been placed on, and
// resolved.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	a, ca, _ := start(t, newDir(t), "-engine", "bolt")
	_, cb, stopB := start(t, newDir(t), "-engine", "memory", "-bootstrap", a.Addresses()[0])
	eventually(t, "the nodes know each other", known(t, ca))
	eventually(t, "the nodes know each other", known(t, cb))

	if s := ask[api.Status](t, ca, "GET", "/v1/status", nil); s.Mode != "server" || s.Peer != a.ID().String() ||
		!slices.Equal(s.Addresses, a.Addresses()) || s.Engine != "bolt" {
		t.Errorf("the status is %+v", s)
	}
	events := watch(t, cb, "/v1/events")
	arrivals := watch(t, cb, "/v1/trees/test.note/watch")
	report := ask[api.Report](t, ca, "POST", "/v1/trees/test.note/put", api.Put{Row: row(7, "seven", 3, "go", "p2p")})
	if len(report.Took) != 1 || !report.Published || report.Key != "7" ||
		!strings.HasPrefix(report.RecordKey, "/test.note/") {
		t.Errorf("put says %+v", report)
	}
	page := ask[api.Page](t, cb, "GET", "/v1/trees/test.note/indexes/tag?key=p2p", nil)
	if len(page.Rows) != 1 || page.Rows[0].Key != "7" || page.Rows[0].Index != "p2p" ||
		!strings.Contains(string(page.Rows[0].Value), `"seven"`) {
		t.Errorf("by index there is %+v", page)
	}
	if found := ask[api.Row](t, ca, "POST", "/v1/trees/test.note/resolve", api.Keyed{Key: "7"}); found.Key != "7" {
		t.Errorf("resolve finds %+v", found)
	}
	holders := ask[[]api.Holder](t, ca, "GET", "/v1/trees/test.note/holders?key=7", nil)
	if len(holders) != 1 || !holders[0].Has || !holders[0].Same {
		t.Errorf("the holders are %+v", holders)
	}
	detail := ask[api.Detail](t, cb, "GET", "/v1/trees/test.note/row?key=7", nil)
	if detail.State != "received" || !detail.Served || detail.Since == nil || detail.RecordKey != report.RecordKey {
		t.Errorf("the row is %+v", detail)
	}
	if e := <-arrivals; e.Kind != api.Stored || e.Key != "7" || !strings.Contains(string(e.Value), `"seven"`) {
		t.Errorf("the watch has %+v", e)
	}
	seen := map[api.EventKind]api.Event{}
	for len(seen) < 2 {
		e := <-events
		if e.Kind == api.Placed || e.Kind == api.Stored {
			seen[e.Kind] = e
		}
	}
	if e := seen[api.Placed]; e.From != a.ID().String() || e.Tree != "test.note" || e.Key != "7" {
		t.Errorf("the event is %+v", e)
	}
	network := ask[api.Network](t, ca, "GET", "/v1/network", nil)
	if len(network.Peers) != 2 || !network.Peers[0].Self || len(network.Peers[0].Links) != 1 {
		t.Errorf("the network is %+v", network)
	}
	schemas := ask[[]api.PeerSchema](t, cb, "GET", "/v1/peers/schemas?peer="+a.ID().String(), nil)
	if len(schemas) != 1 || schemas[0].Tree != "test.note" || schemas[0].Relation != "same" {
		t.Errorf("the schemas of the other are %+v", schemas)
	}
	fetched := ask[json.RawMessage](t, cb, "POST", "/v1/peers/schemas/fetch",
		api.FetchSchema{Peer: a.ID().String(), Tree: "test.note", Hash: schemas[0].Hash})
	if own := ask[json.RawMessage](t, cb, "GET", "/v1/trees/test.note/schema", nil); !bytes.Equal(fetched, own) {
		t.Errorf("the schema is\n%s\nand the other's\n%s", own, fetched)
	}
	const cid = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
	ask[struct{}](t, cb, "POST", "/v1/provide", api.Provide{CID: cid})
	for _, local := range []string{"", "&local=true"} {
		if all := ask[[]api.Provider](t, ca, "GET", "/v1/providers?cid="+cid+local, nil); len(all) != 1 {
			t.Errorf("the providers are %+v", all)
		}
	}
	stopB()
	fault := refused(t, ca, api.NoPeers, "POST", "/v1/trees/test.note/put", api.Put{Row: row(8, "eight", 0)})
	if ask[api.Detail](t, ca, "GET", "/v1/trees/test.note/row?key=8", nil).Key != "8" {
		t.Errorf("the row is not stored: %v", fault)
	}
}

// watch returns the events of a stream. It returns once the stream has begun.
func watch(t *testing.T, c *client, path string) <-chan api.Event {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, "GET", "http://node"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: c.transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	events, ended := make(chan api.Event, 1000), make(chan struct{})
	go func() {
		defer close(ended)
		defer answer.Body.Close()
		for d := json.NewDecoder(answer.Body); ; {
			var e api.Event
			if d.Decode(&e) != nil {
				return
			}
			events <- e
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return events
}

func TestTwoNodesFindEachOtherByMulticast(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for the network")
	}
	t.Parallel()
	protocol := fmt.Sprint("/netabase/test", os.Getpid())
	_, ca, _ := start(t, newDir(t), "-engine", "memory", "-mdns", "-protocol", protocol)
	_, _, _ = start(t, newDir(t), "-engine", "memory", "-mdns", "-protocol", protocol)
	eventually(t, "the nodes know each other", known(t, ca))
}

// A peer that cannot be dialled, as one in a web page, comes by WebSocket and WebTransport, and others reach it through
// the node.
func TestBrowsers(t *testing.T) {
	t.Parallel()
	a, _, _ := start(t, newDir(t), "-engine", "memory", "-browsers", "-relay-service", "full")
	_, cb, _ := start(t, newDir(t), "-engine", "memory", "-browsers")
	for _, kind := range []string{"/ws/", "/webtransport/certhash/"} {
		i := slices.IndexFunc(a.Addresses(), func(address string) bool { return strings.Contains(address, kind) })
		if i < 0 {
			t.Fatalf("there is no address with %s in %s", kind, a.Addresses())
		}
		relay, err := peer.AddrInfoFromString(a.Addresses()[i])
		if err != nil {
			t.Fatal(err)
		}
		page, err := libp2p.New(libp2p.NoListenAddrs, libp2p.EnableRelay(), libp2p.DisableMetrics())
		if err != nil {
			t.Fatal(err)
		}
		defer page.Close()
		if err := page.Connect(t.Context(), *relay); err != nil {
			t.Fatal(err)
		}
		reservation, err := circuit.Reserve(t.Context(), page, *relay)
		if err != nil || reservation.LimitData != 0 || reservation.LimitDuration != 0 {
			t.Fatalf("a reservation of %+v, %v", reservation, err)
		}
		through := a.Addresses()[0] + "/p2p-circuit/p2p/" + page.ID().String()
		got := ask[api.Peer](t, cb, "POST", "/v1/peers/connect", api.Connect{Address: through})
		if got.ID != page.ID().String() {
			t.Errorf("through the relay is %+v", got)
		}
	}
}

func TestAPrivateNetwork(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "psk")
	key := "/key/swarm/psk/1.0.0/\n/base16/\n" + strings.Repeat("ab", 32) + "\n"
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	a, ca, _ := start(t, newDir(t), "-engine", "memory", "-psk-file", file)
	if all := a.Addresses(); len(all) != 1 || strings.Contains(all[0], "quic") {
		t.Errorf("it listens on %q", all)
	}
	_, cb, _ := start(t, newDir(t), "-engine", "memory", "-psk-file", file, "-bootstrap", a.Addresses()[0])
	eventually(t, "the nodes know each other", known(t, cb))
	_, cc, _ := start(t, newDir(t), "-engine", "memory")
	refused(t, cc, api.NoPeers, "POST", "/v1/peers/connect", api.Connect{Address: a.Addresses()[0]})
	if n := ask[api.Status](t, ca, "GET", "/v1/status", nil).Connected; n != 1 {
		t.Errorf("%d peers are connected, want the one with the key", n)
	}
}
