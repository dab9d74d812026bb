package models_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// describing is a codec that describes the model in a way of its own.
type describing struct {
	models.Codec[sample]
	fields []models.Field
}

func (d describing) Fields() []models.Field { return d.fields }

// TestFaultyFields opens stores with codecs whose fields no catalog can keep.
func TestFaultyFields(t *testing.T) {
	text := shape.Of(shape.String)
	for want, fields := range map[string][]models.Field{
		`A: the kind "" is unknown`:                 {{Name: "A"}},
		`two fields are named "A"`:                  {{Name: "A", Type: text}, {Name: "A", Type: text}},
		`A: the kind "point" is unknown`:            {{Name: "A", Type: shape.Of("point")}},
		"A: its default is no value of its type":    {{Name: "A", Type: text, Default: []byte{0}}},
		"was=B is the name of another field":        {{Name: "A", Type: text, Was: []string{"B"}}, {Name: "B", Type: text}},
		"A: a type of kind list needs the type of ": {{Name: "A", Type: shape.Of(shape.List)}},
	} {
		codec := describing{models.DagCBOR[sample](), fields}
		tree := models.NewTree("sample", models.Float64, func(s *sample) float64 { return s.Float },
			models.WithCodec[sample](codec))
		_, err := datastore.Open(t.Context(), memory.Engine(),
			datastore.OpenOptions{Definitions: []*models.Definition{models.NewDefinition("x", tree)}})
		if !errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}
