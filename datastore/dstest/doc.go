// Package dstest is a suite of tests for implementations of go-datastore. It
// tests things that libp2p programs rely on and that go-datastore's own suite
// leaves out: who owns the memory of values, keys of every shape, queries
// compared with a plain map, how much queries read, writes while a query is
// open, contexts, calls after Close, and the features beyond Batching.
//
//	func TestDatastore(t *testing.T) {
//		dstest.Run(t, func(t *testing.T) ds.Batching { return open(t, t.TempDir()) }, dstest.Traits{})
//	}
//
// Features are found by their interfaces: TTLDatastore, TxnDatastore, GCDatastore,
// PersistentDatastore, CheckedDatastore, ScrubbedDatastore. Their tests are
// skipped where the datastore does not have them.
//
// [RunFiles] tests a datastore that keeps files: that it opens again with
// everything in it, that everything put before Sync is there when the process ends
// at once, and that damage is noticed, mended and reported.
//
//	dstest.RunFiles(t, func(dir string) (ds.Batching, error) { return open(dir) })
package dstest
