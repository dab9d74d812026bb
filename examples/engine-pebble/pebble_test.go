package pebble_test

import (
	"errors"
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

func TestDamage(t *testing.T) {
	enginetest.RunDamage(t, func(c engine.Config) engine.Engine { return pebble.Options{Config: c}.Engine() })
}

func TestPowerLoss(t *testing.T) {
	enginetest.RunPowerLoss(t, func(c engine.Config) engine.Engine {
		return pebble.Options{Config: c, MemTableMB: 1}.Engine()
	})
}

func TestMemTable(t *testing.T) {
	for _, size := range []int{-1, 1025} {
		db, err := pebble.Options{Config: engine.Config{Path: t.TempDir()}, MemTableMB: size}.Engine().Open(t.Context())
		if err == nil {
			db.Close()
		}
		if !errors.Is(err, engine.ErrConfig) {
			t.Errorf("a memtable of %d MiB: %v", size, err)
		}
	}
}
