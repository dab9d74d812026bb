// Package engine defines the small ordered key-value contract that a Netabase
// store is built on, and the configuration that every file engine honours.
//
// An [Engine] is a configured database that is not open yet; [Engine.Open]
// returns a [DB]. A DB hands out snapshots ([ReadTxn]) and atomic writes
// ([WriteTxn]) over byte keys in byte order. These engines come with the module,
// one package each: badger, bolt and memory, and for browsers indexeddb and opfs.
// Anyone can write another: it is right when it passes enginetest.Run.
//
//	db, err := memory.Engine().Open(ctx)
//	txn, err := db.Update(ctx)
//	err = txn.Put([]byte("key"), []byte("value"))
//	err = txn.Commit(ctx, engine.Durable)
//
// # Caveats
//
// Keys hold 1 to [MaxKeySize] bytes. Values may be empty; reading one back
// gives a slice of length zero. A transaction and its cursors belong to one
// goroutine at a time. Memory returned by Get, Key and Value is the engine's:
// it must not be modified, and not be read after the point each method names.
package engine

import "context"

// MaxKeySize is the most bytes a key may have, in every engine. It is bbolt's
// limit, the smallest of the engines that come with the module.
const MaxKeySize = 32768

// Engine is a configured database that is not open yet. It can be opened again
// after its DB has been closed; committed data is still there, in the memory
// engine too.
type Engine interface {
	// Name tells the kind of engine, "badger" or "bolt" for example.
	Name() string

	// Open opens the database. It returns ErrConfig for a configuration that
	// cannot be used, ErrMissing where nothing is there and creating is not
	// allowed, ErrOtherEngine where another engine has its database, ErrLocked
	// where another process or an open DB has it, and ErrCorrupt where what is
	// there cannot be read. For a database that was closed and has lost a file
	// since, Open either opens it with everything in it or returns ErrCorrupt: it
	// never takes it for a new one.
	Open(ctx context.Context) (DB, error)
}

// DB is an open database. All methods may be called concurrently. After Close
// every method returns ErrClosed.
type DB interface {
	// View starts a read transaction over a snapshot: everything committed
	// before the call and nothing later. It never waits for a writer.
	View(ctx context.Context) (ReadTxn, error)

	// Update starts a write transaction. An engine with a single writer waits
	// here, no longer than ctx allows; an optimistic one returns at once and
	// may refuse the commit with ErrConflict. It returns ErrReadOnly on a
	// database opened to be read.
	Update(ctx context.Context) (WriteTxn, error)

	// Sync makes every commit that returned before the call durable. It is a
	// no-op where every commit already is.
	Sync(ctx context.Context) error

	// Size returns the bytes in use on disk, or in memory for an engine without files.
	// Space that the engine uses again without the file system, as bolt does with free
	// pages, is not in use. It is cheap enough to poll every second.
	Size(ctx context.Context) (int64, error)

	// Compact gives space that deletions freed back to the file system, as far as
	// the engine can while it is open: some cannot at all. It may take minutes, and
	// stops early, with the context's error, when ctx ends.
	Compact(ctx context.Context) error

	// Limits tells what one transaction can hold.
	Limits() Limits

	// Close refuses new transactions, waits for open ones to end, makes
	// everything committed durable and releases the files. Later calls do
	// nothing and return nil.
	Close() error
}

// Verifier is a DB that can examine its own files beyond what reading every key
// shows: the space it holds to be free, for example.
type Verifier interface {
	// Verify returns an error that matches ErrCorrupt and names the first damage
	// it finds. It changes nothing, memory is bounded, and the database may be in
	// use meanwhile.
	Verify(ctx context.Context) error
}

// Limits tells how much a database accepts. Zero means no limit other than
// memory.
//
// A write transaction within TxnBytes and TxnOps is never refused for its size. Beyond
// them Put and Delete may return ErrTooLarge; Commit never does. A caller can divide
// work on many rows in two ways:
//
//   - by these numbers: the caller counts what it writes, and commits before the sum
//     passes them;
//   - by ErrTooLarge: the caller writes what belongs together, and if a Put or Delete is
//     refused it discards the transaction and begins anew with fewer rows. To commit
//     what precedes the refusal is right only if every write stands alone.
type Limits struct {
	// ValueBytes is the most bytes one value may have. With an engine's default options
	// it is at least 8 MiB and what a store adds to a value of that size.
	ValueBytes int

	// TxnBytes and TxnOps bound one write transaction: the bytes of the keys and
	// values given to Put and Delete, and the number of these calls. An engine may
	// count a key that is written twice only once, and a large value for less than it
	// has, and may accept a little more. TxnOps is at least 1000.
	//
	// ValueBytes may be more than TxnBytes. A transaction takes one value of ValueBytes
	// under a key of MaxKeySize even so, beside other writes of half of TxnBytes.
	TxnBytes int64
	TxnOps   int
}

