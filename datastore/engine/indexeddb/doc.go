// Package indexeddb is an engine that keeps a database in the IndexedDB of a browser. It builds for js and
// wasm.
//
//	db, err := indexeddb.Engine("blog").Open(ctx)
//
// IndexedDB's cost is per value and not per byte, and its transactions end when the event loop turns. So
// the engine keeps all rows in memory, as the memory engine does, and in IndexedDB a log of commits, one
// value each, and a checkpoint of all rows in a few values. Opening reads the checkpoint and the log behind
// it. A database has to fit into the memory of the program, of which a browser gives 4 GiB at most.
//
// # Several tabs
//
// Any number of tabs and workers of an origin may have a database open. Web Locks let one of them write at
// a time, for all of a write transaction. An Update sees every commit of the others. A View sees those that
// this tab has heard of: a message tells it of each, some milliseconds after the commit. It never sees a
// part of a commit. A DB is an engine.Joint: stores with topics, feeds, records or compressed trees, and
// encrypted ones, are open in one tab at a time.
//
// # Durability
//
// A Durable commit is one of IndexedDB with strict durability, which waits for the disk. A Relaxed one is
// relaxed. A tab that ends in mid-commit leaves all of the commit or nothing.
package indexeddb
