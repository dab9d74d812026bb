package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/newsnet-africa/netabase-go/models"
)

// meterName is the instrumentation scope of the metrics.
const meterName = "github.com/newsnet-africa/netabase-go/record"

// operation names the operation whose latency is measured.
type operation string

const (
	opGet    operation = "get"
	opPut    operation = "put"
	opDelete operation = "delete"
	opCommit operation = "commit"
	// opQuery ends when the first result can be read. For the providers of one key
	// that is the whole query.
	opQuery operation = "query"
	// opPublish and opResolve include the time of the DHT.
	opPublish operation = "publish"
	opResolve operation = "resolve"
)

var operations = []operation{opGet, opPut, opDelete, opCommit, opQuery, opPublish, opResolve}

// metrics are the OpenTelemetry instruments of Records. docs/records.md lists them.
type metrics struct {
	latency   metric.Float64Histogram
	refusals  metric.Int64Counter
	evictions metric.Int64Counter
	expired   metric.Int64Counter
	sweeps    metric.Float64Histogram
	again     metric.Int64Counter
	stop      metric.Registration
	log       *refusalLog
	// operations are the attributes of latencies, made once.
	operations map[operation][]metric.RecordOption
}

// newMetrics makes the instruments. The gauges read the totals of r whenever
// they are collected.
func newMetrics(provider metric.MeterProvider, log slog.Handler, r *Records) (m metrics, err error) {
	m.log = newRefusalLog(log)
	meter := provider.Meter(meterName)
	var errs [8]error
	m.latency, errs[0] = meter.Float64Histogram("netabase.record.operation.duration", metric.WithUnit("s"),
		metric.WithDescription("How long operations take"),
		metric.WithExplicitBucketBoundaries(1e-6, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, .1, .5, 1, 5))
	m.refusals, errs[1] = meter.Int64Counter("netabase.record.refusals", metric.WithUnit("{record}"),
		metric.WithDescription("Records and provider records refused, by reason"))
	m.evictions, errs[2] = meter.Int64Counter("netabase.record.evictions", metric.WithUnit("{record}"),
		metric.WithDescription("Records and provider records dropped for a bound"))
	m.expired, errs[3] = meter.Int64Counter("netabase.record.expired", metric.WithUnit("{record}"),
		metric.WithDescription("Records and provider records that have expired"))
	m.sweeps, errs[4] = meter.Float64Histogram("netabase.record.sweep.duration", metric.WithUnit("s"),
		metric.WithDescription("How long sweeps take that remove what has expired"))
	rows, err := meter.Int64ObservableGauge("netabase.record.rows", metric.WithUnit("{record}"),
		metric.WithDescription("Soft state that is stored, by kind"))
	errs[5] = err
	size, err := meter.Int64ObservableGauge("netabase.record.bytes", metric.WithUnit("By"),
		metric.WithDescription("Bytes of its keys and values, by kind"))
	errs[6] = err
	m.again, errs[7] = meter.Int64Counter("netabase.record.republished", metric.WithUnit("{record}"),
		metric.WithDescription("Records of this peer that were put into the DHT again, by result"))
	if err := errors.Join(errs[:]...); err != nil {
		return m, fmt.Errorf("records: metrics: %w", err)
	}
	m.operations = map[operation][]metric.RecordOption{}
	for _, op := range operations {
		m.operations[op] = []metric.RecordOption{
			metric.WithAttributeSet(attribute.NewSet(attribute.String("operation", string(op)))),
		}
	}
	m.stop, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for kind, u := range map[string]Usage{"record": r.RecordUsage(), "provider": r.ProviderUsage()} {
			of := metric.WithAttributes(attribute.String("kind", kind))
			o.ObserveInt64(rows, u.Rows, of)
			o.ObserveInt64(size, u.Bytes, of)
		}
		return nil
	}, rows, size)
	if err != nil {
		return m, fmt.Errorf("records: metrics: %w", err)
	}
	return m, nil
}

func (m *metrics) took(ctx context.Context, op operation, start time.Time) {
	m.latency.Record(ctx, time.Since(start).Seconds(), m.operations[op]...)
}

// refused counts and logs refusals. It ignores other errors.
func (m *metrics) refused(ctx context.Context, errs ...error) {
	for _, err := range errs {
		if reason := reasonOf(err); reason != "" {
			m.refusedFor(ctx, reason, err)
		}
	}
}

// invalid counts and logs a record that a validator refuses, whatever its error.
func (m *metrics) invalid(key string, err error) {
	if reason := reasonOf(err); reason != "" {
		m.refusedFor(context.Background(), reason, err)
		return
	}
	m.refusedFor(context.Background(), "invalid", fmt.Errorf("%q: %w", shorten(key), err))
}

func (m *metrics) refusedFor(ctx context.Context, reason string, err error) {
	m.refusals.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", reason)))
	m.log.refused(ctx, reason, err)
}

func (m *metrics) evicted(ctx context.Context, n int) {
	if n > 0 {
		m.evictions.Add(ctx, int64(n))
	}
}

func (m *metrics) swept(ctx context.Context, removed int, start time.Time) {
	if removed > 0 {
		m.expired.Add(ctx, int64(removed))
	}
	m.sweeps.Record(ctx, time.Since(start).Seconds())
}

// republished counts a record that was put again, or could not be.
func (m *metrics) republished(ctx context.Context, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.again.Add(ctx, 1, metric.WithAttributes(attribute.String("result", result)))
}

// reasonOf names the reason for which a record is refused.
func reasonOf(err error) string {
	for _, reason := range []struct {
		err  error
		name string
	}{
		{ErrFull, "full"},
		{ErrOldRecord, "old"},
		{ErrNoRecord, "no_record"},
		{models.ErrUnique, "unique"},
		{models.ErrMerge, "merge"},
		{models.ErrTooLarge, "too_large"},
		{models.ErrKeySize, "key_size"},
		{models.ErrInvalid, "invalid"},
		{models.ErrCorrupt, "damaged"},
		{models.ErrTampered, "tampered"},
		{models.ErrVersion, "newer_version"},
	} {
		if errors.Is(err, reason.err) {
			return reason.name
		}
	}
	return ""
}
