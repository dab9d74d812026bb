package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// uncertainPath, in its environment, tells the test binary to be the writer of TestFailedSync.
const uncertainPath = "NETABASE_UNCERTAIN_PATH"

// A commit that has failed although it is in the file is the last one, until the file is opened anew: who made
// it takes it for undone. One that is not in the file is followed by others.
func TestFailedSync(t *testing.T) {
	if path := os.Getenv(uncertainPath); path != "" {
		runtime.LockOSThread() // strace counts the calls of each thread
		if err := failSync(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not there")
	}
	if out, err := exec.Command(strace, "-qq", "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace: %v: %s", err, out)
	}
	outcomes := map[string]int{}
	for when := range 6 { // a commit syncs twice, and opening a new file five times
		path := filepath.Join(t.TempDir(), "db")
		writer := exec.Command(strace, "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
			"-e", fmt.Sprintf("inject=fdatasync:error=EIO:when=%d", 6+when), os.Args[0], "-test.run=^TestFailedSync$")
		writer.Env = append(os.Environ(), uncertainPath+"="+path)
		out, err := writer.CombinedOutput()
		if err != nil {
			t.Fatalf("when %d: %v: %s", when, err, out)
		}
		outcome, _, _ := strings.Cut(string(out), "\n")
		outcomes[outcome]++
		db := open(t, bolt.Options{Config: engine.Config{Path: path}})
		var there []string
		for i := range 10 {
			if has(t, db, keyOf(i)) {
				there = append(there, keyOf(i))
			}
		}
		if got := strings.Join(there, " "); outcome != "is there: "+got && outcome != "is not there: "+got {
			t.Errorf("when %d: %s, and later there are %s", when, outcome, got)
		}
		put(t, db, "later", 1)
	}
	kinds := map[string]bool{}
	for outcome := range outcomes {
		kind, _, _ := strings.Cut(outcome, ":")
		kinds[kind] = true
	}
	if len(kinds) != 2 {
		t.Errorf("the commits that failed: %v", outcomes)
	}
}

func keyOf(i int) string { return fmt.Sprintf("key %d", i) }

func has(t testing.TB, db engine.DB, key string) bool {
	t.Helper()
	found, err := hasKey(t.Context(), db, key)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func hasKey(ctx context.Context, db engine.DB, key string) (bool, error) {
	txn, err := db.View(ctx)
	if err != nil {
		return false, err
	}
	defer txn.Discard()
	_, err = txn.Get([]byte(key))
	if errors.Is(err, engine.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// failSync commits until a commit fails, and some more. It says whether the failed one is there, and which
// keys are.
func failSync(ctx context.Context, path string) error {
	db, err := bolt.Options{Config: engine.Config{Path: path}}.Engine().Open(ctx)
	if err != nil {
		return err
	}
	commit := func(i int) error {
		txn, err := db.Update(ctx)
		if err != nil {
			return err
		}
		defer txn.Discard()
		if err := txn.Put([]byte(keyOf(i)), []byte("value")); err != nil {
			return err
		}
		return txn.Commit(ctx, engine.Durable)
	}
	var there []string
	failed, is := false, false
	for i := range 10 {
		err := commit(i)
		found, getErr := hasKey(ctx, db, keyOf(i))
		if getErr != nil {
			return getErr
		}
		if found {
			there = append(there, keyOf(i))
		}
		switch {
		case err == nil && !found:
			return fmt.Errorf("commit %d is not there", i)
		case err == nil && is:
			return fmt.Errorf("commit %d follows one that has failed and is there", i)
		case err != nil && failed && !is:
			return fmt.Errorf("commit %d: %w", i, err)
		case err != nil && !failed:
			failed, is = true, found
		}
	}
	switch kind := "is not there: "; {
	case !failed:
		return errors.New("no commit has failed")
	case is:
		kind = "is there: "
		fallthrough
	default:
		fmt.Println(kind + strings.Join(there, " "))
	}
	return db.Close()
}
