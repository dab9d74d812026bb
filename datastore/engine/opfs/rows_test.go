//go:build js

package opfs_test

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/datastore/engine/opfs"
	"github.com/newsnet-africa/netabase-go/internal/modeltest"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestAgainstMaps does random things to a store, to one in memory and to plain maps. See modeltest.Amount for how
// much.
func TestAgainstMaps(t *testing.T) {
	inWorker(t)
	modeltest.Amount(t, 15, 150)
	modeltest.Run(t, modeltest.NewTown(models.Uint64, models.DagCBOR[modeltest.Person](), func() {}),
		map[string]func() engine.Engine{
			"opfs":   func() engine.Engine { return opfs.Engine(fresh()) },
			"memory": memory.Engine,
		})
}
