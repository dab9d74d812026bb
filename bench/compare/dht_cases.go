package main

import (
	"bufio"
	"context"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/simplelru"
	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	libp2precord "github.com/libp2p/go-libp2p-record"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"

	"github.com/newsnet-africa/netabase-go/bench/internal/backend"
)

// Cases of compare dht.
const (
	addProviderCase  = "add_provider"
	getProvidersCase = "get_providers"
	queryCase        = "query_beneath"
	valuePutCase     = "value_put"
	valueGetCase     = "value_get"
	expireCase       = "expire"
	diskCase         = "disk"
	memoryCase       = "memory"
)

var dhtCases = []string{
	addProviderCase, getProvidersCase, queryCase, valuePutCase, valueGetCase, expireCase, diskCase, memoryCase,
}

const (
	// providersPerKey is how many peers provide each key, keysPerPeer how many keys each peer
	// provides.
	providersPerKey = 5
	keysPerPeer     = 50
	valueBytes      = 1 << 10
	// mostQueries is the most lookups of random keys.
	mostQueries = 20_000
	// expiredShare says which part of the provider records has expired: 1 in so many.
	expiredShare = 100
	validity     = 48 * time.Hour
)

// measureDHT measures one backend through kad-dht's own records package.
func measureDHT(ctx context.Context, b backend.Backend, dir string, n int, emit func(dhtResult) error) error {
	m := &dhtMeter{
		ctx: ctx, backend: b, dir: filepath.Join(dir, "db"), n: n, emit: emit, random: rand.New(rand.NewPCG(1, 2)),
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	store, err := b.Open(m.dir)
	if err != nil {
		return err
	}
	m.store = store
	for _, step := range []func() error{m.providers, m.memory, m.disk, m.expire, m.values} {
		if err := step(); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", b.Name, err), m.store.Close())
		}
	}
	return errors.Join(m.store.Close(), os.RemoveAll(m.dir))
}

// base32Raw is how kad-dht writes keys.
var base32Raw = base32.StdEncoding.WithPadding(base32.NoPadding)

type dhtMeter struct {
	ctx     context.Context
	backend backend.Backend
	dir     string
	n       int
	emit    func(dhtResult) error
	store   backend.Store
	random  *rand.Rand
}

func (m *dhtMeter) report(r dhtResult) error {
	r.Contender, r.Records = m.backend.Name, m.n
	return m.emit(r)
}

// instant is the time, and the CPU time that the process has taken by then.
type instant struct {
	at  time.Time
	cpu time.Duration
}

func now() instant { return instant{time.Now(), processTime()} }

// took reports a case of ops operations that began at an instant and ends now.
func (m *dhtMeter) took(name string, began instant, ops int) error {
	return m.report(began.until(now(), name, ops))
}

// until is the result of a case of ops operations that took from one instant to another.
func (began instant) until(ended instant, name string, ops int) dhtResult {
	return dhtResult{
		Case: name, NsPerOp: float64(ended.at.Sub(began.at)) / float64(ops),
		CPUNsPerOp: float64(ended.cpu-began.cpu) / float64(ops),
	}
}

// key returns the key with a number: a multihash of 34 bytes, as content has.
func (m *dhtMeter) key(i int) []byte { return numbered(0x12, 0x20, uint64(i)) }

// peer returns the identity with a number: 38 bytes, as for an Ed25519 key.
func (m *dhtMeter) peer(i int) peer.ID {
	return peer.ID("\x00\x24\x08\x01\x12\x20" + string(numbered(0, 0, uint64(i)+1<<40)[2:]))
}

// numbered returns two given bytes and 32 that look like a hash.
func numbered(a, b byte, i uint64) []byte {
	id := append(make([]byte, 0, 34), a, b)
	source := rand.NewPCG(i, 7)
	for range 4 {
		id = binary.BigEndian.AppendUint64(id, source.Uint64())
	}
	return id
}

func (m *dhtMeter) queries() int { return min(mostQueries, m.n) }

// provider is provider j of key i.
func (m *dhtMeter) provider(i, j int) peer.ID {
	peers := max(providersPerKey, m.n/keysPerPeer)
	return m.peer((i*7 + j*(peers/providersPerKey)) % peers)
}

