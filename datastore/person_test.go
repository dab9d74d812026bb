package datastore_test

import (
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/modeltest"
	"github.com/newsnet-africa/netabase-go/models"
)

// person is the model most tests of this package use: every kind of index, over
// every shape of key.
type (
	person  = modeltest.Person
	cityAge = modeltest.CityAge
)

var (
	inTown = modeltest.NewTown(models.KeyCodec[uint64](fragileKeys[uint64]{models.Uint64}),
		fragileCodec{models.DagCBOR[person]()}, burn)
	people    = inTown.People
	byName    = inTown.ByName
	byEmail   = inTown.ByEmail
	byCityAge = inTown.ByCityAge
	byTag     = inTown.ByTag

	town = inTown.Definition
)

// somebody returns person i, different from all others in every field.
func somebody(i uint64) person {
	return person{
		ID: i, Name: fmt.Sprintf("name %d", i%7), Email: fmt.Sprintf("%d@example.com", i),
		City: fmt.Sprintf("city %d", i%5), Age: int64(i%11) - 5,
		Tags: []string{fmt.Sprintf("tag %d", i%3), fmt.Sprintf("tag %d", i%4), "all"},
	}
}
