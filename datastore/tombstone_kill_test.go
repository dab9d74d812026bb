package datastore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// tombstoneRounds sets how often each engine's writer of tombstones is killed.
const tombstoneRounds = "NETABASE_TOMBSTONE_ROUNDS"

// buriedStep is a change of a leaf: it was put with a clock, or deleted. A writer says it before it begins and, with
// Done set, when it knows that it is committed.
type buriedStep struct {
	ID, At        uint64
	Deleted, Done bool
}

// TestTombstoneKill kills a process that puts and deletes rows of a tree whose deletions travel, again and again. A
// deletion that it knew to be committed stays one, and its tombstone has the clock of the row; one that it had begun
// has been done as a whole or not at all.
func TestTombstoneKill(t *testing.T) {
	if os.Getenv(killRole) != "" {
		store, err := datastore.Open(t.Context(), killEngines[os.Getenv(killEngine)](os.Getenv(killPath)), wood)
		if err == nil {
			err = errors.Join(buryForEver(t.Context(), store), store.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	rounds := roundsOf(t, tombstoneRounds, 12, 3)
	for name := range killEngines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, last, deletions := filepath.Join(t.TempDir(), "store"), map[uint64]buriedStep{}, 0
			for range rounds {
				begun, n := buryUntilKilled(t, name, path, last, 1+rand.IntN(200))
				deletions += n
				checkBuried(t, name, path, last, begun)
			}
			t.Logf("%d deletions in %d rounds", deletions, rounds)
		})
	}
}

// buryForEver puts and deletes leaves, and says so. It puts each with a clock above those of all rows.
func buryForEver(ctx context.Context, store *datastore.Store) error {
	out := json.NewEncoder(os.Stdout)
	clock := uint64(0)
	for l, err := range leaves.All(ctx, store) {
		if err != nil {
			return err
		}
		clock = max(clock, l.At)
	}
	for {
		clock++
		s := buriedStep{ID: rand.Uint64N(killOwn), At: clock}
		has, err := leaves.Has(ctx, store, s.ID)
		if err != nil {
			return err
		}
		s.Deleted = has && rand.IntN(2) == 0
		if err := out.Encode(s); err != nil {
			return err
		}
		if s.Deleted {
			err = leaves.Delete(ctx, store, s.ID)
		} else {
			err = leaves.Put(ctx, store, &leaf{s.ID, fmt.Sprint(s.At), s.At})
		}
		if s.Done = true; err == nil {
			err = out.Encode(s)
		}
		if err != nil {
			return err
		}
	}
}

// buryUntilKilled runs a writer and kills it after so many changes. It brings last up to date, and returns the change
// that the writer had begun, nil for none, and how many deletions it has made. A deletion has the clock of its row.
func buryUntilKilled(
	t *testing.T, engineName, path string, last map[uint64]buriedStep, most int,
) (begun *buriedStep, deletions int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTombstoneKill$")
	cmd.Env = append(os.Environ(), killRole+"=write", killEngine+"="+engineName, killPath+"="+path)
	cmd.Stderr = os.Stderr
	lines, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	done := 0
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		var s buriedStep
		if json.Unmarshal(scanner.Bytes(), &s) != nil {
			continue // cut off
		}
		if s.Deleted {
			s.At = last[s.ID].At
		}
		if begun = &s; !s.Done {
			continue
		}
		last[s.ID], begun = s, nil
		if s.Deleted {
			deletions++
		}
		if done++; done == most {
			cmd.Process.Kill()
		}
	}
	if done < most {
		t.Fatalf("the writer ended by itself after %d changes", done)
	}
	return begun, deletions
}

// checkBuried compares a store with what was committed, or with the change that was begun, which last has then.
func checkBuried(t *testing.T, engineName, path string, last map[uint64]buriedStep, begun *buriedStep) {
	t.Helper()
	ctx := t.Context()
	store, err := datastore.Open(ctx, killEngines[engineName](path), wood)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() {
		t.Errorf("%+v, error %v", report, err)
	}
	tombstones, floor := tombstonesOf(t, store, leaves, killOwn)
	if floor != -1 {
		t.Errorf("a tombstone was dropped before its age: the floor is %d", floor)
	}
	for id := range uint64(killOwn) {
		row, err := leaves.Get(ctx, store, id)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			t.Fatal(err)
		}
		at, buried := tombstones[id]
		is := func(s buriedStep, known bool) bool {
			return buried == (known && s.Deleted) && (row.At > 0) == (known && !s.Deleted) && at+row.At == s.At
		}
		want, known := last[id]
		if begun != nil && begun.ID == id && is(*begun, true) {
			last[id] = *begun
		} else if !is(want, known) {
			t.Errorf("leaf %d is %+v, its tombstone has %d (%t); committed was %+v, begun %+v",
				id, row, at, buried, want, begun)
		}
	}
}
