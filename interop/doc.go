// Package interop tests this module together with the software of others: libp2p peers
// without our code, in Go, JavaScript and Rust, and libraries that keep their data in a
// go-datastore. It is a module of its own, so that none of these becomes a dependency of
// the product.
//
// The peer in JavaScript needs Node, and npm ci in js; that in a page needs Chromium, too. The
// peer in Rust needs cargo and a C linker; the tests build it in the user's cache directory, or in
// CARGO_TARGET_DIR. The tests of p2pnode's page need Chromium; NETABASE_SCREENSHOTS names a
// directory for pictures of it. Tests that lack these are skipped.
package interop
