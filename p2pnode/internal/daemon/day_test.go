package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	nodeclient "github.com/newsnet-africa/netabase-go/p2pnode/internal/client"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/daemon"
)

const (
	// dayVariable says how long TestDay takes: "10m". It takes shortDay without it.
	dayVariable = "NETABASE_DAY"
	shortDay    = 10 * time.Second

	// Per day: how old records become, how often the nodes publish their own again, and how often a
	// node stops. Records that nobody publishes again expire four times a day.
	ageParts, republishParts, churnParts = 4, 10, 48

	dayNodes = 5
	// lasting is how many records the nodes keep up. They are never to be lost.
	lasting = 100
	// pause is between the passing records and provider records, which nobody keeps up.
	pause = 20 * time.Millisecond
)

// TestDay has nodes work for a day, squeezed into NETABASE_DAY: peers stop and come back, records are
// put, changed, published again and left to expire. Nothing that was acknowledged may be lost, memory
// has to stay flat, and the disk bounded.
func TestDay(t *testing.T) {
	length := shortDay
	if text := os.Getenv(dayVariable); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		t.Skip("it takes ten seconds")
	}
	d := newDay(t, length)
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var work sync.WaitGroup
	for _, do := range []func(context.Context){d.keepUp, d.pass, d.provide, d.churn, d.measure} {
		work.Go(func() { do(ctx) })
	}
	work.Wait()
	d.check()
}

// day is a running network and what was done in it.
type day struct {
	*testing.T
	length time.Duration
	nodes  []*dayNode

	mu sync.Mutex
	// acknowledged has the newest value of each lasting record that a node has acknowledged.
	acknowledged [lasting]member
	puts         int
	refused      map[string]int
	samples      []sample
}

type member struct {
	ID      uint64
	Name    string
	Email   string
	Updated time.Time
}

// sample is what the network takes at one moment.
type sample struct {
	heap, disk uint64
	rows       int64
}

// dayNode is a node. Its client is nil while it is stopped.
type dayNode struct {
	dir string
	// busy is held for writing while the node stops and starts, and for reading while it works.
	busy   sync.RWMutex
	daemon *daemon.Daemon
	client *nodeclient.Client
}

