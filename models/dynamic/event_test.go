package dynamic_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/internal/dagjson"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// event is a model with fields of all kinds.
type event struct {
	Region string
	ID     uint64
	Title  string
	Place  place
	Tags   []string `cbor:"tags,omitempty"`
	Scores map[string]float32
	At     time.Time
	Ended  *time.Time
	Poster []byte
	Hash   [4]byte
	Ratio  float64
	Live   bool   `cbor:",omitempty"`
	Level  int16  `netabase:"default=7"`
	Phone  string `cbor:",omitzero"`
	Stops  []place
	Small  uint8
}

// place is a struct in an event.
type place struct {
	Town string
	Zip  *uint32
	Note string `cbor:",omitempty"`
}

type (
	eventKey   = models.Pair[string, uint64]
	tagAndTime = models.Pair[string, time.Time]
)

// events are the handles of the compiled tree.
type events struct {
	definition *models.Definition
	tree       *models.Tree[event, eventKey]
	title      *models.Index[event, eventKey, string]
	level      *models.Index[event, eventKey, models.Triple[bool, int16, float64]]
	phone      *models.Unique[event, eventKey, string]
	tag        *models.Multi[event, eventKey, tagAndTime]
}

// declareEvents declares the tree anew, since a tree belongs to one definition.
func declareEvents(opts ...models.TreeOption[event]) (e events) {
	e.tree = models.NewTree("event", models.PairOf(models.String, models.Uint64),
		func(m *event) eventKey { return models.MakePair(m.Region, m.ID) },
		append(opts, models.KeyFields[event]("Region", "ID"))...)
	e.title = models.NewIndex(e.tree, "title", models.String, func(m *event) string { return m.Title },
		models.Fields[event]("Title"))
	e.level = models.NewIndex(e.tree, "live_level_ratio", models.TripleOf(models.Bool, models.Int16, models.Float64),
		func(m *event) models.Triple[bool, int16, float64] { return models.MakeTriple(m.Live, m.Level, m.Ratio) },
		models.Fields[event]("Live", "Level", "Ratio"))
	e.phone = models.NewUnique(e.tree, "phone", models.String, func(m *event) string { return m.Phone },
		models.Where(func(m *event) bool { return m.Phone != "" }),
		models.Fields[event]("Phone"), models.OptionalFields[event]("Phone"))
	e.tag = models.NewMulti(
		e.tree,
		"tag_at",
		models.PairOf(models.String, models.Time),
		func(m *event) (keys []tagAndTime) {
			for _, tag := range m.Tags {
				keys = append(keys, models.MakePair(tag, m.At))
			}
			return keys
		},
		models.Fields[event]("tags", "At"),
	)
	models.NewIndex(e.tree, "hash", models.Bytes, func(m *event) []byte { return m.Hash[:] }, models.Fields[event]("Hash"))
	models.NewIndex(e.tree, "small", models.Uint8, func(m *event) uint8 { return m.Small }, models.Fields[event]("Small"))
	e.definition = models.NewDefinition("city", e.tree)
	return e
}

// define makes the one tree of a schema.
func define(t testing.TB, s shape.Schema, opts ...dynamic.Option) *dynamic.Tree {
	t.Helper()
	definitions, err := dynamic.Definitions([]shape.Schema{s}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return definitions[0].Trees()[0]
}

// dynamicEvents makes the tree and its definition from the schema of the compiled one, by way of a file.
func dynamicEvents(t testing.TB, of models.AnyTree, opts ...dynamic.Option) (*dynamic.Definition, *dynamic.Tree) {
	t.Helper()
	definitions, err := dynamic.Definitions([]shape.Schema{throughFile(t, of.Schema())}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return definitions[0], definitions[0].Trees()[0]
}

// asJSON returns the value of a compiled model as JSON.
func asJSON[M, K any](t testing.TB, tree *models.Tree[M, K], m *M) []byte {
	t.Helper()
	_, value, err := tree.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	text, err := dagjson.Append(nil, value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// parse reads a row from JSON.
func parse(t testing.TB, tree *dynamic.Tree, text string) dynamic.Row {
	t.Helper()
	row, err := tree.ParseJSON([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return row
}

// drawTime draws an instant that DAG-CBOR can write, sometimes zero.
func drawTime(t *rapid.T, label string) time.Time {
	if rapid.IntRange(0, 5).Draw(t, label+" is set") == 0 {
		return time.Time{}
	}
	return time.Unix(rapid.Int64Range(-1e10, 1e11).Draw(t, label), rapid.Int64Range(0, 999_999_999).Draw(t, label+" nanos")).
		UTC()
}

func drawPlace(t *rapid.T, label string) place {
	p := place{
		Town: rapid.StringN(0, 6, -1).Draw(t, label+" town"),
		Note: rapid.SampledFrom([]string{"", "n"}).Draw(t, label+" note"),
	}
	if rapid.Bool().Draw(t, label+" has zip") {
		zip := rapid.Uint32().Draw(t, label+" zip")
		p.Zip = &zip
	}
	return p
}

// drawEvent draws an event with one of a few keys.
func drawEvent(t *rapid.T) event {
	e := event{
		Region: rapid.SampledFrom([]string{"", "n", "s\x00"}).Draw(t, "region"), ID: rapid.Uint64Range(0, 4).Draw(t, "id"),
		Title: rapid.StringN(0, 8, -1).Draw(t, "title"), Place: drawPlace(t, "place"),
		Tags:   rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", ""}), 0, 3).Draw(t, "tags"),
		Scores: rapid.MapOfN(rapid.StringN(0, 4, -1), rapid.Float32Range(-9, 9), 0, 3).Draw(t, "scores"),
		At:     drawTime(t, "at"), Poster: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "poster"),
		Ratio: rapid.Float64Range(-1e300, 1e300).Draw(t, "ratio"), Live: rapid.Bool().Draw(t, "live"),
		Level: rapid.Int16().Draw(t, "level"), Phone: rapid.SampledFrom([]string{"", "", "1", "2", "3"}).Draw(t, "phone"),
		Small: rapid.Byte().Draw(t, "small"),
	}
	copy(e.Hash[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "hash"))
	if rapid.Bool().Draw(t, "has ended") {
		if ended := drawTime(t, "ended"); !ended.IsZero() {
			e.Ended = &ended
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "stops") {
		e.Stops = append(e.Stops, drawPlace(t, "stop"))
	}
	return e
}
