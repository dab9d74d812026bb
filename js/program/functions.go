//go:build js

package main

import (
	"errors"
	"fmt"
	"syscall/js"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// functions are what JavaScript may call, until they are released.
type functions []jsvalue.Func

// add returns a function for JavaScript. F must not wait for anything.
func (fs *functions) add(f func(args []js.Value) any) js.Value {
	fn := jsvalue.FuncOf(func(_ js.Value, args []js.Value) any { return f(args) })
	*fs = append(*fs, fn)
	return fn.Value
}

// promise returns a function for JavaScript that calls f in a goroutine of its own, and returns a promise
// of what that returns. The arguments do not change until f waits.
func (fs *functions) promise(f func(a *arguments) (any, error)) js.Value {
	return fs.add(func(args []js.Value) any {
		p := js.Global().Get("Promise").Call("withResolvers")
		go func() {
			result, err := guard(f, &arguments{rest: args})
			if err != nil {
				p.Call("reject", exception(err))
			} else {
				p.Call("resolve", result)
			}
		}()
		return p.Get("promise")
	})
}

// release frees the functions. JavaScript must not call them any more.
func (fs functions) release() {
	for _, f := range fs {
		f.Release()
	}
}

// guard calls f. An argument of another type than f expects, which makes package js panic, is an error.
func guard(f func(a *arguments) (any, error), a *arguments) (result any, err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *js.ValueError:
			err = fmt.Errorf("%w: %w", models.ErrInvalid, v)
		case js.Error:
			err = jsvalue.Error(v.Value)
		default:
			panic(v)
		}
	}()
	return f(a)
}

// names are the names that errors have in JavaScript. An error has the first that it matches.
var names = []struct {
	err  error
	name string
}{
	{ds.ErrNotFound, "NotFoundError"},
	{models.ErrNotFound, "NotFoundError"},
	{models.ErrClosed, "ClosedError"},
	{models.ErrUnknownTree, "UnknownTreeError"},
	{models.ErrDefinition, "DefinitionError"},
	{record.ErrOldRecord, "OldRecordError"},
	{record.ErrFull, "FullError"},
	{models.ErrTooLarge, "TooLargeError"},
	{models.ErrKeySize, "TooLargeError"},
	{models.ErrPolicy, "PolicyError"},
	{models.ErrInvalid, "InvalidError"},
	{engine.ErrConfig, "InvalidError"},
	{engine.ErrLocked, "LockedError"},
	{engine.ErrNoSpace, "NoSpaceError"},
	{models.ErrVersion, "VersionError"},
	{models.ErrCorrupt, "CorruptError"},
}

// exception returns an error as JavaScript has it.
func exception(err error) js.Value {
	name := "Error"
	for _, n := range names {
		if errors.Is(err, n.err) {
			name = n.name
			break
		}
	}
	e := js.Global().Get("Error").New(err.Error())
	e.Set("name", name)
	return e
}
