package record_test

import (
	"testing"

	ds "github.com/ipfs/go-datastore"
	suite "github.com/ipfs/go-datastore/test"

	"github.com/newsnet-africa/netabase-go/datastore/dstest"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/record"
)

// The suite's keys are those of other data, and none is a record's.
func TestDatastoreSuite(t *testing.T) {
	defer func(n int) { suite.ElemCount = n }(suite.ElemCount)
	suite.ElemCount = 30 // of 100, which takes ten seconds an engine
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		records, _ := openRecords(t, eng, record.Options{})
		suite.SubtestAll(t, records)
	})
}

func TestWholeDatastore(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			dstest.Run(t, func(t *testing.T) ds.Batching {
				records, _ := openRecords(t, open(t.TempDir()), record.Options{})
				return records
			})
		})
	}
}
