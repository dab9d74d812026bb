// Package interop holds tests with what others have written: libp2p peers without
// our code, in Go and in JavaScript, and the libraries that keep their data in a
// go-datastore. It is a module of its own, so that none of these becomes a
// dependency of the product.
package interop
