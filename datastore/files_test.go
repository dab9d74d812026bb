package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/internal/modeltest"
	"github.com/newsnet-africa/netabase-go/models"
)

// damageRounds says, in the environment, how many damaged stores TestDamagedFiles
// opens on each engine.
const damageRounds = "NETABASE_DAMAGE_ROUNDS"

// damageHangs is after what time it is taken for sure that a store does not come to
// an end. On a machine with much to do a round has taken more than a minute.
const damageHangs = 5 * time.Minute

// damageEngines have what is there, and make nothing.
var damageEngines = map[string]func(path string) engine.Engine{
	"bolt": func(path string) engine.Engine {
		return bolt.Options{Config: engine.Config{Path: path, MustExist: true, NoFsync: true}}.Engine()
	},
	"badger": func(path string) engine.Engine {
		return badger.Options{Config: engine.Config{Path: path, MustExist: true, NoFsync: true}, MemTableMB: 1}.Engine()
	},
}

// files are those of a store, by name.
type files map[string][]byte

// TestDamagedFiles flips bits in the files of stores, cuts them short, deletes them
// and puts those of another store in their place. No row comes back that was not
// put, nothing panics, and indexes are true after Repair.
func TestDamagedFiles(t *testing.T) {
	skipShort(t)
	rounds := roundsOf(t, damageRounds, 5, 2)
	for name, open := range damageEngines {
		t.Run(name, func(t *testing.T) {
			closed, killed, rows := writeDamageable(t, name, "")
			other, _, otherRows := writeDamageable(t, name, "other ")
			seed := uint64(time.Now().UnixNano())
			random := rand.New(rand.NewPCG(seed, 0))
			outcomes := map[string]int{}
			for round := range rounds {
				from, put := closed, rows
				if random.IntN(3) == 0 {
					from = killed
				}
				what, damaged := harm(random, from)
				if random.IntN(5) == 0 {
					if what, damaged = mix(random, closed, other); sameData(damaged, other) {
						put = otherRows // it is the other store
					}
				}
				path := filepath.Join(t.TempDir(), "store")
				write(t, path, damaged)
				said := fmt.Sprintf("seed %d, round %d: %s", seed, round, what)
				hung := time.AfterFunc(damageHangs, func() {
					debug.SetTraceback("all")
					panic("hung on " + said)
				})
				outcome, err := useDamagedStore(t.Context(), open(path), put)
				hung.Stop()
				if err != nil {
					keep := filepath.Join(os.TempDir(), fmt.Sprintf("netabase-damage-%d-%d", seed, round))
					write(t, keep, damaged)
					t.Errorf("%s: %v; the store is kept in %s", said, err, keep)
				}
				outcomes[strings.Fields(what)[0]+" "+outcome]++
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
			}
			for _, outcome := range slices.Sorted(maps.Keys(outcomes)) {
				t.Logf("%5d x %s", outcomes[outcome], outcome)
			}
		})
	}
}