func newDay(t *testing.T, length time.Duration) *day {
	t.Helper()
	d := &day{T: t, length: length, refused: map[string]int{}}
	schema, err := os.ReadFile("../../../examples/schema/member.json")
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for range dayNodes {
		n := &dayNode{dir: filepath.Join(t.TempDir(), "n")}
		id, _, err := daemon.Init(n.dir)
		if err == nil {
			err = os.WriteFile(filepath.Join(config.Models(n.dir), "club.member.json"), schema, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		d.nodes = append(d.nodes, n)
		addresses = append(addresses, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", freePort(t), id))
	}
	for i, n := range d.nodes {
		listen, _, _ := strings.Cut(addresses[i], "/p2p/") // the same after a restart
		settings := []string{
			fmt.Sprintf("max-record-age %s", length/ageParts),
			fmt.Sprintf("provider-validity %s", length/ageParts),
			fmt.Sprintf("republish-interval %s", length/republishParts),
			"sync-interval 500ms",
			"engine " + []string{"bolt", "badger"}[i%2],
			"listen " + listen,
			"bootstrap " + strings.Join(slices.Concat(addresses[:i], addresses[i+1:]), ","),
		}
		if err := os.WriteFile(config.File(n.dir), []byte(strings.Join(settings, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		d.start(n)
	}
	t.Cleanup(func() {
		for _, n := range d.nodes {
			if n.client != nil {
				d.stop(n)
			}
		}
	})
	for _, n := range d.nodes {
		d.awaitPeers(n)
	}
	return d
}

func (d *day) start(n *dayNode) {
	d.Helper()
	cfg, err := config.Flags(flag.NewFlagSet("", flag.ContinueOnError), &n.dir).Load()
	if err != nil {
		d.Fatal(err)
	}
	if n.daemon, err = daemon.Start(context.Background(), cfg, daemon.Options{}); err != nil {
		d.Fatal(err)
	}
	if n.client, err = nodeclient.Dial(context.Background(), n.dir); err != nil {
		d.Fatal(err)
	}
}

func (d *day) stop(n *dayNode) {
	if err := errors.Join(n.client.Close(), n.daemon.Close()); err != nil {
		d.Error(err)
	}
	n.client, n.daemon = nil, nil
}

// awaitPeers waits until a node knows another one.
func (d *day) awaitPeers(n *dayNode) {
	d.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		status, err := n.client.Status(context.Background())
		if err != nil || time.Now().After(deadline) {
			d.Errorf("a node finds no other: %v", err)
			return
		}
		if status.Known > 0 {
			return
		}
	}
}

// with calls do with a node that is up, chosen at random.
func (d *day) with(ctx context.Context, do func(*nodeclient.Client) error) {
	n := d.nodes[rand.IntN(len(d.nodes))]
	n.busy.RLock()
	defer n.busy.RUnlock()
	// A request that has begun ends, so that it is known what became of it.
	err := do(n.client)
	var answer *api.Error
	switch {
	case err == nil, ctx.Err() != nil && errors.Is(err, ctx.Err()):
	case errors.As(err, &answer) && (answer.Code == api.Conflict || answer.Code == api.NoPeers):
		d.mu.Lock()
		d.refused[string(answer.Code)]++
		d.mu.Unlock()
	default:
		d.Error(err)
	}
}

// put puts a member, and returns whether it is acknowledged.
func (d *day) put(ctx context.Context, c *nodeclient.Client, m *member) error {
	row, err := json.Marshal(m)
	if err == nil {
		_, err = c.Put(context.WithoutCancel(ctx), "club.member", api.Put{Row: row})
	}
	if err == nil {
		d.mu.Lock()
		d.puts++
		d.mu.Unlock()
	}
	return err
}

// keepUp changes lasting records, one after the other.
func (d *day) keepUp(ctx context.Context) {
	began := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		m := member{
			ID: uint64(i % lasting), Name: fmt.Sprintf("version %d", i), Email: fmt.Sprintf("m%d@example.com", i%lasting),
			Updated: began.Add(time.Duration(i) * time.Microsecond).UTC(),
		}
		// Each record has one node that keeps it up: the others hold it for the network.
		n := d.nodes[i%lasting%dayNodes]
		n.busy.RLock()
		err := d.put(ctx, n.client, &m)
		n.busy.RUnlock()
		var answer *api.Error
		if errors.As(err, &answer) && answer.Code == api.NoPeers {
			err = nil // it is stored, and published again in time
		}
		if err != nil {
			d.Errorf("put %d: %v", i, err)
			return
		}
		d.mu.Lock()
		d.acknowledged[i%lasting] = m
		d.mu.Unlock()
		rest(ctx, pause/2)
	}
}

// pass puts records and removes them from the node that put them: the others have them until they
// expire.
func (d *day) pass(ctx context.Context) {
	for id := uint64(1 << 32); ctx.Err() == nil; id++ {
		d.with(ctx, func(c *nodeclient.Client) error {
			err := d.put(ctx, c, &member{ID: id, Name: strings.Repeat("passing ", 20), Email: fmt.Sprint(id)})
			if err == nil {
				_, err = c.Delete(context.WithoutCancel(ctx), "club.member", fmt.Sprint(id))
			}
			return err
		})
		rest(ctx, pause)
	}
}

// provide announces content.
func (d *day) provide(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		hash, err := multihash.Sum([]byte(fmt.Sprint(i)), multihash.SHA2_256, -1)
		if err != nil {
			d.Error(err)
			return
		}
		id := cid.NewCidV1(cid.Raw, hash).String()
		d.with(ctx, func(c *nodeclient.Client) error { return c.Provide(context.WithoutCancel(ctx), id) })
		rest(ctx, pause)
	}
}

// churn stops one node after the other, and starts it again.
func (d *day) churn(ctx context.Context) {
	for i := 1; ; i++ {
		if !rest(ctx, d.length/churnParts) {
			return
		}
		n := d.nodes[i%dayNodes]
		n.busy.Lock()
		d.stop(n)
		d.start(n)
		d.awaitPeers(n)
		n.busy.Unlock()
	}
}

// measure takes samples all day.
func (d *day) measure(ctx context.Context) {
	for rest(ctx, d.length/40) {
		var s sample
		for _, n := range d.nodes {
			n.busy.RLock()
			status, err := n.client.Status(context.WithoutCancel(ctx))
			n.busy.RUnlock()
			if err != nil {
				d.Error(err)
				return
			}
			s.disk += status.DiskBytes
			s.rows += status.Records.Rows + status.Providers.Rows
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.heap = m.HeapAlloc
		d.mu.Lock()
		d.samples = append(d.samples, s)
		d.mu.Unlock()
	}
}

// rest waits, and reports whether the day goes on.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// check checks what is left of the day.
func (d *day) check() {
	ctx := context.Background()
	d.Logf("%d puts, refused: %v", d.puts, d.refused)
	if d.puts < lasting {
		d.Errorf("%d puts are too few to tell anything", d.puts)
	}
	// Every node finds every lasting record, as it was acknowledged last.
	for id, want := range d.acknowledged {
		if want.Name == "" {
			continue
		}
		for i, n := range d.nodes {
			row, err := n.client.Resolve(ctx, "club.member", fmt.Sprint(id))
			if err == nil {
				var got member
				err = json.Unmarshal(row.Value, &got)
				if err == nil && got.Name != want.Name {
					err = fmt.Errorf("it is %q, and %q was acknowledged", got.Name, want.Name)
				}
			}
			if err != nil {
				d.Errorf("record %d at node %d: %v", id, i, err)
			}
		}
		n := d.nodes[id%dayNodes] // which has put it, and has it by its index
		found := 0
		for _, err := range n.client.Find(ctx, "club.member", "email", nodeclient.Query{Key: &want.Email}) {
			if err != nil {
				d.Error(err)
			}
			found++
		}
		if found != 1 {
			d.Errorf("record %d: %d found by index", id, found)
		}
	}
	for i, n := range d.nodes {
		for p, err := range n.client.Verify(ctx) {
			if err != nil || len(p.Damage) > 0 {
				d.Errorf("node %d: %v, %v", i, p.Damage, err)
			}
		}
	}
	d.checkSamples()
}

// checkSamples compares the middle of the day with its end.
func (d *day) checkSamples() {
	n := len(d.samples)
	if n < 8 {
		d.Errorf("only %d samples", n)
		return
	}
	median := func(part []sample, of func(sample) uint64) uint64 {
		var all []uint64
		for _, s := range part {
			all = append(all, of(s))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	for _, what := range []struct {
		name  string
		of    func(sample) uint64
		slack uint64
	}{
		{"heap", func(s sample) uint64 { return s.heap }, 32 << 20},
		{"disk", func(s sample) uint64 { return s.disk }, 64 << 20},
		{"rows", func(s sample) uint64 { return uint64(s.rows) }, 0},
	} {
		middle, end := median(d.samples[n/2:3*n/4], what.of), median(d.samples[3*n/4:], what.of)
		d.Logf("%s: %d in the middle of the day, %d at its end", what.name, middle, end)
		if d.length > time.Minute && end > middle+middle/4+what.slack {
			d.Errorf("%s grows: from %d in the middle of the day to %d at its end", what.name, middle, end)
		}
	}
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
