package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
	"github.com/newsnet-africa/netabase-go/bench/internal/raw"
	"github.com/newsnet-africa/netabase-go/bench/internal/rivals"
	"github.com/newsnet-africa/netabase-go/bench/internal/typed"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// entrant is a store in the comparison.
type entrant struct {
	name string
	// raw is the entrant for this one's ratios: the same work by hand with the same codec.
	raw string
	// open makes an empty database in an empty directory.
	open func(dir string) (contender.Store, error)
	// rival entrants are dropped from cases in which they are too slow.
	rival bool
	// cases are the cases of this entrant; nil means all.
	cases []string
}

// Names of entrants.
const (
	rawName          = "raw"
	typedName        = "typed"
	loopName         = "typed, loop"
	borrowedName     = "typed, borrowed"
	rawReflectedName = "raw, reflected"
	reflectedName    = "typed, reflected"
)

// field is an engine with its entrants, the yardstick first.
type field struct {
	engine   string
	open     func(dir string) engine.Engine
	entrants []entrant
}

var fields = []field{
	{"memory", memoryEngine, own(memoryEngine, func(_ string, codec codec) (contender.Store, error) {
		return raw.NewMemory(codec), nil
	})},
	{"bolt", bolt.Engine, append(own(bolt.Engine, func(dir string, codec codec) (contender.Store, error) {
		return raw.OpenBolt(dir, codec)
	}),
		rival("bstore", func(dir string) (contender.Store, error) { return rivals.OpenBstore(dir) }),
		rival("bolthold", func(dir string) (contender.Store, error) {
			return rivals.OpenBolthold(dir, article.Generated.Codec)
		}),
		rival("storm", func(dir string) (contender.Store, error) {
			return rivals.OpenStorm(dir, article.Generated.Codec)
		}),
	)},
	{"badger", badger.Engine, append(own(badger.Engine, func(dir string, codec codec) (contender.Store, error) {
		return raw.OpenBadger(raw.BadgerOptions(dir), codec)
	}),
		rival("badgerhold", func(dir string) (contender.Store, error) {
			return rivals.OpenBadgerhold(raw.BadgerOptions(dir), article.Generated.Codec)
		}),
	)},
}

type codec = models.Codec[article.Article]

func memoryEngine(string) engine.Engine { return memory.Engine() }

// own returns our entrants and the one by hand for an engine.
func own(eng func(dir string) engine.Engine, byHand func(dir string, codec codec) (contender.Store, error)) []entrant {
	open := func(trees article.Trees, as func(*typed.Store) contender.Store) func(string) (contender.Store, error) {
		return func(dir string) (contender.Store, error) {
			store, err := typed.Open(eng(dir), trees)
			if err != nil {
				return nil, err
			}
			return as(store), nil
		}
	}
	plain := func(s *typed.Store) contender.Store { return s }
	loop := func(s *typed.Store) contender.Store { return typed.Loop{Store: s} }
	borrowed := func(s *typed.Store) contender.Store { return typed.Borrowed{Store: s} }
	raw := func(trees article.Trees) func(string) (contender.Store, error) {
		return func(dir string) (contender.Store, error) { return byHand(dir, trees.Codec) }
	}
	some := []string{insertCase, getCase, findCase}
	return []entrant{
		{name: rawName, raw: rawName, open: raw(article.Generated)},
		{name: typedName, raw: rawName, open: open(article.Generated, plain)},
		{name: loopName, raw: rawName, open: open(article.Generated, loop), cases: []string{insertCase, updateCase}},
		{
			name: borrowedName, raw: rawName, open: open(article.Generated, borrowed),
			cases: []string{getCase, getEachCase, findCase, findEachCase},
		},
		{name: rawReflectedName, raw: rawReflectedName, open: raw(article.Reflected), cases: some},
		{name: reflectedName, raw: rawReflectedName, open: open(article.Reflected, plain), cases: some},
	}
}

func rival(name string, open func(dir string) (contender.Store, error)) entrant {
	return entrant{name: name, raw: rawName, open: open, rival: true}
}

var engineNames = []string{"memory", "bolt", "badger"}

// stores are open databases, one for each entrant.
type stores struct {
	engine   string
	entrants []entrant
	open     []contender.Store
	// gone are stores without all rows, because writing the rows took too long.
	gone []bool
	dir  string
}

// openAll makes dir, and a database in it for each entrant.
func (f field) openAll(dir string) (*stores, error) {
	s := &stores{engine: f.engine, entrants: f.entrants, gone: make([]bool, len(f.entrants)), dir: dir}
	for i, e := range f.entrants {
		own := filepath.Join(dir, fmt.Sprint(i))
		err := os.MkdirAll(own, 0o700)
		var store contender.Store
		if err == nil {
			store, err = e.open(own)
		}
		if err != nil {
			s.close()
			return nil, fmt.Errorf("%s, %s: open: %w", f.engine, e.name, err)
		}
		s.open = append(s.open, store)
	}
	return s, nil
}

// close closes the databases and removes them.
func (s *stores) close() {
	for _, store := range s.open {
		store.Close() // the files are removed next
	}
	os.RemoveAll(s.dir)
}

// each calls do for every store.
func (s *stores) each(do func(contender.Store) error) error {
	for i, store := range s.open {
		if err := do(store); err != nil {
			return fmt.Errorf("%s, %s: %w", s.engine, s.entrants[i].name, err)
		}
	}
	return nil
}
