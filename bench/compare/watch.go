package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// story is a row of about 250 bytes.
type story struct {
	ID     uint64
	Author uint64
	Title  string
	Text   string
}

// stories is a tree of stories with an index, alone in its definition.
type stories struct {
	tree       *models.Tree[story, uint64]
	definition *models.Definition
}

func newStories(topic bool, options ...models.TreeOption[story]) stories {
	tree := models.NewTree("story", models.Uint64, func(s *story) uint64 { return s.ID }, options...)
	models.NewIndex(tree, "author", models.Uint64, func(s *story) uint64 { return s.Author })
	if topic {
		models.NewTopic(tree, "all", nil)
	}
	return stories{tree, models.NewDefinition("press", tree)}
}

// The trees differ in who hears of their changes.
var (
	quietStories = newStories(false)
	openStories  = newStories(false, models.WithPolicy[story](models.Open))
	fedStories   = newStories(false, models.WithFeed[story](models.Feed{Changes: 1 << 40}))
	topicStories = newStories(true, models.WithPolicy[story](models.Open))
)

func storyOf(id uint64) story {
	// The text is as long as a short message.
	const text = "A record store keeps rows and their indexes, and spreads them between peers that have never met. " +
		"This one tells those who ask what has changed."
	return story{ID: id, Author: id % 100, Title: fmt.Sprint("Story ", id), Text: text}
}

// watchOptions are the flags of compare watch.
type watchOptions struct {
	common
	rows, rounds int
	quick        bool
}

var watchEngines = []storeEngine{
	{"memory", func(string) engine.Engine { return memory.Engine() }},
	{"bolt", bolt.Engine},
	{"badger", badger.Engine},
}

