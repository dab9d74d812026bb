//go:build js

package indexeddb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// The variables that tell TestChild what to do. It is the program of another worker.
const (
	childName  = "NETABASE_IDB_NAME"
	childTimes = "NETABASE_IDB_TIMES"
)

// TestChild counts in a database as often as it is told, and says so after each commit.
func TestChild(t *testing.T) {
	name := os.Getenv(childName)
	if name == "" {
		t.Skip("it is run by other tests")
	}
	times, err := strconv.Atoi(os.Getenv(childTimes))
	if err != nil {
		t.Fatal(err)
	}
	o := indexeddb.Options{Config: engine.Config{Path: name}, CheckpointMB: 1}
	db, err := o.Engine().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range times {
		n, err := count(t.Context(), db, rand.IntN(100_000))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("committed", n)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// random makes bytes that browsers do not compress.
var random = rand.NewChaCha8([32]byte{1})

// count adds one to a number that two rows hold, and puts a third of some bytes.
func count(ctx context.Context, db engine.DB, bytes int) (n int, err error) {
	txn, err := db.Update(ctx)
	if err != nil {
		return 0, err
	}
	defer txn.Discard()
	if n, err = counted(txn); err != nil {
		return 0, err
	}
	n++
	value, third := []byte(strconv.Itoa(n)), make([]byte, bytes)
	_, _ = random.Read(third) // which never fails
	err = errors.Join(txn.Put([]byte("a"), value), txn.Put([]byte("b"), value),
		txn.Put(fmt.Appendf(nil, "row %d", n%50), third))
	if err != nil {
		return 0, err
	}
	how := engine.Durable
	if n%2 == 0 {
		how = engine.Relaxed
	}
	return n, txn.Commit(ctx, how)
}

// counted returns the number that both rows hold.
func counted(txn engine.ReadTxn) (int, error) {
	a, err := txn.Get([]byte("a"))
	if errors.Is(err, engine.ErrNotFound) {
		a, err = []byte("0"), nil
	}
	if err != nil {
		return 0, err
	}
	if b, err := txn.Get([]byte("b")); string(a) != "0" && string(b) != string(a) {
		return 0, fmt.Errorf("there is half of a commit: %s and %s, %w", a, b, err)
	}
	return strconv.Atoi(string(a))
}

// seen returns the number that both rows hold now.
func seen(t *testing.T, db engine.DB) int {
	t.Helper()
	txn, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	n, err := counted(txn)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func verify(t *testing.T, db engine.DB) {
	t.Helper()
	if err := db.(engine.Verifier).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func startChild(t *testing.T, name string, times int) *webtest.Child {
	t.Helper()
	child, err := webtest.StartChild("TestChild", childName+"="+name, fmt.Sprint(childTimes, "=", times))
	if err != nil {
		t.Fatal(err)
	}
	return child
}

// acknowledged returns the number of a line of a child that says that it has committed it.
func acknowledged(line string) (n int, ok bool) {
	text, ok := strings.CutPrefix(line, "committed ")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// TestTogether has two workers and this program write at once. No update is lost, and a reader sees no half
// of a commit.
func TestTogether(t *testing.T) {
	const times = 60
	name := fresh()
	db := open(t, indexeddb.Options{Config: engine.Config{Path: name}, CheckpointMB: 1})
	numbers := make(chan int, 3*times)
	done := make(chan struct{}, 2)
	for range 2 {
		child := startChild(t, name, times)
		defer child.Kill()
		go func() {
			defer func() { done <- struct{}{} }()
			for line := range child.Lines {
				if n, ok := acknowledged(line); ok {
					numbers <- n
				}
			}
			if err := child.Err(); err != nil {
				t.Error(err)
			}
		}()
	}
	last := 0
	look := func() {
		n := seen(t, db)
		if n < last {
			t.Errorf("%d is seen after %d", n, last)
		}
		last = n
	}
	for range times {
		n, err := count(t.Context(), db, 1000)
		if err != nil {
			t.Fatal(err)
		}
		numbers <- n
		look()
	}
	for ended := 0; ended < 2; {
		select {
		case <-done:
			ended++
		case <-time.After(time.Millisecond):
			look()
		}
	}
	close(numbers)
	had := map[int]bool{}
	for n := range numbers {
		if had[n] {
			t.Errorf("two commits have made it %d", n)
		}
		had[n] = true
	}
	if n, err := count(t.Context(), db, 0); n != 3*times+1 || err != nil || len(had) != 3*times {
		t.Errorf("after %d commits of %d, one more makes it %d, %v", len(had), 3*times, n, err)
	}
	verify(t, db)
}

// TestKill ends a worker at any moment, again and again. NETABASE_KILLS says how often.
func TestKill(t *testing.T) {
	kills := 10
	if text := os.Getenv("NETABASE_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	name, last, lost := fresh(), 0, 0
	for range kills {
		child := startChild(t, name, 1_000_000)
		after := rand.IntN(30)
		heard := make(chan int, 1)
		go func() {
			n := 0
			for line := range child.Lines {
				if now, ok := acknowledged(line); ok {
					n = now
					if after--; after <= 0 {
						break
					}
				}
			}
			heard <- n
		}()
		n := <-heard
		time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
		child.Kill()
		for line := range child.Lines { // what it said before it ended
			if now, ok := acknowledged(line); ok {
				n = now
			}
		}
		if err := child.Err(); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Fatal("the worker has committed nothing")
		}
		last = max(last, n)
		db := open(t, indexeddb.Options{Config: engine.Config{Path: name}})
		got := seen(t, db)
		if got < last {
			t.Fatalf("there is %d, and %d was acknowledged", got, last)
		}
		if got > last {
			lost++
		}
		last = got
		verify(t, db)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d kills, %d of them in or behind a commit that was not acknowledged yet; %d commits", kills, lost, last)
}

// TestTaken has another tab delete a database that is open.
func TestTaken(t *testing.T) {
	name := fresh()
	db := open(t, indexeddb.Options{Config: engine.Config{Path: name}})
	if _, err := count(t.Context(), db, 10); err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := txn.Put([]byte("a"), nil); err != nil {
		t.Fatal(err)
	}
	if err := indexeddb.Delete(name); err != nil { // which does not wait for the transaction
		t.Fatal(err)
	}
	if err := txn.Commit(t.Context(), engine.Durable); !errors.Is(err, indexeddb.ErrTaken) {
		t.Errorf("a commit returned %v", err)
	}
	_, viewed := db.View(t.Context())
	_, updated := db.Update(t.Context())
	for _, err := range []error{viewed, updated, db.Sync(t.Context())} {
		if !errors.Is(err, indexeddb.ErrTaken) || !errors.Is(err, engine.ErrClosed) {
			t.Errorf("a call returned %v", err)
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	again := open(t, indexeddb.Options{Config: engine.Config{Path: name}})
	if n := seen(t, again); n != 0 {
		t.Errorf("there is %d in a database that was deleted", n)
	}
}

func TestPersist(t *testing.T) {
	persisted, err := indexeddb.Persisted(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	granted, err := indexeddb.Persist(t.Context())
	if webtest.InWorker() {
		if err == nil {
			t.Error("a worker may ask")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("persisted %v, granted %v", persisted, granted) // as the browser likes
}