// writeDamageable writes a store and returns its files after it was closed, and
// as they are when the process is killed.
func writeDamageable(t *testing.T, engineName, prefix string) (closed, killed files, rows map[uint64]person) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store")
	s, err := datastore.Open(t.Context(), killEngines[engineName](path), town)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows = map[uint64]person{}
	for first := uint64(0); first < 2000; first += 50 {
		err := s.UpdateRelaxed(t.Context(), func(ctx context.Context, tx *datastore.WriteTx) error {
			for i := first; i < first+50; i++ {
				p := somebody(i)
				p.Name, p.Email, p.City = prefix+p.Name, prefix+p.Email, prefix+p.City
				rows[i] = p
				if err := people.Put(t.Context(), tx, &p); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	killed = read(t, path)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return read(t, path), killed, rows
}

func read(t *testing.T, path string) files {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	found := files{}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(path, entry.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue // a log that has become a table meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		found[entry.Name()] = data
	}
	return found
}

func write(t *testing.T, path string, content files) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range content {
		if err := os.WriteFile(filepath.Join(path, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// harm returns the files with one of them damaged, each as often as any other.
func harm(random *rand.Rand, whole files) (what string, damaged files) {
	damaged = maps.Clone(whole)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(whole)), func(name string) bool { return len(whole[name]) == 0 })
	name := names[random.IntN(len(names))]
	data := whole[name]
	end := max(1, len(bytes.TrimRight(data, "\x00"))) // most of what is zero is not used
	at := random.IntN(end)
	switch random.IntN(10) {
	case 0:
		delete(damaged, name)
		return "deleted: " + name, damaged
	case 1, 2:
		damaged[name] = data[:at]
		return fmt.Sprintf("cut: %s at %d of %d", name, at, len(data)), damaged
	}
	changed := bytes.Clone(data)
	for try := 0; changed[at] == 0 && try < 20; try++ {
		at = random.IntN(end)
	}
	bit := random.IntN(8)
	changed[at] ^= 1 << bit
	damaged[name] = changed
	return fmt.Sprintf("flipped: %s, bit %d at %d of %d", name, bit, at, len(data)), damaged
}

// sameData reports whether the files are the same that rows are in, and that say
// which those are. Badger's others do not matter.
func sameData(a, b files) bool {
	data := func(f files) files {
		f = maps.Clone(f)
		maps.DeleteFunc(f, func(name string, _ []byte) bool {
			return filepath.Ext(name) == ".vlog" || name == "KEYREGISTRY" || name == "DISCARD"
		})
		return f
	}
	return maps.EqualFunc(data(a), data(b), bytes.Equal)
}

// mix returns the files of a store with some from another, or all that differ.
func mix(random *rand.Rand, whole, other files) (what string, damaged files) {
	damaged = maps.Clone(whole)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(other)), func(name string) bool { return bytes.Equal(whole[name], other[name]) })
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = names[:1+random.IntN(len(names))]
	slices.Sort(names)
	for _, name := range names {
		damaged[name] = other[name]
	}
	return fmt.Sprintf("mixed: %q are from another store", names), damaged
}

// useDamagedStore does with a store what programs do, and tells how it went. It
// returns an error for what must not happen.
func useDamagedStore(ctx context.Context, eng engine.Engine, rows map[uint64]person) (outcome string, err error) {
	s, err := datastore.Open(ctx, eng, town)
	if err != nil {
		for _, fine := range []error{engine.ErrCorrupt, engine.ErrMissing, datastore.ErrNotStore} {
			if errors.Is(err, fine) {
				return "refused to open", nil
			}
		}
		return "", err
	}
	defer func() {
		if closed := s.Close(); closed != nil && !errors.Is(closed, models.ErrCorrupt) {
			err = errors.Join(err, closed)
		}
	}()
	if err := neverWrong(ctx, s, rows); err != nil {
		return "", err
	}
	before, err := datastore.Verify(ctx, s)
	if errors.Is(err, models.ErrCorrupt) {
		return "cannot be examined to the end", nil
	}
	if err != nil {
		return "", err
	}
	mended, err := datastore.Repair(ctx, s)
	if errors.Is(err, models.ErrCorrupt) {
		return "cannot be repaired", nil
	}
	if err != nil || before.Engine == nil && mended.Left() != 0 {
		return "", fmt.Errorf("repair: %+v, %w", mended, err)
	}
	outcome = "nothing wrong"
	if !before.Clean() {
		outcome = "repaired"
	}
	if before.Engine != nil {
		return "files of the engine are damaged", neverWrong(ctx, s, rows)
	}
	after, err := datastore.Verify(ctx, s)
	if err != nil || !after.Clean() {
		return "", fmt.Errorf("after repair: %+v, %w", after, err)
	}
	// Whatever rows are left, every index has just them.
	left := inTown.NewOracle()
	for p, err := range people.All(ctx, s) {
		if err != nil {
			return "", err
		}
		if left.Rows[p.ID] = p; !modeltest.Same(p, rows[p.ID]) {
			return "", fmt.Errorf("row %v was never put", p)
		}
	}
	if lost := len(rows) - len(left.Rows); lost > 0 {
		outcome += ", with rows lost"
		if before.Clean() {
			outcome += " unnoticed"
		}
	}
	if err := left.Compare(ctx, s); err != nil {
		return "", err
	}
	p := somebody(5)
	if err := left.Put(p, time.Time{}); err != nil {
		return "", err
	}
	if err := people.Put(ctx, s, &p); err != nil {
		return "", err
	}
	return outcome, left.Compare(ctx, s)
}
