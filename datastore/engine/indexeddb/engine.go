//go:build js

package indexeddb

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/gate"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

type indexedDB struct{ options Options }

func (*indexedDB) Name() string { return "indexeddb" }

// opened has the names of the databases that this program has open. Other tabs may have them open too.
var opened sync.Map

func (e *indexedDB) Open(ctx context.Context) (_ engine.DB, err error) {
	o, err := e.options.normalize()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, loaded := opened.LoadOrStore(o.Path, true); loaded {
		return nil, engine.ErrLocked
	}
	d := &db{options: o, gate: gate.New()}
	d.closers = append(d.closers, func() { opened.Delete(o.Path) })
	defer func() {
		if err != nil {
			d.end()
			err = fmt.Errorf("open %q in IndexedDB: %w", o.Path, err)
		}
	}()
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// open opens what a database needs. Closers end it.
func (d *db) open(ctx context.Context) (err error) {
	destroys := d.options.Truncate == engine.DestroyExistingData
	if d.idb, err = openIDB(ctx, d.options.Path, !d.options.MustExist && !d.options.ReadOnly, d.gone); err != nil {
		return err
	}
	d.closers = append(d.closers, d.idb.close)
	if destroys {
		alone, err := lock(ctx, d.lockName("open"), jsvalue.LockMode{AtOnce: true})
		if err != nil {
			return err
		}
		err = d.idb.clear()
		alone()
		if err != nil {
			return err
		}
	}
	here, err := lock(ctx, d.lockName("open"), jsvalue.LockMode{Shared: true})
	if err != nil {
		return err
	}
	d.closers = append(d.closers, here)
	if d.mem, err = memory.Engine().Open(ctx); err != nil {
		return err
	}
	if d.channel, err = listen(d.lockName("news"), d.hear); err != nil {
		return err
	}
	d.closers = append(d.closers, d.channel.close)
	return d.catchUp(ctx)
}

func (d *db) lockName(of string) string { return "netabase/" + of + "/" + d.options.Path }

// db is an open database. What the turn of the gate guards is changed by the writer alone.
type db struct {
	options Options
	gate    *gate.Gate
	idb     *idb
	mem     engine.DB
	channel *channel
	// closers end what open has begun, the last first.
	closers []func()

	// seq is the number of the last commit that is in mem, and logged how many bytes the log behind the
	// checkpoint has. The turn guards them.
	seq     uint64
	logged  int64
	release func() // the lock for writing, nil if another tab may have it
	// relaxed says that a commit may not be on the disk yet.
	relaxed bool
	// wanted says that another tab waits for the lock for writing.
	wanted atomic.Bool
	size   atomic.Int64
	// lost says that another tab has taken the database away.
	lost atomic.Bool
}

// gone gives way to another tab that wants to change or delete the database.
func (d *db) gone() {
	d.lost.Store(true)
	_ = d.Close() // nobody hears its error
}

// hear takes news from another tab.
func (d *db) hear(wants bool) {
	if wants {
		d.wanted.Store(true)
	}
	ctx := context.Background()
	if d.gate.EnterWriter(ctx) != nil {
		return
	}
	defer d.gate.LeaveWriter()
	if wants {
		d.giveWay()
		return
	}
	if d.release == nil {
		_ = d.catchUp(ctx) // the next transaction tries again
	}
}

// giveWay releases the lock for writing if another tab waits for it. It is called in turn.
func (d *db) giveWay() {
	if d.release != nil && d.wanted.CompareAndSwap(true, false) {
		d.release()
		d.release = nil
	}
}

// own takes the lock for writing, and reads what other tabs have committed. It is called in turn.
func (d *db) own(ctx context.Context) (err error) {
	if d.release != nil {
		return nil // and nobody else has committed since
	}
	d.channel.send(true)
	if d.release, err = lock(ctx, d.lockName("write"), jsvalue.LockMode{}); err != nil {
		return err
	}
	return d.catchUp(ctx)
}

func (d *db) View(ctx context.Context) (engine.ReadTxn, error) { return d.mem.View(ctx) }

func (d *db) Update(ctx context.Context) (engine.WriteTxn, error) {
	if d.options.ReadOnly {
		return nil, engine.ErrReadOnly
	}
	if err := d.gate.EnterWriter(ctx); err != nil {
		return nil, err
	}
	t := &writeTxn{db: d}
	err := d.own(ctx)
	if err == nil {
		t.WriteTxn, err = d.mem.Update(ctx)
	}
	if err != nil {
		d.giveWay()
		d.gate.LeaveWriter()
		return nil, err
	}
	return t, nil
}

func (d *db) Sync(ctx context.Context) error {
	if err := d.gate.EnterWriter(ctx); err != nil {
		return err
	}
	defer d.gate.LeaveWriter()
	return d.sync()
}

// sync makes relaxed commits durable. It is called in turn.
func (d *db) sync() error {
	if !d.relaxed || d.options.NoFsync {
		return nil
	}
	if err := d.idb.sync(); err != nil {
		return err
	}
	d.relaxed = false
	return nil
}

func (d *db) Size(ctx context.Context) (int64, error) {
	if err := d.gate.Pass(ctx); err != nil {
		return 0, err
	}
	return d.size.Load(), nil
}

const (
	maxValue = 16 << 20
	maxTxn   = 32 << 20
	// maxBatch is within the 127 MiB that Chromium takes for a value.
	maxBatch = maxValue + maxTxn + 1<<20
)

func (d *db) Limits() engine.Limits { return engine.Limits{ValueBytes: maxValue, TxnBytes: maxTxn} }

func (d *db) Compact(ctx context.Context) error {
	if err := d.gate.EnterWriter(ctx); err != nil {
		return err
	}
	defer d.gate.LeaveWriter()
	if d.options.ReadOnly {
		return nil
	}
	defer d.giveWay()
	if err := d.own(ctx); err != nil {
		return err
	}
	return d.checkpoint(ctx)
}

func (d *db) Close() error {
	closed := make(chan error, 1)
	go func() { closed <- d.mem.Close() }() // which refuses those who read, while writers end
	if !d.gate.Close() {
		return <-closed
	}
	err := <-closed
	if err == nil && !d.lost.Load() {
		err = d.sync()
	}
	if d.release != nil {
		d.release()
	}
	d.end()
	return err
}

func (d *db) end() {
	for len(d.closers) > 0 {
		last := len(d.closers) - 1
		d.closers[last]()
		d.closers = d.closers[:last]
	}
}
