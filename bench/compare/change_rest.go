package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/bench/internal/changed/demo"
	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// atRest is how rows are kept at rest, with the bounds of its ratios to plain rows.
type atRest struct {
	name                string
	trees               demo.Trees
	options             []datastore.OpenOption
	size, get, inserted float64
}

// restTook is what the rows took.
type restTook struct {
	// bytes are those of stored keys and rows, and values those of rows alone.
	bytes, values int64
	get, inserted time.Duration
}

// measureRest measures how long rows take that are compressed or encrypted, against plain ones. The
// rows are the demonstration's records.
func measureRest(
	ctx context.Context, o changeOptions, e storeEngine, dir string, emit func(comparison) error,
) error {
	packages, err := demo.Read(o.records, o.small)
	if err != nil {
		return err
	}
	ways := []atRest{
		{name: "plain", trees: demo.Declare()},
		{
			name: "compressed", trees: demo.Declare(models.WithCompression[demo.Package]()),
			size: 0.35, get: 1.5, inserted: 2,
		},
		{
			name: "encrypted", trees: demo.Declare(), get: 1.4, inserted: 1.5,
			options: []datastore.OpenOption{datastore.OpenOptions{Key: datastore.SecretKey(make([]byte, 32))}},
		},
	}
	for round := range o.rounds {
		took := make([]restTook, len(ways))
		for i := range ways {
			at := (i + round) % len(ways) // neither is always the first
			if took[at], err = ways[at].measure(ctx, e, dir, packages); err != nil {
				return err
			}
		}
		for i, way := range ways[1:] {
			result := func(what, unit string, value, base, atMost float64) error {
				return emit(comparison{
					Case: way.name + ": " + what, Engine: e.name, Rows: len(packages), Round: round,
					Value: value, Unit: unit,
					Against: "plain", Base: base, AtMost: atMost,
				})
			}
			mine, plain := took[i+1], took[0]
			err := errors.Join(
				result("size of rows", "KiB", float64(mine.values)/1024, float64(plain.values)/1024, way.size),
				result("size of rows and keys", "KiB", float64(mine.bytes)/1024, float64(plain.bytes)/1024, 0),
				result("insert", "ms", millis(mine.inserted), millis(plain.inserted), way.inserted),
				result("get 20,000 rows", "ms", millis(mine.get), millis(plain.get), way.get))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// measure inserts the packages into a new store, 1,000 a transaction, and gets some of them.
func (r atRest) measure(
	ctx context.Context, e storeEngine, dir string, packages []demo.Package,
) (took restTook, err error) {
	defer os.RemoveAll(dir)
	s, err := datastore.Open(ctx, e.open(dir), append(slices.Clip(r.options), r.trees.Definition)...)
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	runtime.GC()
	used := processTime()
	for block := range slices.Chunk(packages, 1_000) {
		err := s.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			for i := range block {
				if err := r.trees.Packages.Insert(ctx, tx, &block[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return took, err
		}
	}
	took.inserted = processTime() - used
	for range 3 { // the last time counts: then all has been read before
		random := rand.New(rand.NewPCG(1, 2))
		runtime.GC()
		used := processTime()
		for range changeGets {
			key := packages[random.IntN(len(packages))].ImportPath
			if _, err := r.trees.Packages.Get(ctx, s, key); err != nil {
				return took, err
			}
		}
		took.get = processTime() - used
	}
	count, err := s.Inspect().Count(ctx, r.trees.Packages.Name())
	took.bytes, took.values = count.Bytes, count.Bytes
	for i := range packages {
		took.values -= int64(len(packages[i].ImportPath)) + 1 // and the number of the space
	}
	return took, err
}
