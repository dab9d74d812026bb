package badger_test

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) engine.Engine { return badger.Engine(t.TempDir()) })
}

func TestConfig(t *testing.T) {
	enginetest.RunConfig(t, func(c engine.Config) engine.Engine { return badger.Options{Config: c}.Engine() })
}

func TestPowerLoss(t *testing.T) {
	enginetest.RunPowerLoss(t, func(c engine.Config) engine.Engine {
		return badger.Options{Config: c, MemTableMB: 1, ReserveMB: 1}.Engine()
	})
}
