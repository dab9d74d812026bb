//go:build js

package indexeddb_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
)

var databases atomic.Int64

// fresh returns the name of a database that there is not yet.
func fresh() string { return fmt.Sprint("test", databases.Add(1)) }

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(*testing.T) engine.Engine { return indexeddb.Engine(fresh()) })
}
