package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// clientKeys are primary keys that clients can have, by number. All tell clients apart.
var clientKeys = []func(version uint32, indexes indexVersions) clients{
	func(version uint32, indexes indexVersions) clients {
		return clientsBy(models.Uint64, idOf, indexesOf[uint64](indexes), models.WithKeyVersion[client](version))
	},
	func(version uint32, indexes indexVersions) clients {
		return clientsBy(
			models.Int32,
			func(a *client) int32 { return a.Serial },
			indexesOf[int32](indexes),
			models.WithKeyVersion[client](version),
		)
	},
	func(version uint32, indexes indexVersions) clients {
		return clientsBy(models.String, emailOf, indexesOf[string](indexes), models.WithKeyVersion[client](version))
	},
	func(version uint32, indexes indexVersions) clients {
		return clientsBy(
			models.PairOf(models.String, models.Uint64),
			func(a *client) models.Pair[string, uint64] { return models.MakePair(a.Team, a.ID) },
			indexesOf[models.Pair[string, uint64]](indexes),
			models.WithKeyVersion[client](version),
		)
	},
	func(version uint32, indexes indexVersions) clients { // the codec of the first
		return clientsBy(
			models.Uint64,
			func(a *client) uint64 { return ^a.ID },
			indexesOf[uint64](indexes),
			models.WithKeyVersion[client](version),
		)
	},
}

// indexVersions say which of the forms of two indexes are declared, and in which version.
type indexVersions struct {
	forms    [2]int
	versions [2]uint32
}

func indexesOf[K any](v indexVersions) []clientIndex[K] {
	forms := [2][]clientIndex[K]{}
	for i, name := range []string{"one", "two"} {
		version := v.versions[i]
		forms[i] = []clientIndex[K]{
			plainIndex[K](name, version, models.String, teamOf),
			plainIndex[K](name, version, models.String, emailOf),
			plainIndex[K](name, version, models.Int32, func(a *client) int32 { return a.Serial }),
			uniqueIndex[K](name, version, models.String, emailOf),
			multiIndex[K](name, version, func(a *client) []string { return a.Tags }),
		}
	}
	return []clientIndex[K]{forms[0][v.forms[0]], forms[1][v.forms[1]]}
}

// TestKeysChange opens a store again and again with other primary keys and other indexes under the
// same names, some of the times cut off, and writes to it in between. Beside it the rows are in a
// map.
func TestKeysChange(t *testing.T) {
	many := uint64(60)
	if os.Getenv(manyRekeyed) != "" {
		many = 1200 // more than one transaction takes
	}
	rapid.Check(t, func(rt *rapid.T) {
		ctx := context.Background()
		failing := &enginetest.Failing{Engine: memory.Engine()}
		eng := engine.Engine(failing)
		if name := rapid.SampledFrom([]string{"", "", "", "", "bolt", "badger"}).Draw(rt, "engine"); name != "" {
			eng, failing = engines[name](t), nil
		}
		rows := map[uint64]client{}
		var key int
		var keyVersion uint32
		var indexes indexVersions
		for round := range rapid.IntRange(2, 5).Draw(rt, "releases") {
			if round > 0 && rapid.Bool().Draw(rt, "rekeyed") {
				key, keyVersion = rapid.IntRange(0, len(clientKeys)-1).
					Draw(rt, "key"),
					keyVersion+rapid.Uint32Range(1, 3).
						Draw(rt, "key version")
			}
			for i := range indexes.forms {
				if round > 0 && rapid.Bool().Draw(rt, "changed") {
					indexes.forms[i], indexes.versions[i] = rapid.IntRange(0, 4).Draw(rt, "form"), indexes.versions[i]+1
				}
			}
			a := clientKeys[key](keyVersion, indexes)
			for range rapid.IntRange(0, 2).Draw(rt, "cut off") {
				opening := ctx
				if failing == nil {
					opening = endAfter(ctx, rapid.Int64Range(0, 100).Draw(rt, "asked"))
				} else {
					failing.EndAt(rapid.IntRange(1, 12).Draw(rt, "commit"))
				}
				s, err := datastore.Open(opening, eng, a.definition)
				if err == nil {
					err = s.Close()
				}
				if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, enginetest.ErrInjected) {
					rt.Fatal(err)
				}
				if failing != nil {
					failing.EndAt(0)
				}
			}
			s, err := datastore.Open(ctx, eng, a.definition)
			if err != nil {
				rt.Fatal(err)
			}
			if err := a.expect(ctx, s, rows); err != nil {
				rt.Fatal(err)
			}
			first, n := uint64(0), many
			if round > 0 {
				first, n = rapid.Uint64Range(0, many).Draw(rt, "first"), 20
			}
			err = s.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
				for id := first + 1; id <= first+n; id++ {
					m, put := clientOf(id), a.put
					if old, there := rows[id]; there {
						if err := a.remove(ctx, tx, &old); err != nil {
							return err
						}
						m.Team = fmt.Sprint("team of round ", round)
					}
					if id%5 == 0 {
						put = func(ctx context.Context, w models.Writer, m *client) error {
							return a.putUntil(ctx, w, m, time.Now().Add(time.Hour))
						}
					}
					rows[id] = m
					if err := put(ctx, tx, &m); err != nil {
						return err
					}
				}
				return nil
			})
			if err := errors.Join(err, a.expect(ctx, s, rows), s.Close()); err != nil {
				rt.Fatal(err)
			}
		}
	})
}
