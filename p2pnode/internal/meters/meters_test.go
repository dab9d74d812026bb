package meters

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	dto "github.com/prometheus/client_model/go"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// metricNames returns the names of all metrics that a node has in time.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	m.WatchPeers(func() int { return 1 }, func() int { return 1 })
	// Counters are there once they have counted something.
	names := map[string]bool{"up": true} // Prometheus's own
	with := func(o record.Options, do func(ctx context.Context, r *record.Records)) {
		o.Meters = m.Provider
		r, err := record.Open(t.Context(), memory.Engine(), o)
		if err != nil {
			t.Fatal(err)
		}
		do(t.Context(), r)
		families, err := m.Registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			names[f.GetName()] = true
			if f.GetType() == dto.MetricType_HISTOGRAM {
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					names[f.GetName()+suffix] = true
				}
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	with(record.Options{Bounds: record.Bounds{Records: 1}}, func(ctx context.Context, r *record.Records) {
		for _, name := range []string{"a", "b", "c"} {
			if err := r.Put(ctx, valueKey(name), value(t, "x")); err != nil {
				t.Error(err)
			}
		}
		if err := r.Put(ctx, valueKey("d"), value(t, strings.Repeat("x", record.DefaultMaxValueBytes))); err == nil {
			t.Error("a record that is too large is taken")
		}
	})
	with(record.Options{MaxRecordAge: time.Millisecond}, func(ctx context.Context, r *record.Records) {
		if err := r.Put(ctx, valueKey("a"), value(t, "x")); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Millisecond)
		if _, err := r.Expire(ctx); err != nil {
			t.Error(err)
		}
	})
	return names
}

// value returns a record of kad-dht with a value.
func value(t *testing.T, text string) []byte {
	t.Helper()
	b, err := proto.Marshal(&recpb.Record{Value: []byte(text), TimeReceived: time.Now().UTC().Format(time.RFC3339Nano)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// valueKey returns the key of a value of kad-dht that belongs to no model.
func valueKey(name string) ds.Key {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte("/pk/" + name))
	return ds.NewKey("/pk/" + text)
}

var metricName = regexp.MustCompile(`\b(netabase|process|go|libp2p|p2pnode)_[a-z0-9_]+\b|\bup\b`)

func TestWhatIsWatchedIsMeasured(t *testing.T) {
	names := metricNames(t)
	check := func(where, expression string) {
		t.Helper()
		found := metricName.FindAllString(expression, -1)
		if len(found) == 0 {
			t.Errorf("%s has no metric in %q", where, expression)
		}
		for _, name := range found {
			if !names[name] {
				t.Errorf("%s: there is no metric %s", where, name)
			}
		}
		if strings.Count(expression, "(") != strings.Count(expression, ")") ||
			strings.Count(expression, "{") != strings.Count(expression, "}") {
			t.Errorf("%s: %q has an open bracket", where, expression)
		}
	}
	for _, of := range charted {
		check("the chart "+of.chart, of.metric)
	}

	text, err := os.ReadFile("../../../docs/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var alerts struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Expr        string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &alerts); err != nil {
		t.Fatal(err)
	}
	if len(alerts.Groups) != 1 || len(alerts.Groups[0].Rules) < 5 {
		t.Fatalf("the alerts are %+v", alerts)
	}
	for _, rule := range alerts.Groups[0].Rules {
		check("the alert "+rule.Alert, rule.Expr)
		if rule.Alert == "" || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" {
			t.Errorf("the alert %q lacks something: %+v", rule.Alert, rule)
		}
	}

	text, err = os.ReadFile("../../../docs/grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Query string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	if len(dashboard.Panels) < 8 {
		t.Errorf("the dashboard has %d panels", len(dashboard.Panels))
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			check("the panel "+p.Title, target.Expr)
		}
	}
	for _, v := range dashboard.Templating.List {
		if strings.HasPrefix(v.Query, "label_values") {
			check("the variable "+v.Name, v.Query)
		}
	}
}

// The charts have a number for each sample, and as many samples as an hour has.
func TestCharts(t *testing.T) {
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	r, err := record.Open(t.Context(), memory.Engine(), record.Options{Meters: m.Provider})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Unix(1_800_000_000, 0)
	put := func(n int) {
		for i := range n {
			if err := r.Put(t.Context(), valueKey(strings.Repeat("x", i+1)), value(t, "x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(1)
	m.charts.sample(start)
	put(10)
	m.charts.sample(start.Add(sampleEvery))
	series := m.Series(time.Time{})
	line := func(chart, name string) []*float64 {
		for _, l := range series.Lines {
			if l.Chart == chart && l.Name == name {
				return l.Values
			}
		}
		t.Fatalf("there is no line %s in the chart %s: %+v", name, chart, series.Lines)
		return nil
	}
	if puts := line("operations", "put"); puts[0] != nil || *puts[1] != 2 {
		t.Errorf("the puts are %v", puts)
	}
	if latency := line("latency", "put"); latency[0] != nil || *latency[1] <= 0 || *latency[1] > 5 {
		t.Errorf("the latency is %v", latency)
	}
	if n := line("records", "record"); *n[0] != 1 || *n[1] != 10 {
		t.Errorf("the records are %v", n)
	}
	for i := range keptSamples + 5 {
		m.charts.sample(start.Add(time.Duration(i+2) * sampleEvery))
	}
	if series = m.Series(time.Time{}); len(series.Times) != keptSamples || len(line("records", "record")) != keptSamples {
		t.Errorf("there are %d samples", len(series.Times))
	}
	last := series.Times[keptSamples-3]
	if series = m.Series(time.Unix(last, 0)); len(series.Times) != 2 || len(line("memory", "heap")) != 2 {
		t.Errorf("since %d there are %v", last, series.Times)
	}
	for _, l := range series.Lines {
		if len(l.Values) != len(series.Times) {
			t.Errorf("%s %s has %d values for %d times", l.Chart, l.Name, len(l.Values), len(series.Times))
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
