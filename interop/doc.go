// Package interop tests this module together with the software of others: libp2p peers
// without our code, in Go and in JavaScript, and libraries that keep their data in a
// go-datastore. It is a module of its own, so that none of these becomes a dependency of
// the product.
package interop
