package enginetest

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// ErrInjected is the error of a call that a Failing engine lets fail.
var ErrInjected = errors.New("injected failure")

// Failing is an engine in which one chosen call fails: beginning a transaction, reading or
// writing a key, a step of a cursor, a commit, a sync, reading its size or checking its files.
// A store has to stay whole whichever call fails. A failed commit stores nothing.
type Failing struct {
	engine.Engine
	// Err is the error of the call that FailAt chooses. Nil stands for ErrInjected.
	Err error

	mu        sync.Mutex
	countdown int
	open      int
	// commits counts down to the commit at which the process ends. Ended says that it has
	// ended.
	commits int
	ended   bool
}

// FailAt chooses the call that fails: 1 is the next one, 0 means none.
func (e *Failing) FailAt(call int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.countdown = call
}

// EndAt simulates the end of a process. It chooses the commit that fails, 1 being the next one;
// all later calls fail too. The database then holds the data that an ended process leaves. 0
// begins a new process.
func (e *Failing) EndAt(commit int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.commits, e.ended = commit, false
}

// Ended reports whether the process has ended since EndAt.
func (e *Failing) Ended() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ended
}

// Failed reports whether the chosen call has failed since FailAt.
func (e *Failing) Failed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.countdown <= 0
}

// Transactions returns how many transactions are open.
func (e *Failing) Transactions() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.open
}

func (e *Failing) fail() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.countdown--; e.countdown != 0 && !e.ended {
		return nil
	}
	return cmp.Or(e.Err, ErrInjected)
}

func (e *Failing) failCommit() error {
	e.mu.Lock()
	if e.commits--; e.commits == 0 {
		e.ended = true
	}
	e.mu.Unlock()
	return e.fail()
}

func (e *Failing) count(change int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open += change
}

// Open implements [engine.Engine].
func (e *Failing) Open(ctx context.Context) (engine.DB, error) {
	if err := e.fail(); err != nil {
		return nil, err
	}
	db, err := e.Engine.Open(ctx)
	if err != nil {
		return nil, err
	}
	return failingDB{db, e}, nil
}

type failingDB struct {
	engine.DB
	engine *Failing
}

func (db failingDB) View(ctx context.Context) (engine.ReadTxn, error) {
	if err := db.engine.fail(); err != nil {
		return nil, err
	}
	txn, err := db.DB.View(ctx)
	if err != nil {
		return nil, err
	}
	db.engine.count(1)
	return &failingRead{ReadTxn: txn, engine: db.engine}, nil
}

func (db failingDB) Update(ctx context.Context) (engine.WriteTxn, error) {
	if err := db.engine.fail(); err != nil {
		return nil, err
	}
	txn, err := db.DB.Update(ctx)
	if err != nil {
		return nil, err
	}
	db.engine.count(1)
	return &failingWrite{failingRead{ReadTxn: txn, engine: db.engine}, txn}, nil
}

func (db failingDB) Sync(ctx context.Context) error {
	if err := db.engine.fail(); err != nil {
		return err
	}
	return db.DB.Sync(ctx)
}

func (db failingDB) Size(ctx context.Context) (int64, error) {
	if err := db.engine.fail(); err != nil {
		return 0, err
	}
	return db.DB.Size(ctx)
}

func (db failingDB) Compact(ctx context.Context) error {
	if err := db.engine.fail(); err != nil {
		return err
	}
	return db.DB.Compact(ctx)
}

// Verify implements [engine.Verifier].
func (db failingDB) Verify(ctx context.Context) error {
	if err := db.engine.fail(); err != nil {
		return err
	}
	if verifier, ok := db.DB.(engine.Verifier); ok {
		return verifier.Verify(ctx)
	}
	return nil
}

type failingRead struct {
	engine.ReadTxn
	engine *Failing
	ended  bool
}

// end counts the end of the transaction, once.
func (t *failingRead) end() {
	if !t.ended {
		t.ended = true
		t.engine.count(-1)
	}
}

func (t *failingRead) Get(key []byte) ([]byte, error) {
	if err := t.engine.fail(); err != nil {
		return nil, err
	}
	return t.ReadTxn.Get(key)
}

func (t *failingRead) Cursor(r engine.Range) engine.Cursor {
	return &failingCursor{Cursor: t.ReadTxn.Cursor(r), engine: t.engine}
}

func (t *failingRead) Discard() {
	t.end()
	t.ReadTxn.Discard()
}

type failingCursor struct {
	engine.Cursor
	engine *Failing
	err    error
}

func (c *failingCursor) Next() bool {
	if c.err == nil {
		c.err = c.engine.fail()
	}
	return c.err == nil && c.Cursor.Next()
}

func (c *failingCursor) Err() error { return errors.Join(c.err, c.Cursor.Err()) }

type failingWrite struct {
	failingRead
	write engine.WriteTxn
}

func (t *failingWrite) Put(key, value []byte) error {
	if err := t.engine.fail(); err != nil {
		return err
	}
	return t.write.Put(key, value)
}

func (t *failingWrite) Delete(key []byte) error {
	if err := t.engine.fail(); err != nil {
		return err
	}
	return t.write.Delete(key)
}

func (t *failingWrite) Commit(ctx context.Context, d engine.Durability) error {
	t.end()
	if err := t.engine.failCommit(); err != nil {
		t.write.Discard()
		return err
	}
	return t.write.Commit(ctx, d)
}