func runWatch(ctx context.Context, args []string, out, notes io.Writer) error {
	var o watchOptions
	set := flag.NewFlagSet("compare watch", flag.ContinueOnError)
	set.SetOutput(notes)
	o.flags(set, "memory,bolt,badger")
	set.IntVar(&o.rows, "rows", 100_000, "how many `rows` are inserted")
	set.IntVar(&o.rounds, "rounds", 7, "take medians over `N` rounds")
	set.BoolVar(&o.quick, "quick", false, "10,000 rows and 3 rounds")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("watch takes no argument %q", set.Arg(0))
	}
	if o.quick {
		o.rows, o.rounds = 10_000, 3
	}
	if o.rows < 1_000 || o.rounds < 1 {
		return fmt.Errorf("-rows has to be 1,000 or more and -rounds 1 or more, not %d and %d", o.rows, o.rounds)
	}
	chosen, err := o.chosen("memory", "bolt", "badger")
	if err != nil {
		return err
	}
	dir, remove, err := o.place(notes)
	if err != nil {
		return err
	}
	defer remove()
	results := &comparisons{out: out, json: o.json}
	for _, e := range watchEngines {
		if !chosen[e.name] {
			continue
		}
		for round := range o.rounds {
			m := watchMeasure{ctx, o, e, dir, round, results.add}
			if err := errors.Join(m.inserts(1_000), m.inserts(1), m.delivery(), m.resume()); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	return results.print()
}

// watchMeasure is a round on one engine.
type watchMeasure struct {
	ctx    context.Context
	o      watchOptions
	engine storeEngine
	dir    string
	round  int
	emit   func(comparison) error
}

// store opens a new store, and calls fn with it.
func (m watchMeasure) store(s stories, fn func(*datastore.Store) error) error {
	dir := filepath.Join(m.dir, m.engine.name)
	defer os.RemoveAll(dir)
	store, err := datastore.Open(m.ctx, m.engine.open(dir), s.definition)
	if err != nil {
		return err
	}
	return errors.Join(fn(store), store.Close())
}

// insert inserts rows from an id on, in transactions of some rows each.
func (m watchMeasure) insert(store *datastore.Store, s stories, from uint64, rows, each int) error {
	block := make([]story, each)
	for done := 0; done < rows; done += each {
		for i := range block {
			block[i] = storyOf(from + uint64(done+i))
		}
		if err := s.tree.PutMany(m.ctx, store, block); err != nil {
			return err
		}
	}
	return nil
}

// insertCost is what inserts have taken: processor time, that of a watch included, and time.
type insertCost struct{ processor, elapsed time.Duration }

// inserted returns what inserts into a new store take, which somebody watches if watches is set.
func (m watchMeasure) inserted(s stories, rows, each int, watches bool) (took insertCost, err error) {
	err = m.store(s, func(store *datastore.Store) error {
		seen := make(chan error, 1)
		if watches {
			watch, err := s.tree.Watch(m.ctx, store, models.Range[uint64]{}, models.WatchOptions{Buffer: rows})
			if err != nil {
				return err
			}
			go func() {
				n := 0
				for _, err := range watch {
					if n++; err != nil || n == rows {
						seen <- err
						return
					}
				}
			}()
		} else {
			seen <- nil
		}
		before, start := processTime(), time.Now()
		if err := m.insert(store, s, 0, rows, each); err != nil {
			return err
		}
		took = insertCost{processTime() - before, time.Since(start)}
		return <-seen
	})
	return took, err
}

// inserts compares inserting into trees with and without somebody who hears of it.
func (m watchMeasure) inserts(each int) error {
	rows := m.o.rows
	if each == 1 {
		rows = max(rows/20, 1_000)
	}
	quiet, err := m.inserted(quietStories, rows, each, false)
	if err != nil {
		return err
	}
	open, err := m.inserted(openStories, rows, each, false)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name    string
		stories stories
		watches bool
		base    insertCost
		most    float64
	}{
		{"one watch", quietStories, true, quiet, 1.05},
		{"a feed", fedStories, false, quiet, 1.3},
		{"a topic", topicStories, false, open, 1.5},
	} {
		took, err := m.inserted(c.stories, rows, each, c.watches)
		value, base, unit := took.processor, c.base.processor, "µs CPU"
		if c.watches { // which takes its own time beside the writer's
			value, base, unit = took.elapsed, c.base.elapsed, "µs"
		}
		if err == nil {
			err = m.emit(comparison{
				Case: fmt.Sprintf("insert, %d a transaction, %s", each, c.name), Engine: m.engine.name, Rows: rows,
				Round: m.round, Value: micros(value, rows), Unit: unit, Against: "without", Base: micros(base, rows),
				AtMost: c.most,
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// delivery measures how long after its commit a watch gives a change to its loop.
func (m watchMeasure) delivery() error {
	const rows = 300
	return m.store(quietStories, func(store *datastore.Store) error {
		tree := quietStories.tree
		watch, err := tree.Watch(m.ctx, store, models.Range[uint64]{}, models.WatchOptions{})
		if err != nil {
			return err
		}
		committed, seen := make(chan time.Time, 1), make(chan time.Time)
		go func() {
			defer close(seen)
			n := 0
			for _, err := range watch {
				if err != nil {
					return
				}
				seen <- time.Now()
				if n++; n == rows {
					return
				}
			}
		}()
		var took []float64
		for i := range uint64(rows) {
			row := storyOf(i)
			if err := tree.Put(m.ctx, store, &row); err != nil {
				return err
			}
			committed <- time.Now()
			took = append(took, max(millis((<-seen).Sub(<-committed)), 0))
		}
		slices.Sort(took)
		return m.emit(comparison{
			Case: "delivery of a change", Engine: m.engine.name, Rows: rows, Round: m.round, Value: took[rows/2], Unit: "ms",
			Against: "bound", Base: 1, AtMost: 1,
		})
	})
}

// resume compares reading 100 changes from a feed that has many others with reading them from one that
// has few.
func (m watchMeasure) resume() error {
	const fresh = 100
	resumed := func(rows int) (took time.Duration, err error) {
		err = m.store(fedStories, func(store *datastore.Store) error {
			if err := m.insert(store, fedStories, 0, rows, 100); err != nil {
				return err
			}
			done, err := store.Backup(m.ctx, io.Discard)
			if err == nil {
				err = m.insert(store, fedStories, uint64(rows), fresh, 1)
			}
			if err != nil {
				return err
			}
			start := time.Now()
			watch, err := fedStories.tree.Watch(m.ctx, store, models.Range[uint64]{},
				models.WatchOptions{Resume: true, After: done.Seq})
			if err != nil {
				return err
			}
			n := 0
			for _, err := range watch {
				if err != nil {
					return err
				}
				if n++; n == fresh {
					break
				}
			}
			took = time.Since(start)
			return nil
		})
		return took, err
	}
	few, err := resumed(1_000)
	if err != nil {
		return err
	}
	many, err := resumed(m.o.rows)
	if err != nil {
		return err
	}
	return m.emit(comparison{
		Case: "resume with 100 new changes", Engine: m.engine.name, Rows: m.o.rows, Round: m.round, Value: millis(many),
		Unit: "ms", Against: "a feed of 1,000", Base: millis(few),
	})
}
