package models_test

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

type (
	fieldCount uint16
	fieldEmail string
	fieldBase  struct {
		ID uint64
	}
	// fieldRow has a field of each type that can be a key.
	fieldRow struct {
		fieldBase
		Count  fieldCount `cbor:"n,omitempty"`
		Small  int8
		On     bool
		Ratio  float32 `cbor:",omitzero"`
		Email  fieldEmail
		Data   []byte `json:"data"`
		Hash   [32]byte
		At     time.Time
		Tags   []string `cbor:",omitempty"`
		Days   [3]int16
		Blobs  [][4]byte
		Note   *string
		Homes  map[string][]struct{ Town string }
		Addr   netip.Addr
		Large  [8192]byte `cbor:",omitzero"`
		Hidden string     `cbor:"-"`
	}
)

// fieldTree declares a tree of fieldRow whose primary key is ID.
func fieldTree(opts ...models.TreeOption[fieldRow]) *models.Tree[fieldRow, uint64] {
	return models.NewTree("row", models.Uint64, func(r *fieldRow) uint64 { return r.ID },
		append(opts, models.KeyFields[fieldRow]("ID"))...)
}

func fieldEmailOf(r *fieldRow) fieldEmail { return r.Email }

func microClock(r *fieldRow) uint64 { return uint64(max(r.At.UnixMicro(), 0)) }

var fieldOf = models.Fields[fieldRow]

// TestFields declares keys of every kind by fields.
func TestFields(t *testing.T) {
	email := models.StringOf[fieldEmail]()
	rows := fieldTree(models.WithClock(microClock), models.ClockField[fieldRow]("At"))
	models.NewIndex(
		rows,
		"count",
		models.UintOf[fieldCount](),
		func(r *fieldRow) fieldCount { return r.Count },
		fieldOf("n"),
	)
	models.NewIndex(rows, "wide", models.Uint64, func(r *fieldRow) uint64 { return uint64(r.Count) }, fieldOf("n"))
	models.NewIndex(rows, "ratio", models.Float32, func(r *fieldRow) float32 { return r.Ratio },
		models.Where(func(r *fieldRow) bool { return r.Ratio != 0 }),
		fieldOf("Ratio"), models.OptionalFields[fieldRow]("Ratio"))
	models.NewUnique(rows, "email", email, fieldEmailOf,
		models.Where(func(r *fieldRow) bool { return r.Email != "" }),
		fieldOf("Email"), models.OptionalFields[fieldRow]("Email"))
	models.NewIndex(rows, "data", models.Bytes, func(r *fieldRow) []byte { return r.Data }, fieldOf("data"))
	models.NewIndex(rows, "hash", models.Bytes, func(r *fieldRow) []byte { return r.Hash[:] },
		models.Where(func(r *fieldRow) bool { return r.Hash != [32]byte{} }),
		fieldOf("Hash"), models.OptionalFields[fieldRow]("Hash"))
	models.NewIndex(rows, "at", models.Time, func(r *fieldRow) time.Time { return r.At },
		models.Where(func(r *fieldRow) bool { return !r.At.IsZero() }),
		fieldOf("At"), models.OptionalFields[fieldRow]("At"))
	models.NewMulti(rows, "tag", models.String, func(r *fieldRow) []string { return r.Tags }, fieldOf("Tags"))
	models.NewMulti(rows, "day", models.Int16, func(r *fieldRow) []int16 { return r.Days[:] }, fieldOf("Days"))
	models.NewMulti(
		rows,
		"blob",
		models.PairOf(models.Bool, models.Bytes),
		func(r *fieldRow) (keys []models.Pair[bool, []byte]) {
			for _, b := range r.Blobs {
				keys = append(keys, models.MakePair(r.On, b[:]))
			}
			return keys
		},
		fieldOf("On", "Blobs"),
	)
	models.NewIndex(rows, "three", models.TripleOf(models.Int8, email, models.Bool),
		func(r *fieldRow) models.Triple[int8, fieldEmail, bool] {
			return models.MakeTriple(r.Small, r.Email, r.On)
		},
		models.Where(func(r *fieldRow) bool { return r.Small != 0 && r.On }),
		fieldOf("Small", "Email", "On"), models.OptionalFields[fieldRow]("Small", "On"))
	models.NewBlind(rows, "blind", email, fieldEmailOf, fieldOf("Email"))
	models.NewBlindUnique(rows, "mine", email, fieldEmailOf,
		models.Where(func(r *fieldRow) bool { return r.Email != "" }),
		fieldOf("Email"), models.OptionalFields[fieldRow]("Email"))
	models.NewIndex(rows, "computed", models.Int, func(r *fieldRow) int { return len(r.Tags) })
	if err := models.NewDefinition("x", rows).Err(); err != nil {
		t.Fatal(err)
	}
	got := rows.Schema()
	if want := []string{"ID"}; !reflect.DeepEqual(got.KeyFields, want) || got.Clock != "At" {
		t.Errorf("the key is of %v and the clock is %q", got.KeyFields, got.Clock)
	}
	want := shape.Index{
		Name: "three", Kind: "index", Key: "triple(int8,string,bool)", Partial: true,
		Fields: []string{"Small", "Email", "On"}, Optional: []string{"Small", "On"},
	}
	if three := got.Indexes[10]; !reflect.DeepEqual(three, want) {
		t.Errorf("got %+v, want %+v", three, want)
	}
	if err := got.Check(); err != nil {
		t.Error(err)
	}
}

// otherCodec is the codec of rows under another name.
type otherCodec struct{ models.Codec[fieldRow] }

func (otherCodec) Name() string { return "own" }

