// Package modeltest does random things to stores and to plain maps, and compares all they return. The tests of
// package datastore run it on the engines of machines, and those of the engines for browsers in a browser.
package modeltest

import (
	"reflect"

	"github.com/newsnet-africa/netabase-go/models"
)

// Person is a model with every kind of index, over every shape of key.
type Person struct {
	ID    uint64
	Name  string
	Email string
	City  string
	Age   int64
	Tags  []string
}

// CityAge is the key of an index over two fields.
type CityAge = models.Pair[string, int64]

// Town has the tree of people and its indexes.
type Town struct {
	Definition *models.Definition
	People     *models.Tree[Person, uint64]
	ByName     *models.Index[Person, uint64, string]
	ByEmail    *models.Unique[Person, uint64, string]
	ByCityAge  *models.Index[Person, uint64, CityAge]
	ByTag      *models.Multi[Person, uint64, string]
}

// NewTown makes a tree of people with codecs. Called is called whenever one of two functions extracts a key from a
// row, and may panic.
func NewTown(keys models.KeyCodec[uint64], codec models.Codec[Person], called func()) *Town {
	t := &Town{}
	t.People = models.NewTree("person", keys, func(p *Person) uint64 { called(); return p.ID },
		models.WithCodec[Person](codec))
	t.ByName = models.NewIndex(t.People, "name", models.String, func(p *Person) string { return p.Name })
	t.ByEmail = models.NewUnique(t.People, "email", models.String, func(p *Person) string { called(); return p.Email })
	t.ByCityAge = models.NewIndex(t.People, "city_age", models.PairOf(models.String, models.Int64),
		func(p *Person) CityAge { return models.MakePair(p.City, p.Age) })
	t.ByTag = models.NewMulti(t.People, "tag", models.String, func(p *Person) []string { return p.Tags })
	t.Definition = models.NewDefinition("town", t.People)
	return t
}

// Same reports whether two people are the same in every field.
func Same(a, b Person) bool { return reflect.DeepEqual(a, b) }
