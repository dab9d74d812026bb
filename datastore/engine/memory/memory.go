// Package memory is an engine that keeps a database in memory. It is for tests,
// caches and simulations: everything but the files is as in the other engines.
//
//	eng := memory.Engine()
//	db, err := eng.Open(ctx)
//
// The data belongs to the engine value: what was committed is there again when
// the value is opened after a Close, and gone with the value itself. An open
// database takes about a kilobyte and no goroutine, and works in
// testing/synctest bubbles when it is opened in them.
//
// # Caveats
//
// There is one writer at a time. A commit copies the nodes it changed and
// nothing else; a read transaction keeps the tree as it found it, and with it
// the memory of what has been deleted since.
package memory

import (
	"bytes"
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/tidwall/btree"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/gate"
)

// Engine returns an empty database that is not open yet. Every call returns
// another one.
func Engine() engine.Engine {
	e := new(memory)
	e.tree.Store(newTree())
	return e
}

func newTree() *tree {
	return btree.NewBTreeGOptions(less, btree.Options{Degree: degree, NoLocks: true})
}

// degree makes nodes of up to 31 items: a commit of one row copies one node per
// level, and small nodes make that cheaper than fewer levels would.
const degree = 16

// item is what the tree holds. Neither slice is changed once it is in.
type item struct {
	key, value []byte
}

func less(a, b item) bool { return bytes.Compare(a.key, b.key) < 0 }

type tree = btree.BTreeG[item]

// memory outlives the DBs opened on it.
type memory struct {
	open atomic.Bool

	// tree is what is committed. Its nodes are never changed: the writer works
	// on a copy and puts that in its place. Copying writes one field of the
	// tree itself, which only the writer reads.
	tree atomic.Pointer[tree]

	// bytes is the sum of all keys and values in tree.
	bytes atomic.Int64
}

func (*memory) Name() string { return "memory" }

func (e *memory) Open(ctx context.Context) (engine.DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !e.open.CompareAndSwap(false, true) {
		return nil, engine.ErrLocked
	}
	return &db{memory: e, gate: gate.New()}, nil
}

type db struct {
	memory *memory
	gate   *gate.Gate
}

func (d *db) View(ctx context.Context) (engine.ReadTxn, error) {
	t := &readTxn{db: d}
	if err := t.Renew(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

func (d *db) Update(ctx context.Context) (engine.WriteTxn, error) {
	if err := d.gate.EnterWriter(ctx); err != nil {
		return nil, err
	}
	t := &writeTxn{readTxn: readTxn{db: d, tree: d.memory.tree.Load().Copy()}}
	t.Begin(ctx)
	return t, nil
}

func (d *db) Sync(ctx context.Context) error { return d.gate.Pass(ctx) }

// Size counts keys, values and the items that hold them, not the tree's spare
// room.
func (d *db) Size(ctx context.Context) (int64, error) {
	if err := d.gate.Pass(ctx); err != nil {
		return 0, err
	}
	items := int64(d.memory.tree.Load().Len())
	return d.memory.bytes.Load() + items*int64(unsafe.Sizeof(item{})), nil
}

func (d *db) Compact(ctx context.Context) error { return d.gate.Pass(ctx) }

func (d *db) Limits() engine.Limits { return engine.Limits{} }

func (d *db) Close() error {
	if d.gate.Close() {
		d.memory.open.Store(false)
	}
	return nil
}
