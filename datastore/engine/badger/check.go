package badger

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/dgraph-io/badger/v4/table"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var _ engine.Verifier = (*db)(nil)

// Verify reads all tables, those too that were read since the database was opened, and all
// files of values. Rows that are in memtables alone it does not see.
func (d *db) Verify(ctx context.Context) error {
	if err := d.gate.Enter(ctx); err != nil {
		return err
	}
	defer d.gate.Leave()
	tables, err := manifestTables(d.options.Path)
	if err != nil {
		return fmt.Errorf("badger: check %s: %w", d.options.Path, err)
	}
	for id, compression := range tables {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := table.NewFilename(id, d.options.Path)
		sum, err := verifyFile(name, compression, true)
		if known := d.tables[id]; err == nil && known != nil && known.whole != sum.whole {
			err = errChanged
		}
		if err != nil && d.dropped(id) {
			continue // Badger empties a file before it removes it
		}
		if err != nil {
			return fmt.Errorf("badger: check %s: %w", filepath.Base(name), err)
		}
	}
	if err := d.verifyFiles(ctx.Err); err != nil {
		return fmt.Errorf("badger: check %s: %w", d.options.Path, err)
	}
	return nil
}

// dropped reports whether a compaction has done away with a table meanwhile.
func (d *db) dropped(id uint64) bool {
	tables, err := manifestTables(d.options.Path)
	_, named := tables[id]
	return err == nil && !named
}
