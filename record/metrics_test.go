package record_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	dhtpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	kadrecord "github.com/libp2p/go-libp2p-record"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// meters keep what is recorded: the sums of counters, how often histograms were
// given something, and the last values of gauges.
type meters struct {
	noop.MeterProvider
	mu       sync.Mutex
	seen     map[string]int64
	callback metric.Callback
}

func (m *meters) Meter(string, ...metric.MeterOption) metric.Meter { return meter{m: m} }

func (m *meters) add(name string, set attribute.Set, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, kv := range set.ToSlice() {
		name += " " + kv.Value.AsString()
	}
	m.seen[name] += n
}

type meter struct {
	noop.Meter
	m *meters
}

func (m meter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return counter{m: m.m, name: name}, nil
}

func (m meter) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return histogram{m: m.m, name: name}, nil
}

func (m meter) Int64ObservableGauge(name string, _ ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	return gauge{name: name}, nil
}

func (m meter) RegisterCallback(f metric.Callback, _ ...metric.Observable) (metric.Registration, error) {
	m.m.callback = f
	return registration{m: m.m}, nil
}

type registration struct {
	noop.Registration
	m *meters
}

func (r registration) Unregister() error { r.m.callback = nil; return nil }

type counter struct {
	noop.Int64Counter
	m    *meters
	name string
}

func (c counter) Add(_ context.Context, n int64, opts ...metric.AddOption) {
	c.m.add(c.name, metric.NewAddConfig(opts).Attributes(), n)
}

type histogram struct {
	noop.Float64Histogram
	m    *meters
	name string
}

func (h histogram) Record(_ context.Context, _ float64, opts ...metric.RecordOption) {
	h.m.add(h.name, metric.NewRecordConfig(opts).Attributes(), 1)
}

type gauge struct {
	noop.Int64ObservableGauge
	name string
}

// observer takes what a collection asks for.
type observer struct {
	noop.Observer
	m *meters
}

func (o observer) ObserveInt64(g metric.Int64Observable, n int64, opts ...metric.ObserveOption) {
	o.m.add(g.(gauge).name, metric.NewObserveConfig(opts).Attributes(), n)
}

func TestMetrics(t *testing.T) {
	ctx := context.Background()
	m := &meters{seen: map[string]int64{}}
	opts := aDay
	opts.Meters = m
	opts.Bounds = record.Bounds{ProvidersPerKey: 2, Providers: 3}
	r, _ := openRecords(t, memory.Engine(), opts)
	now := time.Now()
	for i := range 5 {
		_ = r.Put(ctx, providerKey("key", fmt.Sprint(i)), providerTime(now)) // 3 are refused
	}
	for i := range 3 {
		mustPut(t, r, providerKey(fmt.Sprint("key", i), "p"), providerTime(now.Add(time.Duration(i)))) // 2 of 5 are evicted
	}
	key, _ := userRecord(t, User{ID: 1})
	mustPut(t, r, key, receivedAt(t, User{ID: 1, Version: 2}, longAgo()))
	_ = r.Put(ctx, key, receivedAt(t, User{ID: 1, Version: 1}, now))
	_ = r.Put(ctx, key, []byte("no record"))
	_ = r.Put(ctx, ds.NewKey("/blog.user/primary/1"), nil)
	mustGet(t, r, key)
	if err := m.callback(ctx, observer{m: m}); err != nil {
		t.Fatal(err)
	}
	expire(t, r, 1)
	list(t, r, dsq.Query{Prefix: "/providers"})
	if err := r.Delete(ctx, key); err != nil {
		t.Error(err)
	}
	batch, err := r.Batch(ctx)
	if err == nil {
		err = batch.Commit(ctx)
	}
	if err != nil {
		t.Error(err)
	}
	usage := m.seen["netabase.record.bytes record"]
	want := map[string]int64{
		"netabase.record.refusals full":             3,
		"netabase.record.refusals old":              1,
		"netabase.record.refusals invalid":          1,
		"netabase.record.refusals no_record":        1,
		"netabase.record.evictions":                 2,
		"netabase.record.expired":                   1,
		"netabase.record.sweep.duration":            1,
		"netabase.record.operation.duration put":    12,
		"netabase.record.operation.duration get":    1,
		"netabase.record.operation.duration delete": 1,
		"netabase.record.operation.duration commit": 1,
		"netabase.record.operation.duration query":  1,
		"netabase.record.rows provider":             3,
		"netabase.record.rows record":               1,
		"netabase.record.bytes provider":            r.ProviderUsage().Bytes,
		"netabase.record.bytes record":              usage,
	}
	if !maps.Equal(m.seen, want) || usage == 0 || r.RecordUsage() != (record.Usage{}) {
		t.Errorf("recorded are\n%v, want\n%v", m.seen, want)
	}
	if err := r.Close(); err != nil || m.callback != nil {
		t.Errorf("after Close the gauges are still read, %v", err)
	}
}

// A record that a validator refuses for kad-dht is counted: it never comes to a put.
func TestMetricsOfTheNetwork(t *testing.T) {
	ctx := context.Background()
	m := &meters{seen: map[string]int64{}}
	opts := market()
	opts.Meters = m
	a, b := newNodeWith(t, memory.Engine(), opts), newNodeWith(t, memory.Engine(), market())
	connect(t, a.dht, b.dht)
	client, err := dhtpb.NewProtocolMessenger(b.dht.MessageSender())
	if err != nil {
		t.Fatal(err)
	}
	ada, eve := newTrader(t), newTrader(t)
	for key, data := range map[string][]byte{
		ada.recordKey(1):        offer(t, eve, 1, 1, "forged"),
		ada.recordKey(2):        seal(t, ada, signed{sequence: 1, expires: inADay(), key: ada.recordKey(2), value: make([]byte, 100<<10)}),
		"/pk/" + string(ada.id): []byte("no key"),
	} {
		if client.PutValue(ctx, a.host.ID(), kadrecord.MakePutRecord(key, data)) == nil {
			t.Errorf("%s is taken", key)
		}
	}
	// kad-dht sends again what has been refused.
	for reason, least := range map[string]int64{"invalid": 2, "too_large": 1} {
		if got := m.seen["netabase.record.refusals "+reason]; got < least {
			t.Errorf("%d are %s, want at least %d", got, reason, least)
		}
	}
	o := Offer{a.host.ID(), 1, "hammer", 5}
	if _, err := record.Publish(ctx, a.node, Offers, &o); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Resolve(ctx, a.node, Offers, models.MakePair(o.Seller, o.Number)); err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{"publish", "resolve"} {
		if n := m.seen["netabase.record.operation.duration "+operation]; n != 1 {
			t.Errorf("%s has taken time %d times", operation, n)
		}
	}
}
