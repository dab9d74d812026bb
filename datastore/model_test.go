package datastore_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/modeltest"
)

// TestAgainstMaps does the same random things to a store on every engine and to plain maps.
func TestAgainstMaps(t *testing.T) {
	fresh := map[string]func() engine.Engine{}
	for name, newEngine := range engines {
		fresh[name] = func() engine.Engine { return newEngine(t) }
	}
	modeltest.Run(t, inTown, fresh)
}

var errRollback = errors.New("rolled back on purpose")

// seldom is for what takes long.
func seldom(rt *rapid.T) bool { return rapid.IntRange(0, 9).Draw(rt, "seldom") == 0 }
