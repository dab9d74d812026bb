//go:build js

package indexeddb

import (
	"sync"
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

// Strings that are arguments in each commit. JavaScript would decode them each time.
var (
	readOnly, readWrite = js.ValueOf("readonly"), js.ValueOf("readwrite")

	completeEvent, abortEvent = js.ValueOf("complete"), js.ValueOf("abort")
)

// methods are the methods that each commit calls, as functions that take what they are called on first. So
// JavaScript need not decode their names each time either.
var methods = sync.OnceValue(func() (m struct{ transaction, objectStore, add, addEventListener js.Value }) {
	call := global.Get("Function").Get("prototype").Get("call")
	of := func(class, name string) js.Value {
		return call.Call("bind", global.Get(class).Get("prototype").Get(name))
	}
	m.transaction, m.objectStore = of("IDBDatabase", "transaction"), of("IDBTransaction", "objectStore")
	m.add, m.addEventListener = of("IDBObjectStore", "add"), of("EventTarget", "addEventListener")
	return m
})

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
		for _, store := range []js.Value{logStore, checkpointStore, metaStore} {
			db.Call("createObjectStore", store)
		}
		return nil
	})
	defer upgrade.Release()
	request.Set("onupgradeneeded", upgrade.Value)
	if err := wait(request); err != nil {
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

// wait waits for a request to open or delete a database. It cannot be stopped.
func wait(request js.Value) error {
	done := make(chan error, 1)
	ok := jsvalue.FuncOf(func(js.Value, []js.Value) any {
		done <- nil
		return nil
	})
	defer ok.Release()
	no := jsvalue.FuncOf(func(js.Value, []js.Value) any {
		done <- journal.NoSpace(jsvalue.Error(request.Get("error")))
		return nil
	})
	defer no.Release()
	request.Set("onsuccess", ok.Value)
	request.Set("onerror", no.Value)
	err := <-done
	pause.Rested()
	request.Set("onsuccess", js.Null())
	request.Set("onerror", js.Null())
	return err
}

// idb is an open database of IndexedDB. It implements journal.Storage.
type idb struct {
	value                 js.Value
	versionChange, closed jsvalue.Func
	// tell is called when the database is taken away, and why is the reason then.
	tell func(why error)
	why  error

	mu sync.Mutex
	// idle are not in use.
	idle []*waiter
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
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.idle {
		w.completed.Release()
		w.aborted.Release()
	}
	d.idle = nil
}

// do runs a transaction of stores, in which fn makes requests without waiting, and waits for its end. It
// cannot be stopped, and takes no longer than the disk does.
func (d *idb) do(stores, mode, options js.Value, fn func(store func(name js.Value) js.Value)) (err error) {
	defer journal.Caught(&err)
	m := methods()
	tx := m.transaction.Invoke(d.value, stores, mode, options)
	fn(func(name js.Value) js.Value { return m.objectStore.Invoke(tx, name) })
	w := d.waiter()
	m.addEventListener.Invoke(tx, completeEvent, w.completed.Value)
	m.addEventListener.Invoke(tx, abortEvent, w.aborted.Value)
	aborted := <-w.ended
	pause.Rested()
	d.mu.Lock()
	d.idle = append(d.idle, w)
	d.mu.Unlock()
	if aborted {
		return journal.NoSpace(jsvalue.Error(tx.Get("error")))
	}
	return nil
}

// waiter waits for the end of one transaction at a time. Making functions for JavaScript costs more than
// keeping them.
type waiter struct {
	completed, aborted jsvalue.Func
	// ended has room for the one event that there is. It tells whether the transaction was aborted.
	ended chan bool
}

// waiter returns one that is idle.
func (d *idb) waiter() *waiter {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last := len(d.idle) - 1; last >= 0 {
		w := d.idle[last]
		d.idle = d.idle[:last]
		return w
	}
	w := &waiter{ended: make(chan bool, 1)}
	end := func(aborted bool) jsvalue.Func {
		return jsvalue.FuncOf(func(js.Value, []js.Value) any {
			w.ended <- aborted
			return nil
		})
	}
	w.completed, w.aborted = end(false), end(true)
	return w
}
