// Package opfs is an engine that keeps a database in files of a browser's Origin Private File System. It builds
// for js and wasm.
//
//	db, err := opfs.Engine("blog").Open(ctx)
//
// It keeps all rows in memory, as package indexeddb does, and in files a log of commits and a checkpoint of all
// rows. A commit is one write to the end of a file and, if it is durable, a flush, which takes a fraction of a
// transaction of IndexedDB.
//
// # Caveats
//
// Browsers have such files in dedicated workers alone: elsewhere Open returns [ErrNoWorker]. One worker at a time
// can have a database open, and others get engine.ErrLocked: take package indexeddb for a database that several
// tabs use.
//
// A worker that ends in mid-commit leaves a part of a record at the end of the log, which the next Open cuts
// off. A relaxed commit is in the file when it returns, and on the disk after the next durable one.
package opfs
