// Package js has no code for Go: index.js in this directory is a datastore for js-libp2p in a page, README.md
// describes it, and program is the store itself, compiled to WebAssembly. The tests of this package run
// all of it in a browser. They need Chromium, Node, and npm ci in this directory, and skip without them.
package js
