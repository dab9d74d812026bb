package keystore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/record/keystore"
)

// Variables in its environment tell the test binary to be the process that TestKill kills.
const (
	killPath   = "NETABASE_KEYSTORE_KILL_PATH"
	killEngine = "NETABASE_KEYSTORE_KILL_ENGINE"
	killFirst  = "NETABASE_KEYSTORE_KILL_FIRST"
	// killRounds sets how often each engine's process is killed.
	killRounds = "NETABASE_KILL_ROUNDS"
)

var killEngines = map[string]func(path string) engine.Engine{
	"bolt": bolt.Engine,
	"badger": func(path string) engine.Engine { // a reset takes many transactions
		return badger.Options{Config: engine.Config{Path: path}, MemTableMB: 1}.Engine()
	},
}

// killed returns the keys of the reset of a number. Those of two that follow each other have
// two thirds in common.
func killed(reset int) []multihash.Multihash {
	from := reset % 3 * 2000
	return hashes(from, from+6000)
}

// resets resets the key store, beginning with the reset of a number, until the process is
// killed. It prints the number of each before it begins and after it has ended.
func resets(store *datastore.Store, first int) error {
	k, err := keystore.New(context.Background(), store, "provide")
	for n := first; err == nil; n++ {
		fmt.Println("begun", n)
		if err = k.ResetCids(context.Background(), channel(killed(n))); err == nil {
			fmt.Println("ended", n)
		}
	}
	return err
}

// TestKill kills a process that resets a key store, again and again. Each time the key store
// has the keys of the last reset that had ended, or those of the one that was running, and
// what the kill has left over is removed.
func TestKill(t *testing.T) {
	if path := os.Getenv(killPath); path != "" {
		first, err := strconv.Atoi(os.Getenv(killFirst))
		if err != nil {
			t.Fatal(err)
		}
		store, err := datastore.Open(t.Context(), killEngines[os.Getenv(killEngine)](path), keystore.Definition)
		if err != nil {
			t.Fatal(err)
		}
		t.Fatal(resets(store, first))
	}
	rounds := 4
	if text := os.Getenv(killRounds); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for name, at := range killEngines {
		t.Run(name, func(t *testing.T) {
			path, last := t.TempDir(), 0 // at first the key store is empty
			for range rounds {
				begun, ended := killOne(t, name, path, last+1)
				last = killCheck(t, at(path), begun, max(ended, last))
			}
		})
	}
}

// killOne has a process reset the key store and kills it in the middle of a reset. It returns
// the numbers of the last reset that the process began and of the last that it ended.
func killOne(t *testing.T, name, path string, first int) (begun, ended int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), killPath+"="+path, killEngine+"="+name, killFirst+"="+strconv.Itoa(first))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			break
		}
		what, n := "", 0
		if _, err := fmt.Sscanf(line, "%s %d", &what, &n); err != nil {
			t.Errorf("the process printed %q", line)
			continue
		}
		switch {
		case what == "ended":
			ended = n
			continue
		case begun == 0: // the kill has to come soon, not after a reset
			time.AfterFunc(time.Duration(rand.Int64N(int64(300*time.Millisecond))), func() { _ = cmd.Process.Kill() })
		}
		begun = n
	}
	if err := cmd.Wait(); err == nil || begun == 0 {
		t.Fatalf("the process was not killed in a reset: %v", err)
	}
	return begun, ended
}

// killCheck examines the key store after a kill, and returns the number of the reset whose
// keys it has.
func killCheck(t *testing.T, eng engine.Engine, begun, ended int) (has int) {
	t.Helper()
	store, err := datastore.Open(t.Context(), eng, keystore.Definition)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		report, err := datastore.Verify(context.Background(), store)
		if err := errors.Join(err, store.Close()); err != nil || len(report.Damage) > 0 {
			t.Errorf("verifying the store: %v, %v", report.Damage, err)
		}
	}()
	k := open(t, store, "provide")
	defer k.Close()
	n, err := k.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	switch under, err := k.Get(t.Context(), ""); {
	case err != nil:
		t.Fatal(err)
	case n == 0 && ended == 0:
		check(t, k, nil)
	case contains(under, killed(begun)):
		check(t, k, killed(begun))
		has = begun
	default:
		check(t, k, killed(ended))
		has = ended
	}
	for left := true; left; time.Sleep(time.Millisecond) { // the background works on its own
		if left, err = keystore.Leftover(t.Context(), store, "provide"); err != nil {
			t.Fatal(err)
		}
	}
	checkRows(t, store, "provide", n)
	return has
}

func contains(all, some []multihash.Multihash) bool {
	set := map[string]bool{}
	for _, h := range all {
		set[string(h)] = true
	}
	for _, h := range some {
		if !set[string(h)] {
			return false
		}
	}
	return true
}
