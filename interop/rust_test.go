package interop_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	dhtpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

const (
	// rustBuildTime bounds cargo's build, well below go test's own limit of 10 minutes. The
	// crates that are compiled by then need not be compiled again.
	rustBuildTime = 4 * time.Minute

	// minCargo is the minor version in the rust-version of rust/Cargo.toml.
	minCargo = 85
)

// errNoRust says that the peer in Rust cannot be built here, though nothing is wrong with it.
var errNoRust = errors.New("rust-libp2p is not there")

// buildRust builds the peer in rust once, and returns the path of the program. Cargo builds it
// outside of the repository, so that later runs find the compiled crates.
var buildRust = sync.OnceValues(func() (program string, err error) {
	for _, needed := range []string{"cargo", "cc"} {
		if _, err := exec.LookPath(needed); err != nil {
			return "", fmt.Errorf("%w: %w", errNoRust, err)
		}
	}
	target := os.Getenv("CARGO_TARGET_DIR")
	if target == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("%w: no directory to build in: %w", errNoRust, err)
		}
		target = filepath.Join(cache, "netabase-interop-rust")
	}
	ctx, cancel := context.WithTimeout(context.Background(), rustBuildTime)
	defer cancel()
	cargo := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "cargo", args...)
		cmd.Dir, cmd.Env = "rust", append(os.Environ(), "CARGO_TARGET_DIR="+target)
		cmd.WaitDelay = time.Second // compilers that still run have the output open
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	version, err := cargo("--version")
	if err != nil {
		return "", fmt.Errorf("%w: %w: %s", errNoRust, err, version)
	}
	var minor int
	if _, err := fmt.Sscanf(version, "cargo 1.%d.", &minor); err == nil && minor < minCargo {
		return "", fmt.Errorf("%w: it needs cargo 1.%d, this is %s", errNoRust, minCargo, version)
	}
	built, err := cargo("build", "--locked")
	if err == nil {
		return filepath.Join(target, "debug", "netabase-interop"), nil
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("%w after %v: in interop/rust, run CARGO_TARGET_DIR=%s cargo build --locked",
			errNoRust, rustBuildTime, target)
	}
	if fetched, err := cargo("fetch", "--locked"); err != nil {
		return "", fmt.Errorf("%w: %w: %s", errNoRust, err, fetched)
	}
	return "", fmt.Errorf("%w: %s", err, built)
})

// startRust starts the peer in rust. It skips the test where that cannot be built because cargo,
// a linker, or the network is missing, or because the first build takes too long.
func startRust(t *testing.T) *process {
	t.Helper()
	program, err := buildRust()
	if errors.Is(err, errNoRust) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return start(t, "rust", program)
}

// stored returns what the peer's MemoryStore has under a record key.
func stored(t *testing.T, rust *process, key string) []byte {
	t.Helper()
	var value []byte
	if err := rust.do(map[string]any{"do": "stored", "key": key}, &value); err != nil {
		t.Errorf("%s: %v", key, err)
	}
	return value
}

