package models_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type sample struct {
	Float  float64
	Text   string
	Moment time.Time
}

var (
	samples        = models.NewTree("sample", models.Float64, func(s *sample) float64 { return s.Float })
	sampleByText   = models.NewIndex(samples, "text", models.String, func(s *sample) string { return s.Text })
	sampleByMoment = models.NewIndex(samples, "moment", models.Time, func(s *sample) time.Time { return s.Moment })

	laboratory = models.NewDefinition("laboratory", samples)
)

// TestKeysAndValuesAgree checks what the package documentation says of keys that
// the default codec refuses in values: no row has one, and asking for one is no
// error.
func TestKeysAndValuesAgree(t *testing.T) {
	ctx, store := t.Context(), datastore.Temp(t, memory.Engine(), laboratory)
	for name, refused := range map[string]sample{
		"NaN":              {Float: math.NaN()},
		"infinity":         {Float: math.Inf(-1)},
		"not UTF-8":        {Text: "\xff"},
		"year 10000":       {Moment: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"year before 0":    {Moment: time.Date(-1, 12, 31, 0, 0, 0, 0, time.UTC)},
		"NaN of this kind": {Float: math.Float64frombits(math.MaxUint64)},
	} {
		if err := samples.Put(ctx, store, &refused); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s: got error %v, want ErrInvalid", name, err)
		}
		if _, err := samples.Get(ctx, store, refused.Float); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("%s: got error %v, want ErrNotFound", name, err)
		}
		if n, err := sampleByText.Count(ctx, store, models.Only(refused.Text)); n != 0 || err != nil {
			t.Errorf("%s: %d rows by text, %v", name, n, err)
		}
		if n, err := sampleByMoment.Count(ctx, store, models.Only(refused.Moment)); n != 0 || err != nil {
			t.Errorf("%s: %d rows by moment, %v", name, n, err)
		}
	}
	// Negative zero stays in the value, and is the key 0.
	negative := math.Copysign(0, -1)
	zone := time.FixedZone("far", 3600)
	if err := samples.Put(ctx, store, &sample{Float: negative, Moment: time.Date(2026, 1, 1, 0, 0, 0, 0, zone)}); err != nil {
		t.Fatal(err)
	}
	got, err := samples.Get(ctx, store, 0)
	if err != nil || !math.Signbit(got.Float) {
		t.Errorf("got %v, %v", got, err)
	}
	// The zone is in neither.
	if got.Moment.Location() != time.UTC || got.Moment.Hour() != 23 {
		t.Errorf("got %v", got.Moment)
	}
}
