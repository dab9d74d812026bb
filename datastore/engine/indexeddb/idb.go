//go:build js

package indexeddb

import (
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/internal/pause"
)

var (
	global   = js.Global()
	keyRange = global.Get("IDBKeyRange")
)

// layout is the version of the database, which IndexedDB keeps.
const layout = 1

// openIDB opens a database of the origin, and makes it if that is allowed.
func openIDB(name string, create bool) (d *idb, err error) {
	defer journal.Caught(&err)
	factory := global.Get("indexedDB")
	if !factory.Truthy() {
		return nil, errNoIndexedDB
	}
	request := factory.Call("open", name, layout)
	missing := false
	upgrade := jsvalue.FuncOf(func(_ js.Value, args []js.Value) any {
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
	request.Set("onupgradeneeded", upgrade.Value)
	if err := wait(request, "onsuccess", "onerror"); err != nil {
		if missing {
			err = engine.ErrMissing
		}
		return nil, err
	}
	d = &idb{value: request.Get("result")}
	d.versionChange = d.onEvent("onversionchange", errVersion)
	d.closed = d.onEvent("onclose", errBrowser)
	return d, nil
}

// onEvent gives the database up for a reason when an event says that it is taken away.
func (d *idb) onEvent(name string, why error) jsvalue.Func {
	fn := jsvalue.FuncOf(func(js.Value, []js.Value) any {
		d.value.Call("close") // the other tab waits for that
		d.why = why
		if d.tell != nil {
			go d.tell(why)
		}
		return nil
	})
	d.value.Set(name, fn.Value)
	return fn
}

// wait waits for a request or a transaction. It cannot be stopped, and takes no longer than the disk does.
func wait(on js.Value, good, bad string) error {
	done := make(chan error, 1)
	ok := jsvalue.FuncOf(func(js.Value, []js.Value) any {
		done <- nil
		return nil
	})
	defer ok.Release()
	no := jsvalue.FuncOf(func(js.Value, []js.Value) any {
		done <- journal.NoSpace(jsvalue.Error(on.Get("error")))
		return nil
	})
	defer no.Release()
	on.Set(good, ok.Value)
	on.Set(bad, no.Value)
	err := <-done
	pause.Rested()
	on.Set(good, js.Null())
	on.Set(bad, js.Null())
	return err
}

// idb is an open database of IndexedDB. It implements journal.Storage.
type idb struct {
	value                 js.Value
	versionChange, closed jsvalue.Func
	// tell is called when the database is taken away, and why is the reason then.
	tell func(why error)
	why  error
}

// onTaken has tell be called, in a goroutine, when the database is taken away or has been.
func (d *idb) onTaken(tell func(why error)) {
	if d.tell = tell; d.why != nil {
		go tell(d.why)
	}
}

func (d *idb) close() {
	d.value.Set("onversionchange", js.Null())
	d.value.Set("onclose", js.Null())
	d.value.Call("close")
	d.versionChange.Release()
	d.closed.Release()
}

// do runs a transaction, in which fn makes requests without waiting, and waits for its end.
func (d *idb) do(mode, durability string, fn func(store func(name string) js.Value)) (err error) {
	defer journal.Caught(&err)
	tx := d.value.Call("transaction", allStores, mode, map[string]any{"durability": durability})
	fn(func(name string) js.Value { return tx.Call("objectStore", name) })
	return wait(tx, "oncomplete", "onabort")
}