// served asks ours for a record as any peer does. It returns nil if there is none.
func served(t *testing.T, ours *peer, by *dht.IpfsDHT, key string) *recpb.Record {
	t.Helper()
	client, err := dhtpb.NewProtocolMessenger(by.MessageSender())
	if err != nil {
		t.Fatal(err)
	}
	rec, _, err := client.GetValue(t.Context(), ours.dht.PeerID(), key)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// rustID is the peer that ours knows.
func rustID(ours *peer) libp2ppeer.ID { return ours.dht.RoutingTable().ListPeers()[0] }

func TestRust(t *testing.T) { exchangeItems(t, startRust(t), newPeer(t)) }

func TestRustPolicies(t *testing.T) { putByPolicies(t, startRust(t), newPeer(t)) }

// What ours publishes under each policy lies in rust-libp2p's MemoryStore as ours serves it,
// and another peer with our code reads it from there. It refuses what is forged there.
func TestRustStores(t *testing.T) {
	ctx := t.Context()
	rust, ours, plain := startRust(t), newPeer(t), newPlainPeer(t)
	meet(t, rust, ours)
	owner := rustID(ours)

	nail := Item{ID: 1, Version: 1, Name: "nail", Maker: "Linus", Tags: []string{}}
	house := Deed{Owner: ours.dht.PeerID(), Number: 1, Text: "a house"}
	hut := Deed{Owner: ours.dht.PeerID(), Number: 2, Text: "a hut"}
	cat := Picture{ID: sha256.Sum256([]byte("\xa1\x65title\x65a cat")), Title: "a cat"}
	_, itemErr := record.Publish(ctx, ours.node, Items, &nail)
	_, houseErr := record.Publish(ctx, ours.node, Deeds, &house)
	_, hutErr := record.Publish(ctx, ours.node, Deeds, &hut)
	_, pictureErr := record.Publish(ctx, ours.node, Pictures, &cat)
	if err := errors.Join(itemErr, houseErr, hutErr, pictureErr); err != nil {
		t.Fatal(err)
	}
	houseKey, hutKey := models.MakePair(house.Owner, house.Number), models.MakePair(hut.Owner, hut.Number)
	if _, err := record.Retract(ctx, ours.node, Deeds, hutKey); err != nil {
		t.Fatal(err)
	}
	// These are refused by ours, and stay with the Rust peer.
	for do, command := range map[string]map[string]any{
		"putDeed":    {"number": 1, "sequence": 1, "text": "a castle", "forged": true},
		"putPicture": {"title": "a dog", "forged": true},
		"put":        {"id": 2, "item": item(3, 1, "saw", "Eve")},
	} {
		if n := put(t, rust, do, command); n != 0 {
			t.Errorf("%s: %d peers have taken it", do, n)
		}
	}

	connect(t, plain, ours.dht)
	for _, key := range []string{
		record.Key(Items, nail.ID),
		record.Key(Deeds, houseKey),
		record.Key(Deeds, hutKey),
		record.Key(Pictures, cat.ID),
	} {
		rec := served(t, ours, plain, key)
		if got := stored(t, rust, key); rec == nil || !bytes.Equal(got, rec.Value) {
			t.Errorf("%s: the Rust peer has %x, ours serves %v", key, got, rec)
		}
	}

	reader := newPeer(t)
	meet(t, rust, reader)
	for _, d := range []*dht.IpfsDHT{plain, ours.dht} {
		if err := errors.Join(d.Close(), d.Host().Close()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := record.Resolve(ctx, reader.node, Items, nail.ID); err != nil || !reflect.DeepEqual(got, nail) {
		t.Errorf("resolved %+v, %v", got, err)
	}
	if got, err := record.Resolve(ctx, reader.node, Deeds, houseKey); err != nil || got != house {
		t.Errorf("resolved %+v, %v", got, err)
	}
	if got, err := record.Resolve(ctx, reader.node, Pictures, cat.ID); err != nil || got != cat {
		t.Errorf("resolved %+v, %v", got, err)
	}
	if got, err := record.Resolve(ctx, reader.node, Deeds, hutKey); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("a deed that was taken back is resolved: %+v, %v", got, err)
	}
	forged := models.MakePair(owner, uint64(1))
	if got, err := record.Resolve(ctx, reader.node, Deeds, forged); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("a forged deed is resolved: %+v, %v", got, err)
	}
	if got, err := record.Resolve(ctx, reader.node, Items, 2); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("an item under another key is resolved: %+v, %v", got, err)
	}
}

// Malformed and oversized records are refused, and nothing else is harmed.
func TestRustMalformed(t *testing.T) {
	ctx := t.Context()
	rust, ours := startRust(t), newPeer(t)
	meet(t, rust, ours)
	if n := put(t, rust, "put", map[string]any{"id": 1, "item": item(1, 1, "hammer", "Ada")}); n != 1 {
		t.Fatalf("%d peers have taken the item, want 1", n)
	}
	usage := ours.records.RecordUsage()
	good := encodeItem(t, Item{ID: 1, Version: 2, Name: "hammer", Maker: "Eve", Tags: []string{}})
	key := record.Key(Items, 1)
	for name, r := range map[string]struct {
		key   string
		value []byte
	}{
		"no key":              {"", good},
		"only a slash":        {"/", good},
		"no slash":            {"shop.item", good},
		"no item":             {"/shop.item", good},
		"empty item":          {"/shop.item/", good},
		"no digits before it": {"/shop.item/1", good},
		"more behind it":      {key + "/", good},
		"no number":           {"/shop.item/x", good},
		"not UTF-8":           {"/shop.item/\xff", good},
		"long key":            {"/shop.item/" + strings.Repeat("0", 5000) + "1", good},
		"another definition":  {"/shop.nothing/1", good},
		"our own tree":        {"/libp2p.value/1", good},
		"no namespace":        {"//1", good},
		"empty value":         {key, []byte{}},
		"end missing":         {key, good[:len(good)-1]},
		"more in the value":   {key, append(bytes.Clone(good), 0)},
		"a list":              {key, []byte{0x80}},
		"deep":                {key, bytes.Repeat([]byte{0x81}, 60_000)},
		"a length of 2^63":    {key, []byte("\xbb\x80\x00\x00\x00\x00\x00\x00\x00")},
		"1 byte too large":    {key, make([]byte, record.DefaultMaxValueBytes+1)},
		"1 MB":                {key, make([]byte, 1_000_000)},
		"no envelope":         {"/shop.deed/00," + strings.Repeat("0", 20), good},
		"no hash":             {"/shop.picture/00", good},
	} {
		if n := put(t, rust, "putRaw", map[string]any{"key": []byte(r.key), "value": r.value}); n != 0 {
			t.Errorf("%s: %d peers have taken it", name, n)
		}
	}
	if got := ours.records.RecordUsage(); got != usage {
		t.Errorf("usage is %+v, it was %+v", got, usage)
	}
	want := []Item{{ID: 1, Version: 1, Name: "hammer", Maker: "Ada", Tags: []string{"é", "ß"}}}
	if got := ours.byMaker(t, "Ada"); !reflect.DeepEqual(got, want) {
		t.Errorf("Ada has made %+v", got)
	}
	if err := ours.records.Check(ctx); err != nil {
		t.Error(err)
	}
	if n := put(t, rust, "put", map[string]any{"id": 2, "item": item(2, 1, "saw", "Ada")}); n != 1 {
		t.Errorf("afterwards %d peers have taken an item, want 1", n)
	}
}

