package meters

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// keptSamples is how many samples the charts have: those of an hour.
const keptSamples = int(time.Hour / sampleEvery)

// maxLines bounds the lines of all charts.
const maxLines = 200

// reading says what a chart takes from a metric.
type reading uint8

const (
	level    reading = iota // the number as it is
	rate                    // how much it has grown, a second
	quantile                // of a histogram: what most new observations are below
	count                   // of a histogram: how many new observations there are, a second
)

// latencyQuantile is the part of operations that are faster than what the chart shows.
const latencyQuantile = 0.95

// charted are the metrics that the charts have. Label is the label that names the line, or empty for
// a metric without: then the line has the name.
var charted = []struct {
	metric, label, name string
	chart, unit         string
	reading             reading
}{
	{"netabase_record_operation_duration_seconds", "operation", "", "operations", "1/s", count},
	{"netabase_record_operation_duration_seconds", "operation", "", "latency", "s", quantile},
	{"netabase_record_refusals_total", "reason", "", "refusals", "1/s", rate},
	{"netabase_record_evictions_total", "", "evicted", "evictions", "1/s", rate},
	{"netabase_record_expired_total", "", "expired", "expired", "1/s", rate},
	{"netabase_record_rows", "kind", "", "records", "", level},
	{"netabase_store_disk_bytes", "", "store", "disk", "B", level},
	{"go_memstats_heap_alloc_bytes", "", "heap", "memory", "B", level},
	{"process_resident_memory_bytes", "", "process", "memory", "B", level},
	{"netabase_peers_connected", "", "connected", "peers", "", level},
	{"netabase_peers_known", "", "known", "peers", "", level},
}

// lineName tells the lines apart.
type lineName struct{ chart, name string }

// line has the values of a line, NaN where there is none, and what its metric was at the last sample.
type line struct {
	unit   string
	values []float64 // as many as there are times
	before *dto.Metric
}

// charts keep what the metrics were in the last hour.
type charts struct {
	from prometheus.Gatherer

	mu    sync.Mutex
	times []time.Time
	lines map[lineName]*line
}

func newCharts(from prometheus.Gatherer) *charts {
	return &charts{from: from, lines: map[lineName]*line{}}
}

// sample adds what the metrics are now.
func (c *charts) sample(now time.Time) {
	families, _ := c.from.Gather() // those that can be read
	byName := make(map[string]*dto.MetricFamily, len(families))
	for _, f := range families {
		byName[f.GetName()] = f
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var elapsed float64
	if n := len(c.times); n > 0 {
		elapsed = now.Sub(c.times[n-1]).Seconds()
	}
	c.times = append(c.times, now)
	for _, of := range charted {
		family := byName[of.metric]
		if family == nil {
			continue
		}
		for _, m := range family.GetMetric() {
			name := of.name
			if of.label != "" {
				name = labelOf(m, of.label)
			}
			if l := c.line(lineName{of.chart, name}, of.unit); l != nil {
				l.values = append(l.values, l.read(m, of.reading, elapsed))
				l.before = m
			}
		}
	}
	for _, l := range c.lines {
		for len(l.values) < len(c.times) {
			l.values = append(l.values, math.NaN())
		}
	}
	if over := len(c.times) - keptSamples; over > 0 {
		c.times = slices.Delete(c.times, 0, over)
		for _, l := range c.lines {
			l.values = slices.Delete(l.values, 0, over)
		}
	}
}

// line returns the line with a name, with values up to the sample before. It returns nil if there are
// too many, or if the line has its value already.
func (c *charts) line(name lineName, unit string) *line {
	l := c.lines[name]
	if l == nil {
		if len(c.lines) >= maxLines {
			return nil
		}
		l = &line{unit: unit}
		for range len(c.times) - 1 {
			l.values = append(l.values, math.NaN())
		}
		c.lines[name] = l
	}
	if len(l.values) == len(c.times) {
		return nil
	}
	return l
}

func labelOf(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// read returns the value of a line at a sample. Elapsed is the time since the one before, in seconds.
func (l *line) read(m *dto.Metric, how reading, elapsed float64) float64 {
	if how == level {
		return m.GetGauge().GetValue()
	}
	if l.before == nil || elapsed <= 0 {
		return math.NaN()
	}
	switch how {
	case rate:
		return (m.GetCounter().GetValue() - l.before.GetCounter().GetValue()) / elapsed
	case count:
		return float64(m.GetHistogram().GetSampleCount()-l.before.GetHistogram().GetSampleCount()) / elapsed
	default:
		return quantileOf(latencyQuantile, l.before.GetHistogram(), m.GetHistogram())
	}
}

// quantileOf estimates a quantile of what a histogram has observed since it was before: within the
// bucket in which it lies it takes the observations for even. There is none without observations.
func quantileOf(q float64, before, now *dto.Histogram) float64 {
	total := float64(now.GetSampleCount() - before.GetSampleCount())
	if total <= 0 {
		return math.NaN()
	}
	earlier := map[float64]uint64{}
	for _, b := range before.GetBucket() {
		earlier[b.GetUpperBound()] = b.GetCumulativeCount()
	}
	rank, lower, below := q*total, 0.0, 0.0
	for _, b := range now.GetBucket() {
		upper, upTo := b.GetUpperBound(), float64(b.GetCumulativeCount()-earlier[b.GetUpperBound()])
		if upTo >= rank {
			if math.IsInf(upper, 1) || upTo == below {
				return lower
			}
			return lower + (upper-lower)*(rank-below)/(upTo-below)
		}
		lower, below = upper, upTo
	}
	return lower // above the largest bound
}

// since returns the samples after an instant.
func (c *charts) since(t time.Time) api.Series {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, _ := slices.BinarySearchFunc(c.times, t, func(a, b time.Time) int {
		return cmp.Compare(a.Unix(), b.Unix()+1)
	})
	series := api.Series{Times: []int64{}, Lines: []api.Line{}}
	for _, at := range c.times[first:] {
		series.Times = append(series.Times, at.Unix())
	}
	for name, l := range c.lines {
		out := api.Line{Chart: name.chart, Name: name.name, Unit: l.unit, Values: []*float64{}}
		for _, v := range l.values[first:] {
			if math.IsNaN(v) {
				out.Values = append(out.Values, nil)
			} else {
				out.Values = append(out.Values, new(v))
			}
		}
		series.Lines = append(series.Lines, out)
	}
	slices.SortFunc(series.Lines, func(a, b api.Line) int {
		return cmp.Or(cmp.Compare(a.Chart, b.Chart), cmp.Compare(a.Name, b.Name))
	})
	return series
}
