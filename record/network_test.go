package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	dsq "github.com/ipfs/go-datastore/query"
	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	dhtpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	kadrecord "github.com/libp2p/go-libp2p-record"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// node is a peer with records in a store of its own.
type node struct {
	host    host.Host
	dht     *dht.IpfsDHT
	records *record.Records
	node    *record.Node
	store   *datastore.Store
}

func newHost(t testing.TB) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// newDHT is a server whose DHT ends before its host does.
func newDHT(t testing.TB, h host.Host, opts ...dht.Option) *dht.IpfsDHT {
	t.Helper()
	d, err := dht.New(h, append(opts, dht.Mode(dht.ModeServer), dht.DisableAutoRefresh())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func newNode(t testing.TB, eng engine.Engine, opts ...dht.Option) *node {
	t.Helper()
	return newNodeWith(t, eng, record.Options{}, opts...)
}

func newNodeWith(t testing.TB, eng engine.Engine, options record.Options, opts ...dht.Option) *node {
	t.Helper()
	n := &node{}
	n.records, n.store = openRecords(t, eng, options)
	n.host = newHost(t)
	n.dht = newDHT(t, n.host, append(n.records.DHTOptions(), opts...)...)
	n.node = join(t, n.records, n.dht)
	return n
}

func join(t testing.TB, r *record.Records, d *dht.IpfsDHT) *record.Node {
	t.Helper()
	n, err := record.Join(r, d)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// connect connects all hosts with each other, and waits until their DHTs know.
func connect(t testing.TB, dhts ...*dht.IpfsDHT) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for i, d := range dhts {
		for _, other := range dhts[i+1:] {
			if err := d.Host().Connect(ctx, peer.AddrInfo{ID: other.PeerID(), Addrs: other.Host().Addrs()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, d := range dhts {
		eventually(t, "all peers know each other", func() bool {
			for _, other := range dhts {
				if other != d && d.RoutingTable().Find(other.PeerID()) == "" {
					return false
				}
			}
			return true
		})
	}
}

func byEmail(t testing.TB, store *datastore.Store, email string) []User {
	t.Helper()
	var found []User
	for u, err := range UserByEmail.Find(context.Background(), store, email) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, u)
	}
	return found
}

func TestTwoPeers(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		a, b := newNode(t, memory.Engine()), newNode(t, eng)
		connect(t, a.dht, b.dht)

		alice := User{ID: 1, Username: "alice", Email: "alice@example.com", Version: 1}
		if _, err := record.Publish(ctx, a.node, Users, &alice); err != nil {
			t.Fatal(err)
		}
		// The other has it in its own tree, and finds it there by email.
		if found := byEmail(t, b.store, alice.Email); len(found) != 1 || found[0] != alice {
			t.Errorf("the other peer finds %+v", found)
		}
		if got := origin(t, b.store, 1); got != receipts.Stranger {
			t.Errorf("its origin is %v", got)
		}
		if got := origin(t, a.store, 1); got != receipts.Published {
			t.Errorf("the origin at its publisher is %v", got)
		}
		if got, err := record.Resolve(ctx, b.node, Users, 1); err != nil || got != alice {
			t.Errorf("Resolve: %+v, %v", got, err)
		}

		alice.Version, alice.Email = 2, "alice@example.org"
		if _, err := record.Publish(ctx, b.node, Users, &alice); err != nil {
			t.Fatal(err)
		}
		if found := byEmail(t, a.store, alice.Email); len(found) != 1 || found[0] != alice {
			t.Errorf("the first peer finds %+v", found)
		}
		if got := origin(t, a.store, 1); got != receipts.Kept {
			t.Errorf("at the first peer the origin is %v", got)
		}

		// A program cannot publish what is older than what it has.
		old := User{ID: 1, Version: 1}
		if _, err := record.Publish(ctx, a.node, Users, &old); !errors.Is(err, record.ErrOldRecord) {
			t.Errorf("publishing an older row: %v", err)
		}
		if got := user(t, a.store, 1); got != alice {
			t.Errorf("the row is %+v", got)
		}
		// Absence has one error.
		_, err := record.Resolve(ctx, a.node, Users, 99)
		var where *models.Error
		if !errors.Is(err, models.ErrNotFound) || !errors.As(err, &where) || where.Key != Users.FormatKey(99) {
			t.Errorf("resolving what is not there: %v", err)
		}
	})
}

// With room for two holders of each record among five peers, it lives on some
// of them and is resolved from all.
func TestFivePeers(t *testing.T) {
	ctx := context.Background()
	var nodes []*node
	var dhts []*dht.IpfsDHT
	for range 5 {
		n := newNode(t, memory.Engine(), dht.BucketSize(2))
		nodes, dhts = append(nodes, n), append(dhts, n.dht)
	}
	// With buckets this small not every peer is in every table.
	for i, d := range dhts {
		for _, other := range dhts[i+1:] {
			if err := d.Host().Connect(ctx, peer.AddrInfo{ID: other.PeerID(), Addrs: other.Host().Addrs()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, d := range dhts {
		eventually(t, "peers know each other", func() bool { return d.RoutingTable().Size() >= 2 })
	}

	const count = 20
	email := func(id uint64) string { return fmt.Sprintf("user%d@example.com", id) }
	for id := range uint64(count) {
		publisher := nodes[id%5]
		u := User{ID: id, Username: fmt.Sprint(id), Email: email(id)}
		if _, err := record.Publish(ctx, publisher.node, Users, &u); err != nil {
			t.Fatal(err)
		}
	}
	strangers, absent := 0, 0
	for id := range uint64(count) {
		for i, n := range nodes {
			found := byEmail(t, n.store, email(id))
			switch {
			case len(found) == 0:
				absent++
			case found[0].ID != id:
				t.Errorf("by %s a peer finds %+v", email(id), found)
			case uint64(i) != id%5:
				strangers++
			}
			u, err := record.Resolve(ctx, n.node, Users, id)
			if err != nil || u.Email != email(id) {
				t.Errorf("a peer resolves %+v, %v", u, err)
			}
		}
	}
	if strangers < count || absent < count {
		t.Errorf("%d records are on peers that have not published them, and %d are not; want at least %d of each", strangers, absent, count)
	}
}

// Without peers a row is kept, and published again later.
func TestPublishAlone(t *testing.T) {
	ctx := context.Background()
	alone := newNode(t, memory.Engine())
	u := User{ID: 1, Username: "u", Email: "e"}
	for range 2 {
		_, err := record.Publish(ctx, alone.node, Users, &u)
		if !errors.Is(err, record.ErrNoPeers) {
			t.Fatalf("without peers: %v", err)
		}
	}
	if got := user(t, alone.store, 1); got != u {
		t.Errorf("the row is %+v", got)
	}
	if got := origin(t, alone.store, 1); got != receipts.Published {
		t.Errorf("its origin is %v", got)
	}
	if got, err := record.Resolve(ctx, alone.node, Users, 1); err != nil || got != u {
		t.Errorf("the peer's own record: %+v, %v", got, err)
	}

	other := newNode(t, memory.Engine())
	connect(t, alone.dht, other.dht)
	if _, err := record.Publish(ctx, alone.node, Users, &u); err != nil {
		t.Errorf("with a peer: %v", err)
	}
	if got := user(t, other.store, 1); got != u {
		t.Errorf("the other peer has %+v", got)
	}
}

// An own record that kad-dht takes for too old is no longer served. Its row
// stays, and it can be published again.
func TestOwnRecordAges(t *testing.T) {
	ctx := context.Background()
	a := newNode(t, memory.Engine(), dht.MaxRecordAge(time.Second))
	u := User{ID: 1, Username: "u"}
	for range 2 {
		if _, err := record.Publish(ctx, a.node, Users, &u); !errors.Is(err, record.ErrNoPeers) {
			t.Fatal(err)
		}
		if got := origin(t, a.store, 1); got != receipts.Published {
			t.Errorf("its origin is %v", got)
		}
		eventually(t, "it is too old", func() bool {
			_, err := record.Resolve(ctx, a.node, Users, 1)
			return errors.Is(err, models.ErrNotFound)
		})
		if got := origin(t, a.store, 1); got != receipts.Withdrawn {
			t.Errorf("its origin is %v", got)
		}
		if got := user(t, a.store, 1); got != u {
			t.Errorf("the row is %+v", got)
		}
		if left := list(t, a.records, dsq.Query{}); len(left) != 0 {
			t.Errorf("served are %v", left)
		}
	}
}

func TestPublishRefuses(t *testing.T) {
	ctx := context.Background()
	a := newNode(t, memory.Engine())
	stored := User{ID: 1, Username: "taken", Version: 2}
	if err := Users.Put(ctx, a.store, &stored); err != nil {
		t.Fatal(err)
	}
	strangers := models.NewTree("user", models.Uint64, func(u *User) uint64 { return u.ID }, models.WithPolicy[User](models.Open))
	models.NewDefinition("elsewhere", strangers)
	for name, test := range map[string]struct {
		tree *models.Tree[User, uint64]
		user User
		want error
	}{
		"an older row":           {Users, User{ID: 1, Username: "taken", Version: 1}, record.ErrOldRecord},
		"a long index key":       {Users, User{ID: 2, Email: strings.Repeat("x", engine.MaxKeySize)}, models.ErrKeySize},
		"another tree":           {strangers, User{ID: 4}, models.ErrUnknownTree},
		"text that is not UTF-8": {Users, User{ID: 5, Email: "\xff"}, models.ErrInvalid},
	} {
		if _, err := record.Publish(ctx, a.node, test.tree, &test.user); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	long := Note{Title: "t", Text: strings.Repeat("x", record.DefaultMaxValueBytes)}
	if _, err := record.Publish(ctx, a.node, Notes, &long); !errors.Is(err, models.ErrTooLarge) {
		t.Errorf("a row that is too large: %v", err)
	}
	if n, err := Notes.Count(ctx, a.store, models.Range[string]{}); err != nil || n != 0 {
		t.Errorf("it is stored: %d, %v", n, err)
	}
	if rows, err := Users.Count(ctx, a.store, models.Range[uint64]{}); err != nil || rows != 1 || user(t, a.store, 1) != stored {
		t.Errorf("%d rows, the first is %+v, %v", rows, user(t, a.store, 1), err)
	}
	if _, err := record.Resolve(ctx, a.node, strangers, 1); !errors.Is(err, models.ErrUnknownTree) {
		t.Errorf("resolving from another tree: %v", err)
	}
	if err := a.records.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Publish(ctx, a.node, Users, &User{ID: 9}); !errors.Is(err, models.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A report names the peers that took the record, and why the others did not.
func TestPublishReports(t *testing.T) {
	ctx := context.Background()
	a, b, c := newNode(t, memory.Engine()), newNode(t, memory.Engine()), newNode(t, memory.Engine())
	connect(t, a.dht, b.dht, c.dht)
	better := User{ID: 1, Username: "u", Version: 2}
	mustPut(t, b.records, dsKey("blog.user", record.Key(Users, 1)), receivedAt(t, better, time.Now()))

	report, err := record.Publish(ctx, a.node, Users, &User{ID: 1, Username: "u", Version: 1})
	if err != nil || report.Key != record.Key(Users, 1) || !slices.Equal(report.Took, []peer.ID{c.host.ID()}) || len(report.Failed) != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	if failed := report.Failed[0]; failed.Peer != b.host.ID() || !errors.Is(failed.Err, record.ErrRefused) || !errors.Is(failed.Err, record.ErrOldRecord) {
		t.Errorf("the peer with a better record: %+v", failed)
	}
	// The next one is taken by nobody: one refuses it, and one is gone.
	if err := c.records.Close(); err != nil {
		t.Fatal(err)
	}
	report, err = record.Publish(ctx, a.node, Users, &User{ID: 1, Username: "v", Version: 1})
	if !errors.Is(err, record.ErrNotTaken) || !errors.Is(err, record.ErrOldRecord) || len(report.Took) != 0 || len(report.Failed) != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	if got := user(t, a.store, 1); got.Username != "v" {
		t.Errorf("the row is %+v", got)
	}
}

// Publish waits for a peer until the context's deadline.
func TestPublishWaitsForPeers(t *testing.T) {
	a, b := newNode(t, memory.Engine()), newNode(t, memory.Engine())
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := record.Publish(short, a.node, Users, &User{ID: 1}); !errors.Is(err, record.ErrNoPeers) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a peer until the deadline: %v", err)
	}
	long, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	published := make(chan error)
	go func() {
		_, err := record.Publish(long, a.node, Users, &User{ID: 2})
		published <- err
	}()
	eventually(t, "the row is stored", func() bool { return user(t, a.store, 2) != User{} })
	connect(t, a.dht, b.dht)
	if err := <-published; err != nil || user(t, b.store, 2) == (User{}) {
		t.Errorf("with a peer before the deadline: %v, %+v", err, user(t, b.store, 2))
	}
}

// Records and a store have one owner, a DHT's node is joined once, and one Republish
// runs.
func TestOneOwner(t *testing.T) {
	ctx := context.Background()
	a := newNode(t, memory.Engine())
	if _, err := record.New(ctx, a.store, record.Options{}); !errors.Is(err, record.ErrInUse) {
		t.Errorf("other records on the store: %v", err)
	}
	if _, err := record.Repair(ctx, a.store); !errors.Is(err, record.ErrInUse) {
		t.Errorf("repair of the store: %v", err)
	}
	if again := join(t, a.records, a.dht); again != a.node {
		t.Error("joining again gives another node")
	}
	other := newDHT(t, newHost(t), a.records.DHTOptions()...)
	if _, err := record.Join(a.records, other); !errors.Is(err, record.ErrInUse) {
		t.Errorf("joining another DHT: %v", err)
	}
	plain := newDHT(t, newHost(t), dht.ProtocolPrefix("/plain"))
	if _, err := record.Join(a.records, plain); !errors.Is(err, models.ErrUnknownTree) {
		t.Errorf("joining a DHT that has not been made for the records: %v", err)
	}
	ended := make(chan error)
	running, cancel := context.WithCancel(ctx)
	for range 2 {
		go func() { ended <- a.node.Republish(running) }()
	}
	if err := <-ended; !errors.Is(err, record.ErrInUse) {
		t.Errorf("one of two calls of Republish: %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the other: %v", err)
	}
	if err := errors.Join(a.dht.Close(), a.records.Close()); err != nil {
		t.Fatal(err)
	}
	// Closed Records make room for others.
	r, err := record.New(ctx, a.store, record.Options{Models: []*models.Definition{Blog}})
	if err != nil {
		t.Fatal(err)
	}
	join(t, r, newDHT(t, a.host, r.DHTOptions()...))
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// A peer that sends anything but a valid record is refused, and what is stored
// stays as it was.
func TestHostilePeer(t *testing.T) {
	ctx := context.Background()
	victim := newNode(t, memory.Engine())
	permissive := kadrecord.NamespacedValidator{"blog.user": anything{}, "blog.note": anything{}}
	attacker := newDHT(t, newHost(t), dht.ProtocolPrefix(record.ProtocolPrefix), dht.Validator(permissive))
	connect(t, victim.dht, attacker)

	stored := User{ID: 1, Username: "stored", Email: "stored@example.com", Version: 2}
	if _, err := record.Publish(ctx, victim.node, Users, &stored); err != nil {
		t.Fatal(err)
	}
	// The put that kad-dht makes of it comes last, so that the receipt is final.
	before := list(t, victim.store.Datastore(), dsq.Query{})
	unchanged := func(name string) {
		t.Helper()
		after := list(t, victim.store.Datastore(), dsq.Query{})
		if len(after) != len(before) {
			t.Errorf("%s: %d entries are stored, %d were", name, len(after), len(before))
		}
		for key, e := range before {
			if !bytes.Equal(after[key].Value, e.Value) {
				t.Errorf("%s: %s has changed from %q to %q", name, key, e.Value, after[key].Value)
			}
		}
	}

	messenger, err := dhtpb.NewProtocolMessenger(attacker.MessageSender())
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for name, p := range hostile(t) {
		rec := new(recpb.Record)
		if proto.Unmarshal(p.value, rec) != nil || len(rec.Key) == 0 || rec.TimeReceived == "" {
			continue // kad-dht puts the time itself, and sends records only
		}
		if name == "lower case" || name == "a record of another key" {
			continue // these are wrong in the datastore, and are right in a message
		}
		if err := messenger.PutValue(ctx, victim.host.ID(), rec); err == nil {
			t.Errorf("%s: is taken", name)
		}
		unchanged(name)
		sent++
	}
	if sent < 15 {
		t.Errorf("only %d records were sent", sent)
	}

	// A message about one key with a record of another.
	message := dhtpb.NewMessage(dhtpb.Message_PUT_VALUE, []byte(record.Key(Users, 1)), 0)
	message.Record = kadrecord.MakePutRecord(record.Key(Users, 2), encode(t, &User{ID: 2}))
	if _, err := attacker.MessageSender().SendRequest(ctx, victim.host.ID(), message); err == nil {
		t.Error("a record of another key than the message's is taken")
	}
	unchanged("a record of another key than the message's")

	// A lie that the attacker tells when asked.
	lies := map[string][]byte{
		record.Key(Users, 50): encode(t, &User{ID: 51}),
		record.Key(Users, 51): append(encode(t, &User{ID: 51}), 0),
		record.Key(Users, 1):  encode(t, &User{ID: 1, Username: "stored", Version: 1}),
	}
	for key, value := range lies {
		if err := attacker.PutValue(ctx, key, value); err != nil {
			t.Logf("the attacker itself has %v", err)
		}
	}
	for _, id := range []uint64{50, 51} {
		if u, err := record.Resolve(ctx, victim.node, Users, id); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("resolved %+v, %v", u, err)
		}
	}
	if u, err := record.Resolve(ctx, victim.node, Users, 1); err != nil || u != stored {
		t.Errorf("resolved %+v, %v", u, err)
	}
	unchanged("lies")
	// One that has no validators of its own still takes nothing that is no row.
	gullible := newNode(t, memory.Engine(), dht.Validator(permissive))
	connect(t, gullible.dht, attacker)
	for _, id := range []uint64{50, 51} {
		if u, err := record.Resolve(ctx, gullible.node, Users, id); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("resolved %+v, %v", u, err)
		}
	}

	// The line is still good for what is valid.
	better := User{ID: 1, Username: "better", Version: 3}
	if err := messenger.PutValue(ctx, victim.host.ID(), kadrecord.MakePutRecord(record.Key(Users, 1), encode(t, &better))); err != nil {
		t.Errorf("a valid record is refused: %v", err)
	}
	if got := user(t, victim.store, 1); got != better {
		t.Errorf("the row is %+v", got)
	}
}