// rust-libp2p's records name their publisher, and say how long they are to be kept. Both are
// served on, and a record is no longer served when it has expired.
func TestRustTTL(t *testing.T) {
	ctx := t.Context()
	rust, ours, plain := startRust(t), newPeer(t), newPlainPeer(t)
	meet(t, rust, ours)
	owner := rustID(ours)
	for id, command := range []map[string]any{{}, {"ttl": 3600}, {"ttl": 0}} {
		command["id"], command["item"] = id, item(id, 1, "hammer", "Ada")
		if n := put(t, rust, "put", command); n != 1 {
			t.Errorf("item %d: %d peers have taken it, want 1", id, n)
		}
	}
	connect(t, plain, ours.dht)
	for id, ttl := range []uint64{48 * 3600, 3600} {
		rec := served(t, ours, plain, record.Key(Items, uint64(id)))
		if rec == nil {
			t.Errorf("item %d is not served", id)
			continue
		}
		publisher, left := rustFields(t, rec.ProtoReflect().GetUnknown())
		if !bytes.Equal(publisher, []byte(owner)) || left > ttl || left < ttl-120 {
			t.Errorf("item %d is by %x for %d s, want %x for %d s", id, publisher, left, []byte(owner), ttl)
		}
	}
	// rust-libp2p sends a record that has expired with a TTL of a second.
	for i := 0; served(t, ours, plain, record.Key(Items, 2)) != nil; i++ {
		if i == 100 {
			t.Fatal("the record is still served")
		}
		time.Sleep(50 * time.Millisecond) // Rust's clock
	}
	if n, err := ours.records.Expire(ctx); err != nil || n != 1 {
		t.Errorf("%d records have expired, %v; want 1", n, err)
	}
	if n, err := Items.Count(ctx, ours.store, all); err != nil || n != 2 {
		t.Errorf("there are %d items, %v; want 2", n, err)
	}
}

// rustFields reads the fields that rust-libp2p adds to a record.
func rustFields(t *testing.T, fields []byte) (publisher []byte, ttl uint64) {
	t.Helper()
	for len(fields) > 0 {
		number, kind, n := protowire.ConsumeTag(fields)
		size := protowire.ConsumeFieldValue(number, kind, fields[max(n, 0):])
		if n < 0 || size < 0 {
			t.Fatalf("no fields: %x", fields)
		}
		switch value := fields[n:]; number {
		case 666:
			publisher, _ = protowire.ConsumeBytes(value)
		case 777:
			ttl, _ = protowire.ConsumeVarint(value)
		}
		fields = fields[n+size:]
	}
	return publisher, ttl
}

// Each finds what the other provides.
func TestRustProvides(t *testing.T) {
	ctx := t.Context()
	rust, ours := startRust(t), newPeer(t)
	meet(t, rust, ours)
	owner := rustID(ours)
	hash, err := multihash.Sum([]byte("content"), multihash.SHA2_256, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := rust.do(map[string]any{"do": "provide", "hash": []byte(hash)}, new(any)); err != nil {
		t.Fatal(err)
	}
	provided(t, ours.dht, owner, []multihash.Multihash{hash})
	if err := ours.dht.Provide(ctx, cid.NewCidV1(cid.Raw, hash), true); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{owner.String(): true, ours.dht.PeerID().String(): true}
	var found []string
	for i := 0; len(found) != 2; i++ {
		if i == 100 {
			t.Fatalf("Rust finds %v", found)
		}
		time.Sleep(50 * time.Millisecond) // another process, which answers no announcement
		if err := rust.do(map[string]any{"do": "find", "hash": []byte(hash)}, &found); err != nil {
			t.Fatal(err)
		}
	}
	if !want[found[0]] || !want[found[1]] {
		t.Errorf("Rust finds %v", found)
	}
	providers, err := ours.dht.FindProviders(ctx, cid.NewCidV1(cid.Raw, hash))
	if err != nil || len(providers) != 2 {
		t.Fatalf("ours finds %v, %v", providers, err)
	}
	for _, p := range providers {
		if !want[p.ID.String()] || p.ID == owner && len(p.Addrs) == 0 {
			t.Errorf("ours finds %v", p)
		}
	}
	if err := ours.dht.Close(); err != nil { // writes what kad-dht still buffers
		t.Fatal(err)
	}
	if n, err := ours.records.CountProvidersOf(ctx, hash); err != nil || n != 2 {
		t.Errorf("we hold %d providers, %v; want 2", n, err)
	}
}
