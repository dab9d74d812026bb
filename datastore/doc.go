// Package datastore is where records live: typed trees in an embedded database,
// with their indexes kept true.
//
// A [Store] is open over one engine with one or more definitions. The trees of
// package models read and write through it, or through the [ReadTx] and
// [WriteTx] that View and Update lend. [Store.Datastore] and [Store.Tree] show
// the same rows as a go-datastore ([Face]). [Import] stores rows by the million.
// [Verify] and [Repair] examine and mend a store, [Inspect] looks into one without
// its Go types, and [Temp] opens one for a test.
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
// those it names: badger for many writes, bolt for many reads, memory for tests.
//
// # Durability
//
// A write has reached the disk when its call returns: it survives the end of the
// process, a crash of the operating system and a loss of power.
// [Store.UpdateRelaxed] waits for neither, and what it wrote survives those last
// two from the next Sync, Close or other write on. An engine configured with
// NoFsync gives up that much for every write.
//
// # Transactions
//
// A transaction sees a snapshot and, if it writes, its own writes over it. On
// Badger and in other optimistic engines two that touch the same rows can
// conflict at the commit: the function given to Update then runs again, so it
// must not have effects that are wrong when repeated. On bolt and in memory one
// writer goes at a time. A function must write through its own transaction only,
// never to the store beside it.
//
// A transaction that is too large for the engine fails with models.ErrTooLarge
// and the sizes, and writes nothing.
//
// # Caveats
//
// A store is open in one process at a time, or in several that all open it
// ReadOnly, where the engine can. A store opened with fewer definitions than it
// holds leaves the others alone. Opening one with a new index fills that index
// first, which takes time in proportion to the rows.
package datastore
