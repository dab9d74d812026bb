package datastore_test

import (
	"fmt"

	"github.com/newsnet-africa/netabase-go/models"
)

// person is the model most tests of this package use: every kind of index, over
// every shape of key.
type person struct {
	ID    uint64
	Name  string
	Email string
	City  string
	Age   int64
	Tags  []string
}

type cityAge = models.Pair[string, int64]

var (
	people = models.NewTree("person", models.KeyCodec[uint64](fragileKeys[uint64]{models.Uint64}), func(p *person) uint64 { burn(); return p.ID },
		models.WithCodec[person](fragileCodec{models.DagCBOR[person]()}))
	byName    = models.NewIndex(people, "name", models.String, func(p *person) string { return p.Name })
	byEmail   = models.NewUnique(people, "email", models.String, func(p *person) string { burn(); return p.Email })
	byCityAge = models.NewIndex(people, "city_age", models.PairOf(models.String, models.Int64),
		func(p *person) cityAge { return models.MakePair(p.City, p.Age) })
	byTag = models.NewMulti(people, "tag", models.String, func(p *person) []string { return p.Tags })

	town = models.NewDefinition("town", people)
)

// somebody returns person i, different from all others in every field.
func somebody(i uint64) person {
	return person{
		ID: i, Name: fmt.Sprintf("name %d", i%7), Email: fmt.Sprintf("%d@example.com", i),
		City: fmt.Sprintf("city %d", i%5), Age: int64(i%11) - 5,
		Tags: []string{fmt.Sprintf("tag %d", i%3), fmt.Sprintf("tag %d", i%4), "all"},
	}
}
