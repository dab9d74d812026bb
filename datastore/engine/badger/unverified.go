package badger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// unverified has the tables of a database that was closed, until they have been read
// through. A goroutine reads one after the other. A read first has those verified that
// Badger may come to for it, whose key ranges are known from their indexes.
//
// Meanwhile Badger has no compactors: they take a block that they cannot read for an empty
// one, or end the process, and delete the table that it was in. They are started once
// all tables are found to be whole, and never if one is not.
type unverified struct {
	// levels are those of Badger: the tables of level 0 may overlap, those of every
	// other are in the order of their keys.
	levels [][]*unverifiedTable

	ctx  context.Context // ends when the database is closed
	stop context.CancelFunc
	done chan struct{} // closed when the goroutine has ended
	err  error         // why compactors were not started, once done is closed
}

type unverifiedTable struct {
	name              string
	compression       options.CompressionType
	sum               uint32 // of the whole file
	smallest, biggest []byte // keys

	whole atomic.Bool
	mu    sync.Mutex
	err   error // the damage
}

// verify reads through the table if that has not been done.
func (t *unverifiedTable) verify() error {
	if t.whole.Load() {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.whole.Load() || t.err != nil {
		return t.err
	}
	sum, err := verifyFile(t.name, t.compression, true)
	if err == nil && sum.whole != t.sum {
		err = errChanged
	}
	if err == nil {
		t.whole.Store(true)
		return nil
	}
	err = fmt.Errorf("table %s: %w", filepath.Base(t.name), err)
	if errors.Is(err, engine.ErrCorrupt) {
		t.err = err
	}
	return err
}

// verifyLater has the tables that there were on opening read through, and calls whole if no
// damage is found.
func (d *db) verifyLater(whole func() error) {
	u := &unverified{done: make(chan struct{})}
	for _, info := range d.badger.Tables() {
		sum := d.tables[info.ID]
		if sum == nil {
			continue // Badger has just made it
		}
		for len(u.levels) <= info.Level {
			u.levels = append(u.levels, nil)
		}
		u.levels[info.Level] = append(u.levels[info.Level], &unverifiedTable{
			name:        table.NewFilename(info.ID, d.options.Path),
			compression: sum.compression,
			sum:         sum.whole,
			smallest:    y.ParseKey(info.Left),
			biggest:     y.ParseKey(info.Right),
		})
	}
	for level, tables := range u.levels {
		if level > 0 {
			slices.SortFunc(tables, func(a, b *unverifiedTable) int { return bytes.Compare(a.biggest, b.biggest) })
		}
	}
	u.ctx, u.stop = context.WithCancel(context.Background())
	d.unverified.Store(u)
	go func() {
		defer close(u.done)
		if u.err = u.verify(); u.err == nil {
			u.err = whole()
		}
		switch {
		case u.err == nil:
			d.unverified.Store(nil)
		case !errors.Is(u.err, context.Canceled):
			u.err = fmt.Errorf("badger: %s: %w", d.options.Path, translate(u.err))
			d.fail(u.err)
		}
	}()
}

// verify reads through all tables, and returns the first damage.
func (u *unverified) verify() (err error) {
	for _, tables := range u.levels {
		for _, t := range tables {
			if err := u.ctx.Err(); err != nil {
				return err
			}
			if damaged := t.verify(); err == nil {
				err = damaged
			}
		}
	}
	return err
}

// stopVerifying returns once the goroutine has ended.
func (d *db) stopVerifying() {
	if u := d.unverified.Load(); u != nil {
		u.stop()
		<-u.done
	}
}

// mayFill waits until compactors may run if a commit of some bytes could have a memtable
// written out without them.
func (d *db) mayFill(ctx context.Context, size int64) error {
	if d.unverified.Load() == nil || d.volume.begun.Load()+size <= int64(d.options.MemTableMB)<<19 {
		return nil
	}
	return d.waitVerified(ctx)
}

// waitVerified waits until compactors may run.
func (d *db) waitVerified(ctx context.Context) error {
	u := d.unverified.Load()
	if u == nil {
		return nil
	}
	if err := d.gate.Await(ctx, u.done); err != nil {
		return err
	}
	return u.err
}

// verifiedKey returns an error if a table is damaged whose range has a key. Badger may also
// come to the first or last block of another, which were verified on opening.
func (d *db) verifiedKey(key []byte) error {
	u := d.unverified.Load()
	if u == nil {
		return nil
	}
	for level, tables := range u.levels {
		if level > 0 {
			first := sort.Search(len(tables), func(i int) bool { return bytes.Compare(tables[i].biggest, key) >= 0 })
			tables = tables[first:min(first+1, len(tables))]
		}
		for _, t := range tables {
			if bytes.Compare(t.smallest, key) > 0 || bytes.Compare(t.biggest, key) < 0 {
				continue
			}
			if err := t.verify(); err != nil {
				return err
			}
		}
	}
	return nil
}

// verifiedPrefix returns an error if a table is damaged that an iterator over the keys
// with a prefix may read: that goes over the tables that may have such keys, and no others.
// It ends early if the error that check returns is not nil.
func (d *db) verifiedPrefix(prefix []byte, check func() error) error {
	u := d.unverified.Load()
	if u == nil {
		return nil
	}
	begin := func(key []byte) []byte { return key[:min(len(key), len(prefix))] }
	for _, tables := range u.levels {
		for _, table := range tables {
			if bytes.Compare(begin(table.smallest), prefix) > 0 || bytes.Compare(begin(table.biggest), prefix) < 0 {
				continue
			}
			if err := check(); err != nil {
				return err
			}
			if err := table.verify(); err != nil {
				return err
			}
		}
	}
	return nil
}
