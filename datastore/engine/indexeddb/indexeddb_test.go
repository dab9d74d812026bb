//go:build js

package indexeddb_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
)

var databases atomic.Int64

// fresh returns the name of a database that there is not yet.
func fresh() string { return fmt.Sprint("test", databases.Add(1)) }

// open opens a database for the length of a test.
func open(t *testing.T, o indexeddb.Options) engine.DB {
	t.Helper()
	db, err := o.Engine().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(*testing.T) engine.Engine { return indexeddb.Engine(fresh()) })
}

func TestConfig(t *testing.T) {
	enginetest.RunNamed(t, func(c engine.Config) engine.Engine { return indexeddb.Options{Config: c}.Engine() })
}

func TestInvalidOptions(t *testing.T) {
	o := indexeddb.Options{Config: engine.Config{Path: fresh(), CacheMB: 7}, CheckpointMB: -8}
	_, err := o.Engine().Open(t.Context())
	if !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), "CacheMB") ||
		!strings.Contains(err.Error(), "CheckpointMB") {
		t.Errorf("Open returned %v", err)
	}
}
