package datastore_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// countdown is a context that ends once it has been asked so many times.
type countdown struct {
	context.Context
	left atomic.Int64
}

func endAfter(ctx context.Context, asked int64) *countdown {
	c := &countdown{Context: ctx}
	c.left.Store(asked)
	return c
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return c.Context.Err()
}

// indexDeclarations declare an index of people each, and return how many entries
// it has for a row.
var indexDeclarations = []func(*models.Tree[person, uint64]) func(person) int{
	func(t *models.Tree[person, uint64]) func(person) int {
		models.NewIndex(t, "name", models.String, func(p *person) string { return p.Name })
		return func(person) int { return 1 }
	},
	func(t *models.Tree[person, uint64]) func(person) int {
		models.NewUnique(t, "email", models.String, func(p *person) string { return p.Email })
		return func(person) int { return 1 }
	},
	func(t *models.Tree[person, uint64]) func(person) int {
		models.NewMulti(t, "tag", models.String, func(p *person) []string { return p.Tags })
		return func(p person) int {
			distinct := map[string]bool{}
			for _, tag := range p.Tags {
				distinct[tag] = true
			}
			return len(distinct)
		}
	},
	func(t *models.Tree[person, uint64]) func(person) int {
		models.NewIndex(t, "city_age", models.PairOf(models.String, models.Int64), func(p *person) cityAge { return models.MakePair(p.City, p.Age) })
		return func(person) int { return 1 }
	},
	func(t *models.Tree[person, uint64]) func(person) int {
		models.NewBlind(t, "city", models.String, func(p *person) string { return p.City })
		return func(person) int { return 1 }
	},
	func(t *models.Tree[person, uint64]) func(person) int {
		models.NewBlindUnique(t, "id", models.Uint64, func(p *person) uint64 { return p.ID })
		return func(person) int { return 1 }
	},
}

// TestRedefinitions opens a store again and again with other indexes of the same
// tree, in another order, some of the times cut off while it builds or clears
// them, and writes to it in between. Every index has to be whole whenever the
// store is open.
func TestRedefinitions(t *testing.T) {
	many := 1100 // more than one transaction of a rebuild takes
	if testing.Short() {
		many = 100
	}
	rapid.Check(t, func(rt *rapid.T) {
		ctx := context.Background()
		// Badger takes long to open and to close.
		eng := engines[rapid.SampledFrom([]string{"memory", "memory", "memory", "bolt", "bolt", "badger"}).Draw(rt, "engine")](t)
		rows := map[uint64]person{}
		for round := range rapid.IntRange(2, 4).Draw(rt, "definitions") {
			tree := models.NewTree("person", models.Uint64, func(p *person) uint64 { return p.ID })
			var entriesOf []func(person) int
			drop := []string{
				"town.person/name", "town.person/email", "town.person/tag", "town.person/city_age",
				"town.person/city", "town.person/id",
			}
			for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(indexDeclarations)-1), 0, len(indexDeclarations), rapid.ID).Draw(rt, "indexes") {
				entriesOf = append(entriesOf, indexDeclarations[i](tree))
			}
			drop = slices.DeleteFunc(drop, func(full string) bool {
				return slices.ContainsFunc(tree.Core().Indexes, func(ix *session.Index) bool { return "town.person/"+ix.Name == full })
			})
			options := locked()
			options.DropIndexes = drop
			definition := models.NewDefinition("town", tree)
			if asked := rapid.Int64Range(0, 200).Draw(rt, "asked"); asked < 100 {
				store, err := datastore.Open(endAfter(ctx, asked), eng, definition, options)
				if err == nil {
					err = store.Close()
				} else if errors.Is(err, context.Canceled) {
					err = nil
				}
				if err != nil {
					rt.Fatal(err)
				}
			}
			store, err := datastore.Open(ctx, eng, definition, options)
			if err != nil {
				rt.Fatal(err)
			}
			// First many rows, then some of them changed and new ones.
			name, first, n := "a", uint64(0), many
			if round > 0 {
				name, first, n = "b", rapid.Uint64Range(0, uint64(many)).Draw(rt, "first"), 20
			}
			batch := make([]person, n)
			for i := range batch {
				batch[i] = somebody(first + uint64(i))
				batch[i].Name = name
				rows[batch[i].ID] = batch[i]
			}
			if err := tree.PutMany(ctx, store, batch); err != nil {
				rt.Fatal(err)
			}
			want := 0
			for _, of := range entriesOf {
				for _, p := range rows {
					want += of(p)
				}
			}
			report, err := datastore.Verify(ctx, store)
			if err != nil || !report.Clean() || report.Rows != int64(len(rows)) || report.Entries != int64(want) {
				rt.Fatalf("%+v, %v; want %d rows and %d entries", report, err, len(rows), want)
			}
			if err := store.Close(); err != nil {
				rt.Fatal(err)
			}
		}
	})
}
