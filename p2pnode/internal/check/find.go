package check

import (
	"fmt"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// opener returns the database in a directory, with the configuration but its own path.
type opener func(engine.Config) engine.Engine

// storeName is the name of a peer's store within the peer's directory.
const storeName = "store"

// find returns the database in the directory at path, or in the peer's store within it.
func find(path string) (opener, error) {
	for _, path := range []string{path, filepath.Join(path, storeName)} {
		found, err := engine.FoundIn(path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", datastore.ErrNotStore, err)
		}
		if len(found) == 0 {
			continue
		}
		return func(c engine.Config) engine.Engine {
			c.Path = path
			return engine.Whichever(badger.Options{Config: c}.Engine(), bolt.Options{Config: c}.Engine())
		}, nil
	}
	return nil, fmt.Errorf("%w: %s holds no database", datastore.ErrNotStore, path)
}
