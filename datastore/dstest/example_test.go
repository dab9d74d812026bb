package dstest_test

import (
	"errors"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore/dstest"
)

// The test of a datastore calls Run with what its calls return.
func Example() {
	TestMyDatastore := func(t *testing.T) {
		closed := errors.New("closed")
		dstest.Run(t, func(*testing.T) ds.Batching { return ds.NewMapDatastore() }, dstest.Traits{Closed: closed})
	}
	_ = TestMyDatastore
}
