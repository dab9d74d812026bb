package datastore_test

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dagcbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// link is a row of a model of which there are many versions: its fields are in a map.
type link struct {
	ID     uint64
	Fields map[string]uint64
}

// linkCodec is the codec of one version of the model, which has some of the fields F0, F1 and so on.
type linkCodec struct{ fields []shape.Field }

func (linkCodec) Name() string             { return "dag-cbor" }
func (c linkCodec) Fields() []models.Field { return c.fields }

func (c linkCodec) Append(dst []byte, l *link) ([]byte, error) {
	dst = dagcbor.AppendFields(dst, len(c.fields))
	for _, f := range c.fields {
		var err error
		if dst, err = dagcbor.AppendText(dst, f.Name); err != nil {
			return nil, err
		}
		if f.Name == "ID" {
			dst = dagcbor.AppendUint(dst, l.ID)
		} else {
			dst = dagcbor.AppendUint(dst, l.Fields[f.Name])
		}
	}
	return dst, nil
}

func (c linkCodec) Decode(src []byte, l *link) error {
	*l = link{Fields: map[string]uint64{}}
	r := dagcbor.NewReader(src)
	left := r.Map()
	for _, f := range c.fields {
		key, err := dagcbor.AppendText(nil, f.Name)
		if err != nil {
			return err
		}
		if r.Field(left, string(key)) {
			left--
			if value := r.Uint(64); f.Name == "ID" {
				l.ID = value
			} else {
				l.Fields[f.Name] = value
			}
		}
	}
	r.EndFields(left)
	return r.End("a link")
}

// links declares version n of the model, which has the last ten of the fields F0 to Fn. Each field
// has its number as its default. All fields before are given up.
func links(n int) (*models.Tree[link, uint64], *models.Definition) {
	c := linkCodec{[]shape.Field{{Name: "ID", Type: shape.Of(shape.Uint64)}}}
	var gone []string
	for i := range n + 1 {
		name := fmt.Sprint("F", i)
		if i <= n-10 {
			gone = append(gone, name)
			continue
		}
		c.fields = append(c.fields, shape.Field{
			Name: name, Type: shape.Of(shape.Uint64), Default: dagcbor.AppendUint(nil, uint64(i)),
		})
	}
	slices.SortFunc(c.fields, func(a, b shape.Field) int {
		return cmp.Or(len(a.Name)-len(b.Name), cmp.Compare(a.Name, b.Name))
	})
	tree := models.NewTree("link", models.Uint64, func(l *link) uint64 { return l.ID },
		models.WithCodec[link](c), models.WithGivenUp[link](gone...))
	return tree, models.NewDefinition("chain", tree)
}

// A hundred versions of a model follow one another in one store, which has a row of each.
func TestHundredVersions(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	const versions = 100
	eng, ctx := memory.Engine(), t.Context()
	want := map[uint64]link{}
	for n := range versions {
		tree, d := links(n)
		s, err := datastore.Open(ctx, eng, d)
		if err != nil {
			t.Fatalf("version %d: %v", n, err)
		}
		row := link{ID: uint64(n), Fields: map[string]uint64{}}
		for i := max(0, n-9); i <= n; i++ {
			row.Fields[fmt.Sprint("F", i)] = uint64(1000*n + i)
		}
		if err := tree.Put(ctx, s, &row); err != nil {
			t.Fatal(err)
		}
		for id, old := range want { // as this version reads it
			old.Fields = maps.Clone(old.Fields)
			delete(old.Fields, fmt.Sprint("F", n-10))
			old.Fields[fmt.Sprint("F", n)] = uint64(n)
			want[id] = old
		}
		want[row.ID] = row
		seen := 0
		for got, err := range tree.All(ctx, s) {
			if seen++; err != nil || !reflect.DeepEqual(got, want[got.ID]) {
				t.Fatalf("version %d reads %+v, %v; want %+v", n, got, err, want[got.ID])
			}
		}
		if seen != n+1 {
			t.Fatalf("version %d reads %d rows", n, seen)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, d := links(versions - 1)
	s, err := datastore.Open(ctx, eng, d)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n, err := datastore.Migrate(ctx, s); err != nil || n != versions-1 {
		t.Errorf("%d rows were rewritten, %v", n, err)
	}
}

func BenchmarkOpenAfterVersions(b *testing.B) {
	for _, versions := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(versions), func(b *testing.B) {
			eng := memory.Engine()
			var d *models.Definition
			for n := range versions {
				_, d = links(n)
				s, err := datastore.Open(b.Context(), eng, d)
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
			for b.Loop() {
				s, err := datastore.Open(b.Context(), eng, d)
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
		})
	}
}
