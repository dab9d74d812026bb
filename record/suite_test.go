package record_test

import (
	"testing"

	dstest "github.com/ipfs/go-datastore/test"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/record"
)

// The suite's keys are those of other data, and none is a record's.
func TestDatastoreSuite(t *testing.T) {
	defer func(n int) { dstest.ElemCount = n }(dstest.ElemCount)
	dstest.ElemCount = 30 // of 100, which takes ten seconds an engine
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		records, _ := openRecords(t, eng, record.Options{})
		dstest.SubtestAll(t, records)
	})
}
