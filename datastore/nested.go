package datastore

import (
	"reflect"
	"runtime"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/models"
)

// A write to a store itself, from a function that its Update runs, would wait for
// its own transaction where an engine has one writer, and miss what that has
// written where there are more. To refuse it, a goroutine has to be known again.
// Go does not tell, but it tells a goroutine its own call stack: Update runs its
// function beneath a call of tagged and one call of zero or one for each binary
// digit of the store's number, which the write then finds above itself.

// updates counts the functions that a store's Update is running.
type updates struct {
	number  uint32 // of the store, from 1
	running atomic.Int32
}

// stores counts the stores that have been opened.
var stores atomic.Uint32

// run runs fn so that check knows of it.
func (u *updates) run(fn func() error) error {
	u.running.Add(1)
	defer u.running.Add(-1)
	return tagged(u.number, fn)
}

//go:noinline
func tagged(number uint32, fn func() error) error { return digit(number, fn) }

// digit calls fn beneath the digits of number, the lowest outermost.
func digit(number uint32, fn func() error) error {
	switch {
	case number == 0:
		return fn()
	case number&1 == 0:
		return zero(number>>1, fn)
	default:
		return one(number>>1, fn)
	}
}

//go:noinline
func zero(number uint32, fn func() error) error { return digit(number, fn) }

//go:noinline
func one(number uint32, fn func() error) error { return digit(number, fn) }

var (
	taggedEntry = reflect.ValueOf(tagged).Pointer()
	zeroEntry   = reflect.ValueOf(zero).Pointer()
	oneEntry    = reflect.ValueOf(one).Pointer()
)

// check returns ErrNested if the caller runs within a function of Update. While
// there is none that costs nothing.
func (u *updates) check() error {
	if u.running.Load() == 0 {
		return nil
	}
	var page [64]uintptr
	number := uint32(0)
	for skip := 2; ; skip += len(page) {
		n := runtime.Callers(skip, page[:])
		for _, pc := range page[:n] {
			switch runtime.FuncForPC(pc - 1).Entry() {
			case zeroEntry:
				number <<= 1
			case oneEntry:
				number = number<<1 | 1
			case taggedEntry:
				if number == u.number {
					return models.ErrNested
				}
				number = 0
			}
		}
		if n < len(page) {
			return nil
		}
	}
}
