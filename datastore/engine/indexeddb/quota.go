//go:build js

package indexeddb

import (
	"context"
	"errors"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

var errNoStorage = errors.New("there is no storage manager here: the page has to come from loopback or by HTTPS")

// Persist asks the browser not to evict what the page's origin has stored when the disk is full, and returns
// its answer. Chromium decides by how much the page is used, and Firefox asks the user. A page can ask, and a
// worker cannot.
func Persist(ctx context.Context) (granted bool, err error) {
	answer, err := ask(ctx, "persist")
	return answer.Truthy(), err
}

// Persisted reports whether the browser has promised not to evict what the page's origin has stored.
func Persisted(ctx context.Context) (persisted bool, err error) {
	answer, err := ask(ctx, "persisted")
	return answer.Truthy(), err
}

// Estimate returns about how many bytes the page's origin has stored, in all databases and in whatever else,
// and how many it may. Commits that need more return engine.ErrNoSpace. Browsers tell neither exactly.
func Estimate(ctx context.Context) (usage, quota int64, err error) {
	answer, err := ask(ctx, "estimate")
	if err != nil {
		return 0, 0, err
	}
	number := func(name string) int64 {
		if v := answer.Get(name); v.Type() == js.TypeNumber {
			return int64(v.Float())
		}
		return 0
	}
	return number("usage"), number("quota"), nil
}

// ask waits for the answer of a method of navigator.storage.
func ask(ctx context.Context, method string) (answer js.Value, err error) {
	defer journal.Caught(&err)
	storage := global.Get("navigator").Get("storage")
	if !storage.Truthy() || storage.Get(method).Type() != js.TypeFunction {
		return js.Undefined(), errNoStorage
	}
	return jsvalue.Await(ctx, storage.Call(method))
}

// Delete deletes the database with a name, if there is one. Tabs that have it open give it up, and Delete
// waits until they have.
func Delete(name string) (err error) {
	defer journal.Caught(&err)
	factory := global.Get("indexedDB")
	if !factory.Truthy() {
		return errNoIndexedDB
	}
	return wait(factory.Call("deleteDatabase", name))
}
