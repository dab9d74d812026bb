// Package providers stores provider records: which peer provides the content of which key, and
// since when. Package record uses only its exported methods.
//
// A provider record takes this path:
//
//	Batch.Apply      transaction.go  takes the writers' lock
//	                 change.go       reads the row of the key, changes and writes it
//	                 row.go          the row of a key: its providers and their times
//	                 peers.go        numbers, which stand for peer ids in rows
//	                 reflog.go       notes which references change: keys by peer, by minute
//	                 total.go        writes the usage
//	Batch.Committed  cache.go       keeps the row, the peers and the usage
//	Store.File       references.go   some time later makes the changes that are noted
//
// Of (read.go) reads the row of a key, from memory if it is there. By, Received, Expire and
// Evict find keys by their references. Check compares references with rows, and Repair rebuilds
// the references.
//
// To add a field to a provider record, add it to Record, Change and provider in
// record.go, and to rowCodec in row.go.
package providers
