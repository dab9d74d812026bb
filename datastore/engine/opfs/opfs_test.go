//go:build js

package opfs_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/opfs"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

var databases atomic.Int64

// fresh returns the name of a database that there is not yet.
func fresh() string { return fmt.Sprint("test", databases.Add(1)) }

func inWorker(t *testing.T) {
	t.Helper()
	if !webtest.InWorker() {
		t.Skip("there are such files in workers alone")
	}
}

func TestEngine(t *testing.T) {
	inWorker(t)
	enginetest.Run(t, func(*testing.T) engine.Engine { return opfs.Engine(fresh()) })
}

func TestConfig(t *testing.T) {
	inWorker(t)
	enginetest.RunNamed(t, func(c engine.Config) engine.Engine { return opfs.Options{Config: c}.Engine() })
}

func TestInvalidOptions(t *testing.T) {
	o := opfs.Options{Config: engine.Config{Path: fresh(), CacheMB: 7}, CheckpointMB: -8}
	_, err := o.Engine().Open(t.Context())
	if !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), "CacheMB") ||
		!strings.Contains(err.Error(), "CheckpointMB") {
		t.Errorf("Open returned %v", err)
	}
	for _, path := range []string{"a/b", "..", `a\b`} {
		if _, err := opfs.Engine(path).Open(t.Context()); !errors.Is(err, engine.ErrConfig) {
			t.Errorf("Open of %q returned %v", path, err)
		}
	}
}

func TestInPage(t *testing.T) {
	if webtest.InWorker() {
		t.Skip("it is about a page")
	}
	if _, err := opfs.Engine(fresh()).Open(t.Context()); !errors.Is(err, opfs.ErrNoWorker) {
		t.Errorf("Open returned %v", err)
	}
}

const childName = "NETABASE_OPFS_NAME"

// TestChild commits for ever, and says so after each commit. It is the program of another worker.
func TestChild(t *testing.T) {
	name := os.Getenv(childName)
	if name == "" {
		t.Skip("it is run by another test")
	}
	o := opfs.Options{Config: engine.Config{Path: name}, CheckpointMB: 1}
	db, err := o.Engine().Open(t.Context())
	for err == nil {
		var n int
		if n, err = count(t, db, rand.IntN(100_000)); err == nil {
			fmt.Println("committed", n)
		}
	}
	t.Fatal(err)
}

// count adds one to a number that a row holds, and puts a row of some bytes that has it as well.
func count(t *testing.T, db engine.DB, bytes int) (n int, err error) {
	txn, err := db.Update(t.Context())
	if err != nil {
		return 0, err
	}
	defer txn.Discard()
	n = counted(t, txn) + 1
	value := []byte(strconv.Itoa(n))
	err = errors.Join(txn.Put([]byte("n"), value), txn.Put([]byte("m"), value),
		txn.Put(fmt.Appendf(nil, "row %d", n%50), make([]byte, bytes)))
	if err != nil {
		return 0, err
	}
	return n, txn.Commit(t.Context(), engine.Durability(n%2))
}

func counted(t *testing.T, txn engine.ReadTxn) int {
	t.Helper()
	value, err := txn.Get([]byte("n"))
	if errors.Is(err, engine.ErrNotFound) {
		return 0
	}
	again, failed := txn.Get([]byte("m"))
	n, invalid := strconv.Atoi(string(value))
	if err := errors.Join(err, failed, invalid); err != nil || string(again) != string(value) {
		t.Fatalf("there is half of a commit: %s and %s, %v", value, again, err)
	}
	return n
}

// openSoon opens a database that a worker has had, which the browser may not have given up yet.
func openSoon(t *testing.T, name string) engine.DB {
	t.Helper()
	for {
		db, err := opfs.Engine(name).Open(t.Context())
		if errors.Is(err, engine.ErrLocked) {
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
}

// TestKill ends a worker at any moment, again and again. NETABASE_KILLS says how often.
func TestKill(t *testing.T) {
	inWorker(t)
	kills := 10
	if text := os.Getenv("NETABASE_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	name, last := fresh(), 0
	for range kills {
		child, err := webtest.StartChild("TestChild", childName+"="+name)
		if err != nil {
			t.Fatal(err)
		}
		after, n := rand.IntN(30), 0
		hear := func(line string) {
			if text, ok := strings.CutPrefix(line, "committed "); ok {
				if n, err = strconv.Atoi(text); err != nil {
					t.Fatal(err)
				}
				after--
			}
		}
		for line := range child.Lines {
			if hear(line); n > 0 && after <= 0 {
				break
			}
		}
		if n > 0 && rand.IntN(2) == 0 { // others have refused to open it meanwhile
			if _, err := opfs.Engine(name).Open(t.Context()); !errors.Is(err, engine.ErrLocked) {
				t.Errorf("a second worker opens it with %v", err)
			}
		}
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		child.Kill()
		for line := range child.Lines {
			hear(line)
		}
		if err := child.Err(); err != nil || n == 0 {
			t.Fatalf("the worker has committed %d, %v", n, err)
		}
		db := openSoon(t, name)
		txn, err := db.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := counted(t, txn)
		txn.Discard()
		if got < n || n < last {
			t.Errorf("there is %d, %d was acknowledged, and %d before", got, n, last)
		}
		last = got
		if err := db.(engine.Verifier).Verify(t.Context()); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d kills, %d commits", kills, last)
}
