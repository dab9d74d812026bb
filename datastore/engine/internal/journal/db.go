package journal

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/gate"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

// Options say how to use a storage.
type Options struct {
	Storage Storage
	// Others is nil if no other program can have the storage open.
	Others Others
	// ReadOnly refuses writes, and NoFsync makes every commit a relaxed one.
	ReadOnly, NoFsync bool
	// CheckpointBytes is how large the log gets before a checkpoint is written. It gets as large as the last
	// checkpoint at least.
	CheckpointBytes int64
	// End is called at the end of Close, when nothing uses the storage any more.
	End func()
}

// DB is an open database.
type DB struct {
	options Options
	gate    *gate.Gate
	mem     engine.DB

	// The fields from here on are changed by who has the turn of the gate, or by Open.

	// seq is the number of the last commit that is in mem.
	seq atomic.Uint64
	// alone says that no other program can have committed behind seq, since this one has the lock for
	// writing, which release gives up. It is nil if there are no others.
	alone   bool
	release func()
	// relaxed says that a commit may not be durable yet.
	relaxed bool

	// wanted says that another program waits for the lock for writing.
	wanted atomic.Bool
	// logged is the size of the log behind the checkpoint of a generation, and stored that of the checkpoint.
	// They are not exact if other programs write too.
	logged, stored atomic.Int64
	generation     atomic.Uint64
	// writing has room for who writes a checkpoint.
	writing chan struct{}
	// background is the goroutine that writes a checkpoint, which stop stops.
	background sync.WaitGroup
	stopped    context.Context
	stop       context.CancelFunc
	// taken is why the storage is not there any more, or nil. Ended is closed at the end of Close.
	taken atomic.Pointer[error]
	ended chan struct{}
}

// Open reads a journal.
func Open(ctx context.Context, o Options) (*DB, error) {
	mem, err := memory.Engine().Open(ctx)
	if err != nil {
		return nil, err
	}
	d := &DB{options: o, gate: gate.New(), mem: mem, writing: make(chan struct{}, 1), ended: make(chan struct{})}
	d.stopped, d.stop = context.WithCancel(context.Background())
	if err := d.catchUp(ctx); err != nil {
		d.stop()
		return nil, errors.Join(err, mem.Close())
	}
	d.alone = o.Others == nil
	return d, nil
}

// CatchUp reads what another program has committed.
func (d *DB) CatchUp() {
	ctx := d.stopped
	if d.gate.EnterWriter(ctx) != nil {
		return
	}
	defer d.gate.LeaveWriter()
	if !d.alone {
		_ = d.catchUp(ctx) // the next transaction tries again
	}
}

// GiveWay gives up the lock for writing for another program that waits for it.
func (d *DB) GiveWay() {
	d.wanted.Store(true)
	if d.gate.EnterWriter(d.stopped) != nil {
		return
	}
	defer d.gate.LeaveWriter()
	d.giveWay()
}

// giveWay is called in turn.
func (d *DB) giveWay() {
	if d.release != nil && d.wanted.CompareAndSwap(true, false) {
		d.unlock()
	}
}

func (d *DB) unlock() {
	if d.release != nil {
		d.release()
		d.release = nil
	}
	d.alone = false
}

// own takes the lock for writing, and reads what other programs have committed. It is called in turn.
func (d *DB) own(ctx context.Context) (err error) {
	if d.alone {
		return nil
	}
	if d.options.Others != nil && d.release == nil {
		if d.release, err = d.options.Others.Lock(ctx); err != nil {
			return err
		}
	}
	if err := d.catchUp(ctx); err != nil {
		return err
	}
	d.alone = true
	return nil
}

// Taken closes the database since its storage is not there any more. Calls return err from now on, which
// matches engine.ErrClosed.
func (d *DB) Taken(err error) {
	d.taken.Store(&err)
	_ = d.Close() // it has nothing to write
}

// why returns the reason why the database is closed, if err says that it is.
func (d *DB) why(err error) error {
	if taken := d.taken.Load(); taken != nil && errors.Is(err, engine.ErrClosed) {
		return *taken
	}
	return err
}

// Alone implements engine.Joint.
func (d *DB) Alone(ctx context.Context) (shared func(), err error) {
	if err := d.gate.Enter(ctx); err != nil {
		return nil, d.why(err)
	}
	defer d.gate.Leave()
	if d.options.Others == nil {
		return func() {}, nil
	}
	return d.options.Others.Alone(ctx)
}

// View implements engine.DB.
func (d *DB) View(ctx context.Context) (engine.ReadTxn, error) {
	txn, err := d.mem.View(ctx)
	if err != nil {
		return nil, d.why(err)
	}
	return &readTxn{rows: txn.(rows)}, nil
}

// Update implements engine.DB.
func (d *DB) Update(ctx context.Context) (engine.WriteTxn, error) {
	if d.options.ReadOnly {
		if err := d.gate.Pass(ctx); err != nil {
			return nil, d.why(err)
		}
		return nil, engine.ErrReadOnly
	}
	if err := d.gate.EnterWriter(ctx); err != nil {
		return nil, d.why(err)
	}
	t := &writeTxn{db: d}
	err := d.own(ctx)
	if err == nil {
		t.WriteTxn, err = d.mem.Update(ctx)
	}
	if err != nil {
		d.giveWay()
		d.gate.LeaveWriter()
		return nil, d.why(err)
	}
	t.reads = readTxn{rows: t.WriteTxn.(rows)}
	return t, nil
}

// Sync implements engine.DB.
func (d *DB) Sync(ctx context.Context) error {
	if err := d.gate.EnterWriter(ctx); err != nil {
		return d.why(err)
	}
	defer d.gate.LeaveWriter()
	return d.sync()
}

// sync makes relaxed commits durable. It is called in turn.
func (d *DB) sync() error {
	if !d.relaxed || d.options.NoFsync {
		return nil
	}
	if err := d.options.Storage.Sync(); err != nil {
		return err
	}
	d.relaxed = false
	return nil
}

// Size implements engine.DB. It counts the checkpoint and the log behind it.
func (d *DB) Size(ctx context.Context) (int64, error) {
	if err := d.gate.Pass(ctx); err != nil {
		return 0, d.why(err)
	}
	return d.stored.Load() + d.logged.Load(), nil
}

const (
	maxValue = 16 << 20
	maxTxn   = 32 << 20
	// maxBytes is how many bytes of keys and values a transaction takes in fact: there may be a value of
	// maxValue.
	maxBytes = maxValue + maxTxn
	// maxBatch has room for maxTxn, with two lengths of a byte for each key of a byte. Chromium takes values
	// of up to 127 MiB.
	maxBatch = maxValue + 3*maxTxn
)

// Limits implements engine.DB.
func (d *DB) Limits() engine.Limits { return engine.Limits{ValueBytes: maxValue, TxnBytes: maxTxn} }

// Close implements engine.DB.
func (d *DB) Close() error {
	d.stop()
	closed := make(chan error, 1)
	go func() { closed <- d.mem.Close() }() // which refuses those who read, while writers end
	if !d.gate.Close() {
		if d.taken.Load() != nil {
			<-d.ended // so that it can be opened again
		}
		return <-closed
	}
	defer close(d.ended)
	d.background.Wait()
	err := <-closed
	if err == nil && d.taken.Load() == nil {
		err = d.sync()
	}
	d.unlock()
	d.options.End()
	return err
}
