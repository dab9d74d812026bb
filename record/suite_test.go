package record_test

import (
	"context"
	"os"
	"testing"

	ds "github.com/ipfs/go-datastore"
	suite "github.com/ipfs/go-datastore/test"

	"github.com/newsnet-africa/netabase-go/datastore/dstest"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// allSuites, set in the environment, has go-datastore's own suite run on every engine,
// and with all of its rows.
const allSuites = "NETABASE_SUITES"

// The suite's keys are those of other data, and none is a record's.
func TestDatastoreSuite(t *testing.T) {
	if os.Getenv(allSuites) == "" {
		defer func(n int) { suite.ElemCount = n }(suite.ElemCount)
		suite.ElemCount = 30
	}
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		if eng.Name() != "memory" && os.Getenv(allSuites) == "" {
			t.Skip("not asked for by " + allSuites)
		}
		records, _ := openRecords(t, eng, record.Options{})
		suite.SubtestAll(t, records)
	})
}

// traits are what Records say of themselves.
var traits = dstest.Traits{
	Closed: models.ErrClosed, Conflict: models.ErrConflict, ReadOnly: models.ErrReadOnly, Ended: models.ErrTxnDone,
	InContext: true,
}

func TestWholeDatastore(t *testing.T) {
	for name, engineAt := range engines {
		if testing.Short() && name != "bolt" { // the suite tests this package, whatever the engine
			continue
		}
		t.Run(name, func(t *testing.T) {
			open := func(dir string) (ds.Batching, error) {
				return record.Open(context.Background(), engineAt(dir), record.Options{})
			}
			dstest.Run(t, func(t *testing.T) ds.Batching {
				records, err := open(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				return records
			}, traits)
			if name == "bolt" { // when Badger refuses to open what is damaged, it leaves goroutines behind
				dstest.RunFiles(t, open)
			}
		})
	}
}
