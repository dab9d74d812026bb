package enginetest_test

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

// The test of an engine calls Run with what makes a new one.
func Example() {
	TestMyEngine := func(t *testing.T) {
		enginetest.Run(t, func(*testing.T) engine.Engine { return memory.Engine() })
	}
	_ = TestMyEngine
}
