//go:build js

package indexeddb

import (
	"context"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// lockMode says who else may have a lock.
type lockMode struct {
	// shared locks exclude exclusive ones only.
	shared bool
	// atOnce fails with engine.ErrLocked where the lock is not to be had now.
	atOnce bool
}

// lock waits for a Web Lock of the origin, and returns a function that releases it.
func lock(ctx context.Context, name string, how lockMode) (release func(), err error) {
	defer caught(&err)
	locks := global.Get("navigator").Get("locks")
	if !locks.Truthy() {
		return nil, errNoLocks
	}
	abort := global.Get("AbortController").New()
	// The browser has the lock until the promise that granted returns is resolved.
	held, ended := make(chan js.Value, 1), make(chan error, 1)
	executor := js.FuncOf(func(_ js.Value, args []js.Value) any {
		held <- args[0]
		return nil
	})
	granted := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if args[0].IsNull() {
			ended <- engine.ErrLocked
			return nil
		}
		return global.Get("Promise").New(executor)
	})
	settled := js.FuncOf(func(js.Value, []js.Value) any {
		select {
		case ended <- nil:
		default: // it was not to be had
		}
		return nil
	})
	failed := js.FuncOf(func(_ js.Value, args []js.Value) any {
		ended <- errorOf(jsvalue.First(args))
		return nil
	})
	free := func() {
		for _, f := range []js.Func{executor, granted, settled, failed} {
			f.Release()
		}
	}
	options := map[string]any{"mode": "exclusive"}
	if how.shared {
		options["mode"] = "shared"
	}
	if how.atOnce {
		options["ifAvailable"] = true
	} else {
		options["signal"] = abort.Get("signal")
	}
	done := make(chan struct{})
	finally := js.FuncOf(func(js.Value, []js.Value) any {
		close(done)
		return nil
	})
	locks.Call("request", name, options, granted).Call("then", settled, failed).Call("then", finally)
	end := func() {
		go func() { // the callbacks are in use until the browser is done with them
			<-done
			free()
			finally.Release()
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
