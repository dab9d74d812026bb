package demo

import (
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

// Engine is the kind of a peer's database.
type Engine string

// The engines.
const (
	Badger Engine = "badger"
	Bolt   Engine = "bolt"
	Memory Engine = "memory"
)

// Set takes the name of an engine, as a flag.Value does.
func (e *Engine) Set(name string) error {
	switch kind := Engine(name); kind {
	case Badger, Bolt, Memory:
		*e = kind
		return nil
	}
	return fmt.Errorf("must be %s, %s or %s", Badger, Bolt, Memory)
}

func (e *Engine) String() string { return string(*e) }

// onDisk reports whether a database has files.
func (e Engine) onDisk() bool { return e != Memory }

// memTableMB keeps a peer's Badger small. Each peer of the process has up to four memtables of
// this many MiB. One transaction may have a seventh of it, which is several times the largest
// record.
const memTableMB = 1

// new returns a database in the directory dir, which memory ignores.
func (e Engine) new(dir string) engine.Engine {
	switch e {
	case Badger:
		return badger.Options{Config: engine.Config{Path: dir}, MemTableMB: memTableMB}.Engine()
	case Bolt:
		return bolt.Engine(dir)
	default:
		return memory.Engine()
	}
}
