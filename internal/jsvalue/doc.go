// Package jsvalue has what Go programs in a browser need of JavaScript: to wait for promises, to take
// exceptions as errors, to copy bytes, to count functions, and to lock. It builds for js and wasm.
package jsvalue
