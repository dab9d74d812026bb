// Package jsvalue has what Go programs in a browser need of JavaScript: to wait for promises, to take
// exceptions as errors, and to copy bytes. It builds for js and wasm.
package jsvalue
