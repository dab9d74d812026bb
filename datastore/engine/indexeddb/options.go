//go:build js

package indexeddb

import (
	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Options configure the engine.
type Options struct {
	// Config has the settings of all engines. Path is the name of the database in the page's origin.
	// NoFsync makes every commit relaxed. CacheMB has to be 0, since all rows are in memory.
	engine.Config

	// CheckpointMB is how large the log of commits gets, in MiB, before all rows are written once more and
	// the log begins anew. It gets as large as the last checkpoint at least. Defaults to 8.
	CheckpointMB int
}

// Engine returns the database with a name and the default options.
func Engine(name string) engine.Engine { return Options{Config: engine.Config{Path: name}}.Engine() }

// Engine returns the configured database. Open reports the faults of the options.
func (o Options) Engine() engine.Engine { return &indexedDB{o} }
