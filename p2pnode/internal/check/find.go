package check

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// opener returns the database in a directory, to be opened as the configuration
// says but for its path.
type opener func(engine.Config) engine.Engine

// storeName is what a peer's store is called within the peer's directory.
const storeName = "store"

// find returns the database in the directory at path, or in that of the peer's
// store within it.
func find(path string) (opener, error) {
	for _, path := range []string{path, filepath.Join(path, storeName)} {
		switch {
		case holds(path, bolt.FileName):
			return func(c engine.Config) engine.Engine {
				c.Path = path
				return bolt.Options{Config: c}.Engine()
			}, nil
		case holds(path, "MANIFEST"), holds(path, "KEYREGISTRY"): // one of which may be lost
			return func(c engine.Config) engine.Engine {
				c.Path = path
				return badger.Options{Config: c}.Engine()
			}, nil
		}
	}
	return nil, fmt.Errorf("%w: %s holds no database", datastore.ErrNotStore, path)
}

func holds(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}