// providers loads the provider records and reads some of them.
func (m *dhtMeter) providers() error {
	peers, err := pstoremem.NewPeerstore()
	if err != nil {
		return err
	}
	defer peers.Close()
	manager := func() (*records.ProviderManager, error) {
		cache, err := simplelru.NewLRU(1, nil) // every lookup is a miss
		if err != nil {
			return nil, err
		}
		return records.NewProviderManager(m.peer(1<<30), peers, m.store,
			records.Cache(cache), records.CleanupInterval(0), records.ProvideValidity(validity))
	}
	pm, err := manager()
	if err != nil {
		return err
	}
	began := now()
	for i := range m.n / providersPerKey {
		key := m.key(i)
		for j := range providersPerKey {
			if err := pm.AddProvider(m.ctx, key, peer.AddrInfo{ID: m.provider(i, j)}); err != nil {
				return err
			}
		}
	}
	if err := pm.Close(); err != nil { // writes the rest
		return err
	}
	if err := m.took(addProviderCase, began, m.n); err != nil || !m.backend.Queries {
		return err
	}
	if err := m.store.Sync(m.ctx, ds.NewKey("/")); err != nil {
		return err
	}
	if m.n >= restFrom {
		time.Sleep(rest)
	}
	if pm, err = manager(); err != nil {
		return err
	}
	defer pm.Close()
	queries := m.queries()
	keys := make([][]byte, queries)
	for i := range keys {
		keys[i] = m.key(m.random.IntN(m.n / providersPerKey))
	}
	began = now()
	for _, key := range keys {
		found, err := pm.GetProviders(m.ctx, key)
		if err != nil || len(found) != providersPerKey {
			return fmt.Errorf("%d providers found: %w", len(found), err)
		}
	}
	if err := m.took(getProvidersCase, began, queries); err != nil {
		return err
	}
	began = now()
	for _, key := range keys {
		results, err := m.store.Query(m.ctx,
			dsq.Query{Prefix: records.ProvidersKeyPrefix + base32Raw.EncodeToString(key)})
		if err != nil {
			return err
		}
		found, err := results.Rest()
		if err != nil || len(found) != providersPerKey {
			return fmt.Errorf("%d providers found beneath: %w", len(found), err)
		}
	}
	return m.took(queryCase, began, queries)
}

// restFrom is the number of records from which reading and memory are measured only after the
// engine has come to rest. That takes some seconds after the load: the engine merges tables and
// frees the memory used for it.
const (
	restFrom = 1_000_000
	rest     = 20 * time.Second
)

// memory reads how much memory the process has, with mapped files.
func (m *dhtMeter) memory() error {
	runtime.GC()
	debug.FreeOSMemory()
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return nil // not Linux
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		var kib int
		if _, err := fmt.Sscanf(lines.Text(), "VmRSS: %d kB", &kib); err == nil {
			return m.report(dhtResult{Case: memoryCase, RSSMiB: float64(kib) / 1024})
		}
	}
	return errors.New("no VmRSS in /proc/self/status")
}

// disk compacts the store, opens it again, and measures its files.
func (m *dhtMeter) disk() error {
	if err := m.store.Compact(m.ctx); err != nil {
		return err
	}
	if m.backend.Name == "floor" {
		return nil
	}
	err := m.store.Close()
	if err != nil {
		return err
	}
	var size int64
	err = filepath.WalkDir(m.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += used(info)
		}
		return err
	})
	if err != nil {
		return err
	}
	if m.store, err = m.backend.Open(m.dir); err != nil {
		return err
	}
	return m.report(dhtResult{Case: diskCase, BytesPerRecord: float64(size) / float64(m.n)})
}

// expire adds expired records, and has them removed.
func (m *dhtMeter) expire() error {
	if !m.backend.Queries || m.backend.Name == "floor" {
		return nil
	}
	expired := m.n / expiredShare
	old := binary.AppendVarint(nil, time.Now().Add(-validity-time.Minute).UnixNano())
	batch, err := m.store.Batch(m.ctx)
	if err != nil {
		return err
	}
	prefix := records.ProvidersKeyPrefix
	for i := range expired {
		key := m.key(m.n + i)
		name := prefix + base32Raw.EncodeToString(key) + "/" + base32Raw.EncodeToString([]byte(m.peer(i)))
		if err := batch.Put(m.ctx, ds.NewKey(name), old); err != nil {
			return err
		}
	}
	if err := batch.Commit(m.ctx); err != nil {
		return err
	}
	if err := m.store.Sync(m.ctx, ds.NewKey("/")); err != nil {
		return err
	}
	began := now()
	if err := m.store.Expire(m.ctx, validity); err != nil {
		return err
	}
	ended := now()
	name := prefix + base32Raw.EncodeToString(m.key(m.n))
	results, err := m.store.Query(m.ctx, dsq.Query{Prefix: name})
	if err != nil {
		return err
	}
	if left, err := results.Rest(); err != nil || len(left) > 0 {
		return fmt.Errorf("%d expired records are left: %w", len(left), err)
	}
	return m.report(began.until(ended, expireCase, 1))
}

// accepting accepts every value, and prefers the newer one.
type accepting struct{}

func (accepting) Validate(string, []byte) error        { return nil }
func (accepting) Select(string, [][]byte) (int, error) { return 0, nil }

var _ libp2precord.Validator = accepting{}

// values stores a tenth as many values as providers, and reads some.
func (m *dhtMeter) values() error {
	store := records.NewValueStore(m.store, accepting{}, validity)
	n := m.n / 10
	value := []byte(strings.Repeat("value ", valueBytes/6+1))[:valueBytes]
	name := func(i int) string { return "/bench/" + string(m.key(i)) }
	began := now()
	for i := range n {
		binary.BigEndian.PutUint64(value, uint64(i))
		key := name(i)
		if err := store.Put(m.ctx, key, &recpb.Record{Key: []byte(key), Value: value}); err != nil {
			return err
		}
	}
	if err := m.took(valuePutCase, began, n); err != nil {
		return err
	}
	began = now()
	queries := m.queries()
	for range queries {
		i := m.random.IntN(n)
		rec, err := store.Get(m.ctx, name(i))
		if err != nil || rec == nil || binary.BigEndian.Uint64(rec.Value) != uint64(i) {
			return fmt.Errorf("value %d was not found: %w", i, err)
		}
	}
	return m.took(valueGetCase, began, queries)
}
