// Package dstest is a suite of tests for implementations of go-datastore, beside
// go-datastore's own, which leaves most of what a libp2p program relies on to
// trust: what belongs to whom, keys of every shape, queries against a plain map,
// writes while a query is open, contexts, what happens after Close, and the
// features beyond Batching.
//
//	func TestDatastore(t *testing.T) {
//		dstest.Run(t, func(t *testing.T) ds.Batching { return open(t, t.TempDir()) })
//	}
//
// Features are found by their interfaces: TTLDatastore, TxnDatastore, GCDatastore,
// PersistentDatastore, CheckedDatastore, ScrubbedDatastore. Their tests are
// skipped where the datastore does not have them.
package dstest
