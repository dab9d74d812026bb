//go:build js

package jsvalue

import (
	"context"
	"errors"
	"syscall/js"
)

// ErrHeld is returned by Lock for a lock that another tab or worker has.
var ErrHeld = errors.New("another tab or worker has the lock")

var errNoLocks = errors.New("there are no Web Locks here: the page has to come from loopback or by HTTPS")

// LockMode says who else may have a lock.
type LockMode struct {
	// Shared locks exclude exclusive ones only.
	Shared bool
	// AtOnce fails with ErrHeld where the lock is not to be had now.
	AtOnce bool
}

// Lock waits for a Web Lock of the origin, and returns a function that releases it. It must not be called
// in a callback from JavaScript.
func Lock(ctx context.Context, name string, how LockMode) (release func(), err error) {
	defer Caught(&err)
	locks := js.Global().Get("navigator").Get("locks")
	if !locks.Truthy() {
		return nil, errNoLocks
	}
	abort := js.Global().Get("AbortController").New()
	// The browser has the lock until the promise that granted returns is resolved.
	held, ended := make(chan js.Value, 1), make(chan error, 1)
	executor := FuncOf(func(_ js.Value, args []js.Value) any {
		held <- args[0]
		return nil
	})
	granted := FuncOf(func(_ js.Value, args []js.Value) any {
		if args[0].IsNull() {
			ended <- ErrHeld
			return nil
		}
		return js.Global().Get("Promise").New(executor.Value)
	})
	settled := FuncOf(func(js.Value, []js.Value) any {
		select {
		case ended <- nil:
		default: // it was not to be had
		}
		return nil
	})
	failed := FuncOf(func(_ js.Value, args []js.Value) any {
		ended <- Error(First(args))
		return nil
	})
	options := map[string]any{"mode": "exclusive"}
	if how.Shared {
		options["mode"] = "shared"
	}
	if how.AtOnce {
		options["ifAvailable"] = true
	} else {
		options["signal"] = abort.Get("signal")
	}
	done := make(chan struct{})
	finally := FuncOf(func(js.Value, []js.Value) any {
		close(done)
		return nil
	})
	locks.Call("request", name, options, granted.Value).
		Call("then", settled.Value, failed.Value).Call("then", finally.Value)
	end := func() {
		go func() { // the callbacks are in use until the browser is done with them
			<-done
			for _, f := range []Func{executor, granted, settled, failed, finally} {
				f.Release()
			}
		}()
	}
	give := func(resolve js.Value) {
		resolve.Invoke()
		<-done
		end()
	}
	select {
	case resolve := <-held:
		return func() { give(resolve) }, nil
	case err := <-ended:
		end()
		return nil, err
	case <-ctx.Done():
		abort.Call("abort")
		select {
		case resolve := <-held: // it was granted at the same moment
			give(resolve)
		case <-ended:
			end()
		}
		return nil, ctx.Err()
	}
}
