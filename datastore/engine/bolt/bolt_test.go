package bolt_test

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) engine.Engine { return bolt.Engine(t.TempDir()) })
}

func TestConfig(t *testing.T) {
	enginetest.RunConfig(t, func(c engine.Config) engine.Engine { return bolt.Options{Config: c}.Engine() })
}

func TestPowerLoss(t *testing.T) {
	enginetest.RunPowerLoss(t, func(c engine.Config) engine.Engine { return bolt.Options{Config: c}.Engine() })
}

func TestDamage(t *testing.T) {
	enginetest.RunDamage(t, func(c engine.Config) engine.Engine { return bolt.Options{Config: c}.Engine() }, 100)
}
