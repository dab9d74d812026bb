//go:build js

package indexeddb_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

const newsName = "NETABASE_IDB_NEWS"

// TestNewsChild opens a database, says so, waits until a View sees the number 2, and makes it 3. It is the
// program of another worker.
func TestNewsChild(t *testing.T) {
	name := os.Getenv(newsName)
	if name == "" {
		t.Skip("it is run by another test")
	}
	db := open(t, indexeddb.Options{Config: engine.Config{Path: name}})
	fmt.Println("opened")
	await(t, db, 2)
	if n, err := count(t.Context(), db, 10); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	await(t, db, 4)
}

// await waits until a View sees a number. It writes nothing meanwhile, so it depends on the news.
func await(t *testing.T, db engine.DB, number int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); seen(t, db) < number; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a View does not see %d", number)
		}
	}
}

// TestNews has a View of one program see the commits of another.
func TestNews(t *testing.T) {
	name := fresh()
	db := open(t, indexeddb.Options{Config: engine.Config{Path: name}})
	commit := func(number int) {
		t.Helper()
		if n, err := count(t.Context(), db, 10); n != number || err != nil {
			t.Fatal(n, err)
		}
	}
	commit(1) // after which this program has the lock, and asks for it no more
	child, err := webtest.StartChild("TestNewsChild", newsName+"="+name)
	if err != nil {
		t.Fatal(err)
	}
	defer child.Kill()
	for line := range child.Lines {
		if line == "opened" {
			break
		}
	}
	commit(2)
	await(t, db, 3)
	commit(4)
	for range child.Lines { // until it has ended
		continue
	}
	if err := child.Err(); err != nil {
		t.Error(err)
	}
}