// TestFieldsRefused declares fields that do not give what the function of the declaration gives.
func TestFieldsRefused(t *testing.T) {
	index := func(opts ...models.IndexOption[fieldRow]) func() models.AnyTree {
		return func() models.AnyTree {
			rows := fieldTree()
			models.NewIndex(rows, "email", models.StringOf[fieldEmail](), fieldEmailOf, opts...)
			return rows
		}
	}
	tree := func(opts ...models.TreeOption[fieldRow]) func() models.AnyTree {
		return func() models.AnyTree { return fieldTree(opts...) }
	}
	multi := func(extract func(*fieldRow) []string) func() models.AnyTree {
		return func() models.AnyTree {
			rows := fieldTree()
			models.NewMulti(rows, "tag", models.String, extract, fieldOf("Tags"))
			return rows
		}
	}
	key := func(of func(*fieldRow) uint64, names ...string) func() models.AnyTree {
		return func() models.AnyTree {
			return models.NewTree("row", models.Uint64, of, models.KeyFields[fieldRow](names...))
		}
	}
	hasEmail := models.Where(func(r *fieldRow) bool { return r.Email != "" })
	const other = "the function of the declaration gives something else for some models"
	for name, c := range map[string]struct {
		declare func() models.AnyTree
		want    string
	}{
		"no field":            {key(func(r *fieldRow) uint64 { return r.ID }, "Id"), `primary key of tree "x.row" by fields Id: definition does not fit: the model has no field "Id"`},
		"no fields":           {key(func(r *fieldRow) uint64 { return r.ID }), "a key uint64 has 1 parts, and there are 0 fields"},
		"none of an index":    {index(fieldOf()), "a key string has 1 parts, and there are 0 fields"},
		"an empty optional":   {index(fieldOf("Email"), hasEmail, models.OptionalFields[fieldRow]()), "it has Where and no OptionalFields"},
		"left out":            {index(fieldOf("Hidden")), `index "email" of tree "x.row" by fields Hidden: definition does not fit: the model has no field "Hidden"`},
		"two fields":          {index(fieldOf("Email", "ID")), "a key string has 1 parts, and there are 2 fields"},
		"a kind":              {index(fieldOf("data")), `the field "data" is bytes, which is no key string`},
		"a text":              {index(fieldOf("Addr")), `by fields Addr: definition does not fit: the field "Addr" is bytes, which is no key string`},
		"another":             {key(func(r *fieldRow) uint64 { return uint64(r.Count) }, "ID"), `by fields ID: definition does not fit: ` + other},
		"more than the field": {key(func(r *fieldRow) uint64 { return r.ID + uint64(len(r.Tags)/2) }, "ID"), other},
		"a rare case":         {key(func(r *fieldRow) uint64 { return min(r.ID, 1<<40) }, "ID"), other},
		"a hidden field":      {index(fieldOf("Email"), models.Where(func(r *fieldRow) bool { return r.Hidden == "" }), models.OptionalFields[fieldRow]("Email")), other},
		"other rows":          {index(fieldOf("Email"), models.Where(func(r *fieldRow) bool { return len(r.Email) > 1 }), models.OptionalFields[fieldRow]("Email")), other},
		"no optional":         {index(fieldOf("Email"), hasEmail), "it has Where and no OptionalFields"},
		"no where":            {index(fieldOf("Email"), models.OptionalFields[fieldRow]("Email")), "it has OptionalFields and no Where"},
		"only optional":       {index(hasEmail, models.OptionalFields[fieldRow]("Email")), "it has OptionalFields and no Fields"},
		"another optional":    {index(fieldOf("Email"), hasEmail, models.OptionalFields[fieldRow]("ID")), `the optional field "ID" is none of the fields`},
		"the first tag":       {multi(func(r *fieldRow) []string { return r.Tags[:min(len(r.Tags), 1)] }), other},
		"a panic":             {multi(func(r *fieldRow) []string { return r.Tags[:1] }), "the function of the declaration panics for some models: runtime error: slice bounds"},
		"no clock":            {tree(models.ClockField[fieldRow]("At")), "it has ClockField and no WithClock"},
		"a clock in nanoseconds": {
			tree(models.WithClock(func(r *fieldRow) uint64 { return uint64(max(r.At.UnixNano(), 0)) }), models.ClockField[fieldRow]("At")),
			`clock of tree "x.row" by fields At: definition does not fit: ` + other,
		},
		"a clock below 0": {
			tree(models.WithClock(func(r *fieldRow) uint64 { return uint64(r.Small) }), models.ClockField[fieldRow]("Small")), other,
		},
		"text as a clock": {
			tree(models.WithClock(microClock), models.ClockField[fieldRow]("Email")), `the field "Email" is neither an integer nor a time`,
		},
		"another codec": {
			tree(models.WithCodec[fieldRow](otherCodec{models.DagCBOR[fieldRow]()})), "the codec of the tree is own and not dag-cbor",
		},
	} {
		err := models.NewDefinition("x", c.declare()).Err()
		if !errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// BenchmarkFields measures how long the check of a definition takes, which a program does once.
func BenchmarkFields(b *testing.B) {
	type post struct {
		ID      uint64
		Author  uint64
		Created time.Time
		Title   string
		Tags    []string
	}
	for range b.N {
		posts := models.NewTree("post", models.Uint64, func(p *post) uint64 { return p.ID }, models.KeyFields[post]("ID"))
		models.NewMulti(posts, "tag", models.String, func(p *post) []string { return p.Tags }, models.Fields[post]("Tags"))
		if err := models.NewDefinition("x", posts).Err(); err != nil {
			b.Fatal(err)
		}
	}
}
