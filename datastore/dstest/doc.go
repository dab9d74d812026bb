// Package dstest is a suite of tests for implementations of go-datastore. It tests what libp2p
// programs rely on and go-datastore's own suite leaves out: who owns the memory of values, keys
// of every shape, queries compared with a plain map, how much queries read, writes while a
// query is open, contexts, calls after Close, and the features beyond Batching. A write that a
// program asked for has to be done even if the program has cancelled its context.
//
//	func TestDatastore(t *testing.T) {
//		dstest.Run(t, func(t *testing.T) ds.Batching { return open(t, t.TempDir()) }, dstest.Traits{})
//	}
//
// The suite finds features by their interfaces: TTLDatastore, TxnDatastore, GCDatastore,
// PersistentDatastore, CheckedDatastore, ScrubbedDatastore. It skips the tests of a feature
// that the datastore does not have.
//
// [RunFiles] tests a datastore that keeps files. The datastore opens again with all its values.
// Everything put before Sync is there after the process ends at once. Check notices and Scrub
// mends damaged files, and both report losses.
//
//	dstest.RunFiles(t, func(dir string) (ds.Batching, error) { return open(dir) })
package dstest
