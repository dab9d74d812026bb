//go:build js

package opfs

import (
	"context"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
)

// ErrNoWorker is returned by Open elsewhere than in a dedicated worker, and where the browser has no such files.
var ErrNoWorker = errors.New("files of the origin can be used in a dedicated worker alone, on a page from " +
	"loopback or by HTTPS")

type opfs struct{ options Options }

func (*opfs) Name() string { return "opfs" }

func (e *opfs) Open(ctx context.Context) (engine.DB, error) {
	config, checkpointBytes, err := journal.Normalize(e.options.Config, e.options.CheckpointMB)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	storage, err := openStorage(ctx, config)
	if err == nil {
		db, failed := journal.Open(ctx, journal.Options{
			Storage: storage, ReadOnly: config.ReadOnly, NoFsync: config.NoFsync,
			CheckpointBytes: checkpointBytes, End: storage.close,
		})
		if failed == nil {
			return db, nil
		}
		storage.close()
		err = failed
	}
	return nil, fmt.Errorf("open %q in the origin's file system: %w", config.Path, err)
}
