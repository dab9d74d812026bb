//go:build js

package indexeddb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// ErrTaken is returned by every call once the database is not this program's any more: another tab has
// wanted to delete it or to change its layout, as a later version of this package may, and this one has
// given way; or the browser has closed it, since the user has deleted the data of the page or the disk has
// failed. It matches engine.ErrClosed.
var ErrTaken = fmt.Errorf("the database is taken away: %w", engine.ErrClosed)

var (
	errVersion = fmt.Errorf("%w: another tab deletes it or changes its layout", ErrTaken)
	errBrowser = fmt.Errorf("%w: the browser has closed it", ErrTaken)
)

type indexedDB struct{ options Options }

func (*indexedDB) Name() string { return "indexeddb" }

// opened has the names of the databases that this program has open. Other tabs may have them open too.
var opened sync.Map

func (e *indexedDB) Open(ctx context.Context) (_ engine.DB, err error) {
	o := e.options
	config, checkpointBytes, err := journal.Normalize(o.Config, o.CheckpointMB)
	if err != nil {
		return nil, err
	}
	o.Config = config
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, loaded := opened.LoadOrStore(o.Path, true); loaded {
		return nil, engine.ErrLocked
	}
	opening := &opening{
		options: o.Config, checkpointBytes: checkpointBytes,
		closers: []func(){func() { opened.Delete(o.Path) }},
	}
	db, err := opening.open(ctx)
	if err != nil {
		opening.end()
		return nil, fmt.Errorf("open %q in IndexedDB: %w", o.Path, err)
	}
	return db, nil
}

// opening is a database that is being opened. Closers end what it has begun, the last first.
type opening struct {
	options         engine.Config
	checkpointBytes int64
	closers         []func()
}

func (o *opening) end() {
	for len(o.closers) > 0 {
		last := len(o.closers) - 1
		o.closers[last]()
		o.closers = o.closers[:last]
	}
}

func (o *opening) open(ctx context.Context) (_ *journal.DB, err error) {
	names := lockNames(o.options.Path)
	storage, err := openIDB(o.options.Path, !o.options.MustExist && !o.options.ReadOnly)
	if err != nil {
		return nil, err
	}
	o.closers = append(o.closers, storage.close)
	if o.options.Truncate == engine.DestroyExistingData {
		alone, err := lock(ctx, names("open"), jsvalue.LockMode{AtOnce: true})
		if err != nil {
			return nil, err
		}
		err = storage.clear()
		alone()
		if err != nil {
			return nil, err
		}
	}
	others := &others{names: names, here: func() {}}
	o.closers = append(o.closers, func() { others.leave() })
	if err := others.enter(ctx); err != nil {
		return nil, err
	}
	if others.channel, err = listen(names("news")); err != nil {
		return nil, err
	}
	o.closers = append(o.closers, others.channel.close)
	db, err := journal.Open(ctx, journal.Options{
		Storage: storage, Others: others, ReadOnly: o.options.ReadOnly, NoFsync: o.options.NoFsync,
		CheckpointBytes: o.checkpointBytes, End: o.end,
	})
	if err != nil {
		return nil, err
	}
	storage.onTaken(db.Taken)
	others.channel.start(func(wants bool) {
		if wants {
			db.GiveWay()
		} else {
			db.CatchUp()
		}
	})
	db.CatchUp() // with what was committed before the others knew of this program
	return db, nil
}

// lockNames returns a function for the names of locks of a database, and of its channel.
func lockNames(path string) func(of string) string {
	return func(of string) string { return "netabase/" + of + "/" + path }
}

// others are the other tabs and workers that have a database open. It implements journal.Others.
type others struct {
	names   func(of string) string
	channel *channel

	mu sync.Mutex
	// here gives up the lock that says that this program has the database open. It is shared with others, or
	// this program is alone.
	here func()
}

// patience is how long Open waits while another tab has the database for itself, as it has for a moment when
// it opens a store. Moment is how long Alone waits for others to leave or to be refused: of two tabs that want it
// at the same time, one gets it.
const (
	patience = 2 * time.Second
	moment   = 500 * time.Millisecond
)

// enter takes the lock that says that this program has the database open.
func (o *others) enter(ctx context.Context) error {
	return o.take(ctx, patience, jsvalue.LockMode{Shared: true})
}

// take takes that lock in a mode, and waits for a time at most.
func (o *others) take(ctx context.Context, wait time.Duration, how jsvalue.LockMode) error {
	waits, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	here, err := lock(waits, o.names("open"), how)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			err = engine.ErrLocked
		}
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.here = here
	return nil
}

// leave gives the lock up.
func (o *others) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.here()
	o.here = func() {}
}

// Alone implements journal.Others.
func (o *others) Alone(ctx context.Context) (shared func(), err error) {
	o.leave() // a lock cannot become another kind of lock
	if err := o.take(ctx, moment, jsvalue.LockMode{}); err != nil {
		return nil, errors.Join(err, o.enter(ctx))
	}
	return func() {
		o.leave()
		_ = o.enter(context.WithoutCancel(ctx)) // others are as well off without it
	}, nil
}

func (o *others) Lock(ctx context.Context) (release func(), err error) {
	o.channel.send(wants)
	return lock(ctx, o.names("write"), jsvalue.LockMode{})
}

func (o *others) TryCheckpoint(ctx context.Context) (release func(), err error) {
	return lock(ctx, o.names("checkpoint"), jsvalue.LockMode{AtOnce: true})
}

func (o *others) Committed() { o.channel.committed() }

var errNoIndexedDB = errors.New("there is no IndexedDB here")
