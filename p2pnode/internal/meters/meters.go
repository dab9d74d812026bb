// Package meters collects the metrics of a node for Prometheus, and keeps charts of the last hour.
package meters

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// Meters are the metrics of a node: those of records by OpenTelemetry, and those of libp2p, of Go
// and of the node, in one registry. Do not set the fields.
type Meters struct {
	Registry *prometheus.Registry
	Provider *sdk.MeterProvider
	charts   *charts
	// disk is the size of the store's files when it was last looked at.
	disk atomic.Int64
}

// New returns the metrics of a node that has not started yet.
func New() (*Meters, error) {
	m := &Meters{Registry: prometheus.NewRegistry()}
	m.charts = newCharts(m.Registry)
	m.Registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "netabase_store_disk_bytes", Help: "Size of the files of the store, at most a minute ago",
		}, func() float64 { return float64(m.disk.Load()) }),
	)
	exporter, err := otelprom.New(otelprom.WithRegisterer(m.Registry), otelprom.WithoutScopeInfo(),
		otelprom.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	m.Provider = sdk.NewMeterProvider(sdk.WithReader(exporter))
	return m, nil
}

// WatchPeers adds the metrics of the peer.
func (m *Meters) WatchPeers(connected, known func() int) {
	m.Registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "netabase_peers_connected", Help: "Peers that are connected",
		}, func() float64 { return float64(connected()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "netabase_peers_known", Help: "Peers in the routing table of the DHT",
		}, func() float64 { return float64(known()) }),
	)
}

// How often the charts get a sample, and how often the size of the store's files is looked at.
const (
	sampleEvery = 5 * time.Second
	diskEvery   = 30 * time.Second
)

// Run samples the metrics until ctx ends. Size returns the size of the store's files.
func (m *Meters) Run(ctx context.Context, size func(context.Context) (int64, error)) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	var looked time.Time
	for {
		if time.Since(looked) >= diskEvery {
			if n, err := size(ctx); err == nil {
				m.disk.Store(n)
			}
			looked = time.Now()
		}
		m.charts.sample(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Close ends the metrics of records.
func (m *Meters) Close() error { return m.Provider.Shutdown(context.Background()) }

// Series returns the charts since an instant.
func (m *Meters) Series(since time.Time) api.Series { return m.charts.since(since) }
