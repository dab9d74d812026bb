// Netabase is the typed tree of compare browser. It builds for js and wasm, and the page calls it as it
// calls the other contenders.
package main
