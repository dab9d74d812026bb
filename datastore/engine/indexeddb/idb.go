//go:build js

package indexeddb

import (
	"context"
	"errors"
	"fmt"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

var (
	global      = js.Global()
	keyRange    = global.Get("IDBKeyRange")
	errNoBridge = errors.New("there is no IndexedDB here")
)

// errorOf returns an error for an exception of the browser.
func errorOf(v js.Value) error { return noSpace(jsvalue.Error(v)) }

// noSpace makes an exception that says that the quota is used up an engine.ErrNoSpace.
func noSpace(err error) error {
	if e, ok := errors.AsType[*jsvalue.Exception](err); ok && e.Name == "QuotaExceededError" {
		return fmt.Errorf("%w: %w", engine.ErrNoSpace, err)
	}
	return err
}

// caught makes an exception the error of the function that defers it.
func caught(err *error) {
	if thrown := jsvalue.Thrown(recover()); thrown != nil {
		*err = noSpace(thrown)
	}
}

// The object stores of a database.
const (
	logStore        = "log"
	checkpointStore = "checkpoint"
	metaStore       = "meta"
)

var stores = []any{logStore, checkpointStore, metaStore}

// layout is the version of the database, which IndexedDB keeps.
const layout = 1

// openIDB opens a database of the origin, and makes it if that is allowed. Gone is called when another
// tab wants to change or delete the database.
func openIDB(ctx context.Context, name string, create bool, gone func()) (d *idb, err error) {
	defer caught(&err)
	factory := global.Get("indexedDB")
	if !factory.Truthy() {
		return nil, errNoBridge
	}
	request := factory.Call("open", name, layout)
	missing := false
	upgrade := js.FuncOf(func(_ js.Value, args []js.Value) any {
		db := request.Get("result")
		if args[0].Get("oldVersion").Int() == 0 && !create {
			missing = true
			request.Get("transaction").Call("abort")
			return nil
		}
		for _, store := range stores {
			db.Call("createObjectStore", store)
		}
		return nil
	})
	defer upgrade.Release()
	request.Set("onupgradeneeded", upgrade)
	if err := wait(ctx, request, "onsuccess", "onerror"); err != nil {
		if missing {
			err = engine.ErrMissing
		}
		return nil, err
	}
	d = &idb{value: request.Get("result")}
	d.versionChange = js.FuncOf(func(js.Value, []js.Value) any {
		go gone()
		return nil
	})
	d.value.Set("onversionchange", d.versionChange)
	return d, nil
}

// wait waits for a request or a transaction.
func wait(ctx context.Context, on js.Value, good, bad string) error {
	done := make(chan error, 1)
	ok := js.FuncOf(func(js.Value, []js.Value) any {
		done <- nil
		return nil
	})
	defer ok.Release()
	no := js.FuncOf(func(js.Value, []js.Value) any {
		done <- errorOf(on.Get("error"))
		return nil
	})
	defer no.Release()
	on.Set(good, ok)
	on.Set(bad, no)
	// It cannot be stopped, and takes no longer than the disk does.
	err := <-done
	on.Set(good, js.Null())
	on.Set(bad, js.Null())
	return err
}

// idb is an open database of IndexedDB.
type idb struct {
	value         js.Value
	versionChange js.Func
}

func (d *idb) close() {
	d.value.Set("onversionchange", js.Null())
	d.value.Call("close")
	d.versionChange.Release()
}

// do runs a transaction, in which fn makes requests without waiting, and waits for its end.
func (d *idb) do(mode, durability string, fn func(store func(name string) js.Value)) (err error) {
	defer caught(&err)
	tx := d.value.Call("transaction", stores, mode, map[string]any{"durability": durability})
	fn(func(name string) js.Value { return tx.Call("objectStore", name) })
	return wait(context.Background(), tx, "oncomplete", "onabort")
}

// toGo copies bytes from JavaScript.
func toGo(v js.Value) ([]byte, error) {
	b, ok := jsvalue.Bytes(v)
	if !ok {
		return nil, fmt.Errorf("%w: a value is no array of bytes", engine.ErrCorrupt)
	}
	return b, nil
}
