package reshape_test

import (
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/reshape"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

type place struct {
	Town string
	Zip  uint16 `cbor:",omitempty"`
}

// account is a model, and accountNext a later version of it.
type account struct {
	ID     uint32
	Name   string
	Home   place
	Other  []place
	Level  slog.Level `cbor:",omitzero"`
	Key    [4]byte    `cbor:",omitzero"`
	Visits uint8      `cbor:",omitempty"`
	Gone   map[string]bool
}

type placeNext struct {
	Town    string
	Zip     *uint32 `cbor:",omitempty"`
	Hash    [32]byte
	Level   slog.Level
	Country string
}

type accountNext struct {
	ID     int64
	Title  string
	Home   *placeNext
	Other  []placeNext
	Level  slog.Level
	Key    [4]byte
	Visits *uint16
	Hash   [32]byte
	Pairs  [2]placeNext
	Low    slog.Level
	Since  time.Time
	More   map[string]placeNext
	Work   placeNext
}

// TestModelsOfCodec reads values of one model as those of the next, among them types whose zero value
// their shapes do not tell.
func TestModelsOfCodec(t *testing.T) {
	before, after := models.DagCBOR[account](), models.DagCBOR[accountNext]()
	next := shape.StructOf(after.Fields()...)
	for i, f := range next.Fields {
		if f.Name == "Title" {
			next.Fields[i].Was = []string{"Name"}
		}
	}
	first := reshape.First(shape.StructOf(before.Fields()...))
	second, found := reshape.Next(first, uint32(len(first.IDs)), next, reshape.Options{GivenUp: []string{"Gone"}})
	if len(found) > 0 {
		t.Fatal(found)
	}
	plan := reshape.Between([]reshape.Version{first, second})
	zip, zero, visits, none := uint32(8000), uint32(0), uint16(3), uint16(0)
	for _, c := range []struct {
		from account
		want accountNext
	}{
		{
			account{
				ID: 7, Name: "Ada", Home: place{"Zürich", 8000}, Other: []place{{"Bern", 0}}, Level: slog.LevelWarn,
				Key: [4]byte{1}, Visits: 3, Gone: map[string]bool{"x": true},
			},
			accountNext{
				ID: 7, Title: "Ada", Home: &placeNext{Town: "Zürich", Zip: &zip}, Other: []placeNext{{Town: "Bern", Zip: &zero}},
				Level: slog.LevelWarn, Key: [4]byte{1}, Visits: &visits,
			},
		},
		{account{}, accountNext{Home: &placeNext{Zip: &zero}, Other: []placeNext{}, Visits: &none}},
	} {
		src, err := before.Append(nil, &c.from)
		if err != nil {
			t.Fatal(err)
		}
		value, err := plan.Append(nil, src)
		if err != nil {
			t.Fatal(err)
		}
		var got accountNext
		if err := after.Decode(value, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("got  %+v\nwant %+v", got, c.want)
		}
		// By name, a field that is missing has its default, and renamed ones are others.
		if value, err = reshape.ByName(next).Append(nil, src); err != nil {
			t.Fatal(err)
		}
		if err := after.Decode(value, &got); err != nil {
			t.Fatal(err)
		}
		if got.Title != "" || got.ID != c.want.ID || got.Key != c.want.Key {
			t.Errorf("by name: got %+v", got)
		}
	}
}
