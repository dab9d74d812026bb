// Package dstest is a suite of tests for implementations of go-datastore, beside
// go-datastore's own, which leaves most of what a libp2p program relies on to
// trust: what belongs to whom, keys of every shape, queries against a plain map,
// what queries read, writes while a query is open, contexts, what happens after
// Close, and the features beyond Batching.
//
//	func TestDatastore(t *testing.T) {
//		dstest.Run(t, func(t *testing.T) ds.Batching { return open(t, t.TempDir()) }, dstest.Traits{})
//	}
//
// Features are found by their interfaces: TTLDatastore, TxnDatastore, GCDatastore,
// PersistentDatastore, CheckedDatastore, ScrubbedDatastore. Their tests are
// skipped where the datastore does not have them.
//
// Of a datastore that keeps files [RunFiles] tests what becomes of them: that they
// hold what there was, what Sync has made of it when the process ends at once,
// and whether damage is noticed, mended and reported.
//
//	dstest.RunFiles(t, func(dir string) (ds.Batching, error) { return open(dir) })
package dstest
