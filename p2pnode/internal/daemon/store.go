package daemon

import (
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control"
	"github.com/newsnet-africa/netabase-go/record"
)

// openStore opens the store, with the models.
func (d *Daemon) openStore(ctx context.Context, key datastore.Key) (err error) {
	var eng engine.Engine
	switch path := (engine.Config{Path: config.Store(d.cfg.Dir)}); d.cfg.Engine {
	case "badger":
		eng = badger.Options{Config: path}.Engine()
	case "bolt":
		eng = bolt.Options{Config: path}.Engine()
	default:
		eng = memory.Engine()
	}
	definitions := []*models.Definition{record.Definition}
	for _, definition := range d.cfg.Models {
		definitions = append(definitions, definition.Definition)
		for _, tree := range definition.Trees() {
			hosted, err := control.HostDynamic(tree)
			if err != nil {
				return err
			}
			d.shown.Trees = append(d.shown.Trees, hosted)
		}
	}
	d.store, err = datastore.Open(ctx, eng, datastore.OpenOptions{
		Definitions: definitions, Key: key,
		Progress: func(p datastore.OpenProgress) {
			d.log.Info("the store changes to the models", "progress", p)
		},
	})
	if err != nil {
		return fmt.Errorf("store in %s: %w", config.Store(d.cfg.Dir), err)
	}
	return nil
}

// recordOptions are the options of the records.
func (d *Daemon) recordOptions() record.Options {
	o := d.cfg.Records
	for _, definition := range d.cfg.Travelling {
		o.Models = append(o.Models, definition.Definition)
	}
	o.Meters = d.meters.Provider
	o.Log = refusals{d.log.Handler(), d}
	o.Answered = d.answered
	return o
}
