package wide_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/wide"
)

// Defaults of options and tags are read from older rows by both codecs.
func TestDefaultsOfOptions(t *testing.T) {
	type (
		stop struct{ Zip string }
		old  struct {
			ID    uint64
			Stops []stop
			Last  *stop
		}
	)
	two := uint8(2)
	want := wide.Changed{
		ID: 1, Name: `x; "y"`, Age: &two, Since: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Ratio: 0.1, Score: 7, On: true,
		Stops: []wide.Stop{{Town: "Kisumu", Zip: "1"}, {Town: "Kisumu", Zip: "2"}}, Last: &wide.Stop{Town: "Rome", Zip: "3"},
	}
	for name, codec := range map[string]models.Codec[wide.Changed]{"generated": wide.ChangedCodec{}, "reflected": models.DagCBOR[wide.Changed]()} {
		eng, ctx := memory.Engine(), t.Context()
		before := models.NewTree("changed", models.Uint64, func(m *old) uint64 { return m.ID })
		store, err := datastore.Open(ctx, eng, models.NewDefinition("wide", before))
		if err != nil {
			t.Fatal(err)
		}
		if err := before.Put(ctx, store, &old{ID: 1, Stops: []stop{{"1"}, {"2"}}, Last: &stop{"3"}}); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		after := models.NewTree("changed", models.Uint64, func(m *wide.Changed) uint64 { return m.ID }, models.WithCodec(codec),
			models.WithDefault[wide.Changed]("Age", two),
			models.WithDefault[wide.Changed]("Score", 7),
			models.WithDefault[wide.Changed]("Stops[].Town", "Kisumu"))
		if store, err = datastore.Open(ctx, eng, models.NewDefinition("wide", after)); err != nil {
			t.Fatal(err)
		}
		if got, err := after.Get(ctx, store, 1); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
		if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
