// Package datastore stores records: typed trees in an embedded database, with
// indexes that always match their rows.
//
// A [Store] is open over one engine with one or more definitions. The trees of
// package models read and write through it, or through the [ReadTx] and [WriteTx]
// that View and Update lend. [Store.Datastore] and [Store.Tree] show the same rows
// as a go-datastore ([Face]), and [OpenDatastore] opens a store for a program that only
// wants one. [Import] stores rows by the million. [Verify]
// examines a store, [Repair] mends it and sets aside what it cannot read, for
// [Store.Quarantine]; [Inspect] reads a store without its Go types, and [Temp] opens one
// for a test. [Plan] says what a changed model means for a store, and [Migrate] rewrites
// the rows of earlier versions.
//
//	store, err := datastore.Open(ctx, badger.Engine("./my_db"), blog.Blog)
//	defer store.Close()
//
//	err = blog.Users.Put(ctx, store, &alice) // a durable transaction of its own
//	err = store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { // one for both, or none
//		if err := blog.Users.Put(ctx, tx, &bob); err != nil {
//			return err
//		}
//		return blog.Posts.Delete(ctx, tx, 7)
//	})
//	err = store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error { … }) // a snapshot
//
// Engines are packages of their own under datastore/engine, and a program links
// only those that it imports: badger for many writes, bolt for many reads,
// memory for tests.
//
// # Durability
//
// A write has reached the disk when its call returns: it survives the end of the
// process, a crash of the operating system and a loss of power.
// [Store.UpdateRelaxed] does not wait for the disk: its writes survive the end
// of the process, and survive a crash of the operating system and a loss of
// power only after the next Sync, Close or other write. With OpenOptions.Relaxed
// every write is like that. An engine configured with NoFsync makes nothing
// durable, not even by Sync.
//
// # Transactions
//
// A transaction sees a snapshot and, if it writes, its own writes over it. On
// Badger and other optimistic engines two transactions that touch the same rows can
// conflict at the commit: the function given to Update then runs again, so it must
// not have effects that are wrong when repeated. On bolt and in memory one writer
// goes at a time. A function reads and writes through its own transaction: a call
// on the store with the context that the function got returns models.ErrNested.
//
// A transaction that is too large for the engine fails with models.ErrTooLarge,
// which tells the sizes, and writes nothing.
//
// # Words
//
// Each of these words means one thing in this module:
//
//	View        a transaction that reads a snapshot, and the function that lends it
//	Update      a transaction that reads and writes, and the function that lends it
//	Put         stores a row, in place of the one under its key if there is one
//	Insert      stores a row whose key is new
//	Replace     stores a row whose key is there already
//	Modify      reads, changes and stores a row
//	Borrow      lends a row in the engine's own memory to a function
//	index       a way to a tree's rows by another key; of three kinds: Index, Unique, Multi
//	entry       what an index holds of a row
//	Validate    examines one value that came from elsewhere
//	Verify      examines a whole store, and changes nothing
//	Repair      examines a whole store, and mends what it can
//	Check       go-datastore's name for Verify, on a Face
//	Scrub       go-datastore's name for Repair, on a Face
//	Compact     gives the space of deleted rows back; CollectGarbage on a Face
//	expire      to be gone from a time on; the sweep removes what has expired
//	policy      whether a tree's rows travel between peers, and who may write them
//
// # Caveats
//
// A store is open in one process at a time, or in several that all open it
// ReadOnly, if the engine supports that. A store opened with fewer definitions
// than it holds leaves the others alone. Opening one with a new index, or
// with another primary key or index than it has, builds that first, which takes time in
// proportion to the rows, and for another primary key twice the space.
package datastore
