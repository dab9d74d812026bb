package enginetest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// diskLevels says, in the environment, how many disks RunFullDisk fills.
const diskLevels = "NETABASE_DISK_LEVELS"

// RunFullDisk tests that a full disk only refuses the commits that find no room. Each of these
// returns ErrNoSpace, all earlier commits stay readable, and commits succeed again when there
// is room. The test fills small file systems of its own with growing sizes. It needs Linux and
// the right to mount, and is skipped elsewhere.
func RunFullDisk(t *testing.T, create func(c engine.Config) engine.Engine, sizeMB int) {
	for level := range asked(t, diskLevels, 1) {
		// Each disk is 37 KiB larger, so that another write is the first without room.
		sizeKB := sizeMB<<10 + 37*level
		t.Run(strconv.Itoa(sizeKB)+"KiB", func(t *testing.T) { fillDisk(t, create, sizeKB) })
	}
}

// ballastKB is the space that the test keeps from the engine until it has seen the disk full.
const ballastKB = 8 << 10

func fillDisk(t *testing.T, create func(c engine.Config) engine.Engine, sizeKB int) {
	disk := t.TempDir()
	size := "size=" + strconv.Itoa(sizeKB) + "k"
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", size, "tmpfs", disk).CombinedOutput()
	if err != nil {
		t.Skipf("mounting needs Linux and root: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("%v %s", err, out)
		}
	})
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, ballastKB<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	eng := create(engine.Config{Path: filepath.Join(disk, "db")})
	s := open(t, eng)
	commit := func(key string) error {
		txn, err := s.db.Update(t.Context())
		if err != nil {
			return err
		}
		defer txn.Discard()
		if err := txn.Put([]byte(key), powerLossValue(key)); err != nil {
			return err
		}
		return txn.Commit(t.Context(), engine.Durable)
	}
	var committed []string
	for {
		key := strconv.Itoa(len(committed))
		if err = commit(key); err != nil {
			break
		}
		if committed = append(committed, key); len(committed) > sizeKB {
			t.Fatal("the disk does not become full")
		}
	}
	if !errors.Is(err, engine.ErrNoSpace) {
		t.Errorf("after %d commits: %v", len(committed), err)
	}
	// A free page may be left that was too small for the last commit.
	if err := commit("another"); err == nil {
		committed = append(committed, "another")
	} else if !errors.Is(err, engine.ErrNoSpace) {
		t.Errorf("on a full disk: %v", err)
	}
	s.holds(committed)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	// A running compaction holds space for a while.
	if err := s.db.Compact(t.Context()); err != nil {
		t.Error(err)
	}
	if err := commit("room again"); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	committed = append(committed, "room again")
	s.holds(committed)
	s.reopen()
	s.holds(committed)
	t.Logf("%d commits", len(committed))
}

// holds checks that a database has exactly these keys.
func (s *store) holds(keys []string) {
	s.Helper()
	txn, err := s.db.View(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	defer txn.Discard()
	for _, key := range keys {
		if value, err := txn.Get([]byte(key)); err != nil || string(value) != string(powerLossValue(key)) {
			s.Errorf("key %s: %d bytes, %v", key, len(value), err)
		}
	}
	c := txn.Cursor(engine.Range{KeysOnly: true})
	defer c.Close()
	n := 0
	for c.Next() {
		n++
	}
	if n != len(keys) || c.Err() != nil {
		s.Errorf("%d keys, want %d, error %v", n, len(keys), c.Err())
	}
}
