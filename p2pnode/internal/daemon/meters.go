package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// meters are the metrics of the process: those of records by OpenTelemetry, and those of libp2p and of
// Go, in one registry.
type meters struct {
	registry *prometheus.Registry
	provider *sdk.MeterProvider
}

func newMeters() (*meters, error) {
	m := &meters{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprom.New(otelprom.WithRegisterer(m.registry), otelprom.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	m.provider = sdk.NewMeterProvider(sdk.WithReader(exporter))
	return m, nil
}

func (m *meters) close() error {
	return m.provider.Shutdown(context.Background())
}

// series returns the charts since an instant.
func (m *meters) series(time.Time) api.Series {
	return api.Series{Times: []int64{}, Lines: []api.Line{}}
}
