//go:build js

package indexeddb_test

import (
	"os"
	"syscall/js"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal/journaltest"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// dump is a function of JavaScript that returns what is in a database as docs/format.md shows it.
const dump = `async (name) => {
	const done = (request) => new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
	const db = await done(indexedDB.open(name));
	const hex = (value) => "  " + Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("") + "\n";
	let text = db.version === 1 && db.objectStoreNames.length === 3 ? "" : "another layout\n";
	for (const name of ["log", "checkpoint", "meta"]) {
		const store = db.transaction(name).objectStore(name);
		const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
		for (const [i, key] of keys.entries()) {
			if (name === "meta" && key === "sync") continue;
			const title = name === "meta" ? key : name + " " + [key].flat().join(", ");
			text += title + "\n" + (values[i] instanceof Uint8Array ? hex(values[i]) : values[i] + "\n");
		}
	}
	db.close();
	return text;
}`

// TestFormatExample writes the database that docs/format.md shows, and compares the bytes.
func TestFormatExample(t *testing.T) {
	ctx, name := t.Context(), fresh()
	db := open(t, indexeddb.Options{Config: engine.Config{Path: name}})
	journaltest.WriteExample(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := jsvalue.Await(ctx, js.Global().Call("eval", "("+dump+")").Invoke(name))
	if err != nil {
		t.Fatal(err)
	}
	if want := os.Getenv("NETABASE_IDB_EXAMPLE"); got.String() != want {
		t.Errorf("docs/format.md shows\n%s\nthe code writes\n%s", want, got.String())
	}
}
