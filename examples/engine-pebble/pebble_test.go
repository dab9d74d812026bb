package pebble_test

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	pebble "github.com/newsnet-africa/netabase-go/examples/engine-pebble"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) engine.Engine { return pebble.Engine(t.TempDir()) })
}

func TestConfig(t *testing.T) {
	enginetest.RunConfig(t, func(c engine.Config) engine.Engine { return pebble.Options{Config: c}.Engine() })
}
