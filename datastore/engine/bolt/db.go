package bolt

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/gate"
)

type db struct {
	path    string
	options Options
	gate    *gate.Gate
	bolt    *bbolt.DB
	file    *os.File // the one bbolt has open

	// closed says that the file is as Close leaves it: with the list of its free pages,
	// which commits leave out, and a note of where the tree is. The writer whose turn it
	// is has it.
	closed bool

	// unverified is nil once all pages have been gone over.
	unverified    atomic.Pointer[unverified]
	stopVerifying func() // nil, or returns once the goroutine has ended that does so

	// free is nil in a database that was opened to be read only. used is the bytes of
	// the pages that are in use.
	free freelist
	used atomic.Int64

	// uncertain is why a commit failed that is in the file nevertheless. Those who made it do not know, so
	// no other one follows it. The writer whose turn it is has it.
	uncertain error

	// broken is set when bbolt panicked where it may hold locks or have changed
	// what it shares between transactions. It is left alone from then on.
	broken atomic.Bool
}

func (d *db) View(ctx context.Context) (engine.ReadTxn, error) {
	t := &readTxn{db: d}
	if err := t.Renew(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

func (d *db) Update(ctx context.Context) (engine.WriteTxn, error) {
	if d.options.ReadOnly {
		if err := d.gate.Pass(ctx); err != nil {
			return nil, err
		}
		return nil, engine.ErrReadOnly
	}
	if err := d.gate.EnterWriter(ctx); err != nil {
		return nil, err
	}
	t := &writeTxn{}
	t.db, t.readTxn.writes = d, &t.own
	if err := t.begin(true); err != nil {
		d.gate.LeaveWriter()
		return nil, err
	}
	t.Begin(ctx)
	return t, nil
}

// Sync does nothing: every commit is durable already, or NoFsync says that none
// is to be.
func (d *db) Sync(ctx context.Context) error { return d.gate.Pass(ctx) }

// Size counts the pages in use: later commits use the others again.
func (d *db) Size(ctx context.Context) (int64, error) {
	if err := d.gate.Pass(ctx); err != nil {
		return 0, err
	}
	return d.used.Load(), nil
}

// Compact does nothing: bbolt uses free pages again and gives none back.
func (d *db) Compact(ctx context.Context) error { return d.gate.Pass(ctx) }

func (d *db) Limits() engine.Limits { return engine.Limits{ValueBytes: bbolt.MaxValueSize} }

func (d *db) Close() error {
	if !d.gate.Close() {
		return nil
	}
	if d.stopVerifying != nil {
		d.stopVerifying()
	}
	d.writeClosed()
	if err := d.release(); err != nil {
		return fmt.Errorf("bolt: close %s: %w", d.path, err)
	}
	return nil
}

// release closes the file and with it the lock. That of a broken database stays
// mapped: transactions whose end bbolt never saw may be reading it.
func (d *db) release() error {
	if d.broken.Load() {
		return d.file.Close()
	}
	return d.bolt.Close()
}