// ReadTxn reads one snapshot. It belongs to one goroutine at a time and must be
// ended with Discard.
type ReadTxn interface {
	// Get returns the value of key, or ErrNotFound. It returns ErrNotFound,
	// too, for a key that no database can hold. The value is borrowed: it may
	// be read until the transaction ends.
	Get(key []byte) ([]byte, error)

	// Cursor returns a cursor over r, before its first key. Several cursors may
	// be open at once. One that is still open when the transaction ends fails
	// with ErrTxnDone, also if the transaction is renewed; it has to be closed
	// all the same. See Scanner for a faster way to read many rows.
	Cursor(r Range) Cursor

	// Discard ends the transaction and drops what it wrote. After Discard or
	// Commit it does nothing; every other method returns ErrTxnDone then.
	Discard()
}

// WriteTxn reads the snapshot with its own writes over it, and commits them
// atomically.
type WriteTxn interface {
	ReadTxn

	// Put sets the value of key. Nobody modifies either slice from here on: the
	// caller must not, not even after Commit, and the engine does not. So a caller
	// may give the same slices to another transaction.
	// It returns ErrKeySize for a key that is empty or over MaxKeySize, and
	// ErrTooLarge where the value or the transaction passes Limits. A Put that
	// is refused so changes nothing, and the transaction goes on.
	Put(key, value []byte) error

	// Delete removes key; a key that is absent is no error. The slice is the
	// engine's from here on, and errors are those of Put.
	Delete(key []byte) error

	// Commit applies all writes, or applies none and returns an error. If it cannot
	// tell, since the disk has failed, it returns an error, and later commits of the
	// database are refused.
	// ErrConflict means that another commit changed a key that this transaction
	// read with Get, found or not, or came to with a cursor; the caller may run
	// the whole transaction again. A context that ends while Commit makes the
	// writes durable does not undo them and is not reported. The transaction
	// has ended, whatever Commit returns.
	Commit(ctx context.Context, d Durability) error
}

// Durability says which failures a commit survives once it has returned.
type Durability uint8

const (
	// Durable commits survive a power loss, unless the configuration says
	// NoFsync.
	Durable Durability = iota

	// Relaxed commits survive the end of the process. They survive a power loss
	// after the next Sync, Close or Durable commit. Until then a power loss may
	// take the newest of them, each as a whole. An engine that gains nothing
	// from it treats Relaxed as Durable.
	Relaxed
)

// Range is the range of keys that a cursor goes over.
type Range struct {
	// Lower is the first key of the range, Upper the first key beyond it. A
	// nil bound is open. The cursor keeps neither slice.
	Lower, Upper []byte

	// Reverse goes from the last key to the first.
	Reverse bool

	// KeysOnly tells the engine that Value will not be called.
	KeysOnly bool
}

// Cursor goes over a range one key at a time. In a write transaction it sees
// the transaction's own writes, those made while it is open included: Next
// moves to the nearest key beyond the last one returned.
type Cursor interface {
	// Next moves to the next key and reports whether there is one. It returns
	// false at the end of the range, and on an error. Only at the end of the range
	// is Err nil: a loop that is cut off never looks as if it were complete. Once
	// the transaction has ended Err is ErrTxnDone, and once the context that was
	// given to View or Update has ended it is the context's error. At the end of
	// the range Next stays false until Seek, after an error for good.
	Next() bool

	// Seek makes the next call of Next move to the first key at or beyond key
	// in the cursor's direction, within its range.
	Seek(key []byte)

	// Key returns the current key, or nil where there is none: before the first
	// Next, after one that returned false, and once the cursor is closed or its
	// transaction has ended. It is borrowed until the cursor moves or closes, and
	// no longer than the transaction lasts.
	Key() []byte

	// Value returns the value that the current key had when Next moved to it,
	// borrowed as Key is. Without a current key it returns an error: that of Err,
	// ErrTxnDone once the transaction has ended, or else ErrNotFound.
	Value() ([]byte, error)

	// Err returns the error that ended the cursor early, or nil. It does so
	// after Close, too.
	Err() error

	// Close releases the cursor. It may be called more than once.
	Close()
}
