//go:build js

package jsvalue

import (
	"sync/atomic"
	"syscall/js"
)

// Func is a function for JavaScript. It takes memory of both sides until it is released.
type Func struct{ js.Func }

var funcs atomic.Int64

// FuncOf returns a function that JavaScript can call until it is released. Fn must not block: see
// js.FuncOf.
func FuncOf(fn func(this js.Value, args []js.Value) any) Func {
	funcs.Add(1)
	return Func{js.FuncOf(fn)}
}

// Release frees the function. Call it once, when JavaScript will not call it any more.
func (f Func) Release() {
	funcs.Add(-1)
	f.Func.Release()
}

// Funcs returns how many functions there are that have not been released.
func Funcs() int64 { return funcs.Load() }
