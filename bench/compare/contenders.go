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
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

// entrant is a store in the comparison.
type entrant struct {
	name string
	// raw is the entrant that this one's times are divided by.
	raw string
	// open makes an empty database in an empty directory.
	open func(dir string) (contender.Store, error)
	// rival entrants are left out where they are hopelessly slow.
	rival bool
	// cases are those it takes part in; nil means all.
	cases []string
}

// Names of entrants that others refer to.
const (
	rawName          = "raw"
	typedName        = "typed"
	loopName         = "typed, loop of puts"
	rawReflectedName = "raw, reflected codec"
	reflectedName    = "typed, reflected codec"
)

var reflected = article.NewTrees(article.Reflected)

// field is the engines with their entrants, the yardstick first.
type field struct {
	engine   string
	entrants []entrant
}

var fields = []field{
	{"memory", []entrant{
		{name: rawName, raw: rawName, open: func(string) (contender.Store, error) {
			return raw.NewMemory(article.Reflected), nil
		}},
		{name: typedName, raw: rawName, open: func(string) (contender.Store, error) {
			return typed.Open(memory.Engine(), reflected)
		}},
	}},
	{"bolt", []entrant{
		{name: rawName, raw: rawName, open: func(dir string) (contender.Store, error) {
			return raw.OpenBolt(dir, article.Reflected)
		}},
		{name: typedName, raw: rawName, open: func(dir string) (contender.Store, error) {
			return typed.Open(bolt.Engine(dir), reflected)
		}},
		{name: "bstore", raw: rawName, rival: true, open: func(dir string) (contender.Store, error) {
			return rivals.OpenBstore(dir)
		}},
		{name: "bolthold", raw: rawName, rival: true, open: func(dir string) (contender.Store, error) {
			return rivals.OpenBolthold(dir, article.Reflected)
		}},
		{name: "storm", raw: rawName, rival: true, open: func(dir string) (contender.Store, error) {
			return rivals.OpenStorm(dir, article.Reflected)
		}},
	}},
	{"badger", []entrant{
		{name: rawName, raw: rawName, open: func(dir string) (contender.Store, error) {
			return raw.OpenBadger(raw.BadgerOptions(dir), article.Reflected)
		}},
		{name: typedName, raw: rawName, open: func(dir string) (contender.Store, error) {
			return typed.Open(badger.Engine(dir), reflected)
		}},
		{name: "badgerhold", raw: rawName, rival: true, open: func(dir string) (contender.Store, error) {
			return rivals.OpenBadgerhold(raw.BadgerOptions(dir), article.Reflected)
		}},
	}},
}

var engineNames = []string{"memory", "bolt", "badger"}

// stores are open databases, one for each entrant.
type stores struct {
	engine   string
	entrants []entrant
	open     []contender.Store
	// gone are those whose database lacks rows, for filling it took too long.
	gone []bool
	dir  string
}

// openAll makes a database for each entrant in dir, which it makes too.
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
		store.Close() // nothing depends on what is removed at once
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
