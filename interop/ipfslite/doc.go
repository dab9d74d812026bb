// Package ipfslite tests ipfs-lite on this module's datastore. It is a module of its own
// because ipfs-lite v1.8.6 does not compile with the version of kad-dht that this module
// has: its go.mod takes the last one with which it does.
package ipfslite
