package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
)

// Cases. Those with "each" use a transaction for each row or query, the others one for all.
const (
	insertCase       = "insert"
	insertEachCase   = "insert_each"
	updateCase       = "update"
	getCase          = "get"
	getEachCase      = "get_each"
	findCase         = "find"
	findEachCase     = "find_each"
	keysCase         = "keys"
	keysEachCase     = "keys_each"
	sharedInsertCase = "shared_insert"
	sharedFindCase   = "shared_find"
	sharedKeysCase   = "shared_keys"
)

var allCases = []string{
	insertCase, insertEachCase, updateCase,
	getCase, getEachCase, findCase, findEachCase, keysCase, keysEachCase,
	sharedInsertCase, sharedFindCase, sharedKeysCase,
}

// The most rows written and read in one round to get a measurable time.
const (
	mostWritten = 5_000
	mostRead    = 200_000
)

// writes measures inserts in blocks of n rows. They go to databases that grow from round to
// round.
func (m *meter) writes(ctx context.Context, f field, dir string, n int) error {
	s, err := f.openAll(dir)
	if err != nil {
		return err
	}
	defer s.close()
	first := uint64(1)
	insert := func(do func(contender.Store, []article.Article) error) func(int) (work, int) {
		return func(times int) (work, int) {
			blocks := make([][]article.Article, times)
			for i := range blocks {
				blocks[i] = article.Block(first, n)
				first += uint64(n)
			}
			return m.write(do, blocks), times * n
		}
	}
	most := max(1, mostWritten/n)
	if err := m.measure(ctx, task{s, insertCase, n, most, insert(contender.Store.Insert)}); err != nil {
		return err
	}
	return m.measure(ctx, task{s, insertEachCase, n, most, insert(contender.Store.InsertEach)})
}

func (m *meter) write(do func(contender.Store, []article.Article) error, blocks [][]article.Article) work {
	return func(store contender.Store) (t contender.Tally, err error) {
		for i, rows := range blocks {
			if err := do(store, rows); err != nil {
				return t, err
			}
			if err := m.pace(i+1, len(blocks)); err != nil {
				return t, err
			}
		}
		return t, nil
	}
}

// reads measures reads from databases of n rows, and replacing all of them.
func (m *meter) reads(ctx context.Context, f field, dir string, n int) error {
	s, err := f.openAll(dir)
	if err != nil {
		return err
	}
	defer s.close()
	rows := article.Block(1, n)
	if err := s.each(func(store contender.Store) error { return store.Insert(rows) }); err != nil {
		return err
	}
	ids, authors := keysOf(rows)
	most := max(1, mostRead/n)
	for _, r := range []struct {
		name string
		do   func(contender.Store, []uint64) (contender.Tally, error)
		keys []uint64
	}{
		{getCase, contender.Store.Get, ids},
		{getEachCase, contender.Store.GetEach, ids},
		{findCase, contender.Store.Find, authors},
		{findEachCase, contender.Store.FindEach, authors},
		{keysCase, contender.Store.Keys, authors},
		{keysEachCase, contender.Store.KeysEach, authors},
	} {
		next := func(times int) (work, int) { return read(r.do, r.keys, times), times * n }
		if err := m.measure(ctx, task{s, r.name, n, most, next}); err != nil {
			return err
		}
	}

	// Rows move to other authors and back.
	moved := slices.Clone(rows)
	for i := range moved {
		moved[i].AuthorID += uint64(len(authors))
	}
	return m.measure(ctx, task{s, updateCase, n, max(1, mostWritten/n), func(times int) (work, int) {
		blocks := make([][]article.Article, times)
		for i := range blocks {
			rows, moved = moved, rows
			blocks[i] = rows
		}
		return m.write(contender.Store.Update, blocks), times * n
	}})
}

// keysOf returns the ids and the authors of a block.
func keysOf(block []article.Article) (ids, authors []uint64) {
	ids, authors = make([]uint64, len(block)), make([]uint64, article.Authors(len(block)))
	for i, row := range block {
		ids[i] = row.ID
		if i < len(authors) {
			authors[i] = row.AuthorID
		}
	}
	return ids, authors
}

// read is work that reads the rows or entries of keys, repeated times over, in a random order.
func read(do func(contender.Store, []uint64) (contender.Tally, error), keys []uint64, times int) work {
	random := rand.New(rand.NewPCG(uint64(len(keys)), uint64(times)))
	var shuffled []uint64
	for range times {
		order := slices.Clone(keys)
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		shuffled = append(shuffled, order...)
	}
	return func(store contender.Store) (contender.Tally, error) { return do(store, shuffled) }
}

// sharedBlock is how many rows a transaction inserts if many rows share an index value. It is
// small because rivals on Badger write a list of all of them for each row.
const sharedBlock = 64

// shared measures inserting rows with the same index value, and finding them, for some numbers
// of rows in databases of their own. Each round uses another value.
func (m *meter) shared(ctx context.Context, f field, dir string, sizes []int) error {
	var inserts, finds, keys []task
	for _, n := range sizes {
		s, err := f.openAll(filepath.Join(dir, fmt.Sprint(n)))
		if err != nil {
			return err
		}
		defer s.close()
		var author uint64 // author of the last inserted rows
		inserts = append(inserts, task{s, sharedInsertCase, n, 1, func(int) (work, int) {
			rows := article.OneAuthor(1+author*uint64(n), n, author+1)
			author++
			return m.write(contender.Store.Insert, slices.Collect(slices.Chunk(rows, sharedBlock))), n
		}})
		most := max(1, mostRead/n)
		finds = append(finds, task{s, sharedFindCase, n, most, func(times int) (work, int) {
			return read(contender.Store.Find, []uint64{author}, times), times * n
		}})
		keys = append(keys, task{s, sharedKeysCase, n, most, func(times int) (work, int) {
			return read(contender.Store.Keys, []uint64{author}, times), times * n
		}})
	}
	for _, tasks := range [][]task{inserts, finds, keys} {
		if err := m.measure(ctx, tasks...); err != nil {
			return err
		}
	}
	return nil
}
