package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// damageRounds says, in the environment, how many databases RunDamage damages.
const damageRounds = "NETABASE_DAMAGE_ROUNDS"

// RunDamage tests that an engine survives damage to its files. In each of some databases it
// flips one bit, or cuts one file short. Without checksums in the engine, rows may read wrong;
// the test counts them in its log. But nothing may panic, hang, or return an error outside the
// contract.
func RunDamage(t *testing.T, create func(c engine.Config) engine.Engine) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	path := t.TempDir()
	eng := create(engine.Config{Path: path, NoFsync: true})
	if err := writeDamageRows(t.Context(), eng); err != nil {
		t.Fatal(err)
	}
	files := readFiles(t, path)
	outcomes := map[string]int{}
	for range asked(t, damageRounds, scaled(20)) {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		name, what := damage(random, files)
		writeFiles(t, path, files)
		files[name] = what.before
		said := fmt.Sprintf("seed %d: %s in %s", seed, what, name)
		hung := time.AfterFunc(quickly, func() { panic("hung on " + said) })
		outcome, err := useDamaged(t.Context(), eng)
		hung.Stop()
		if err != nil {
			t.Errorf("%s: %v", said, err)
		}
		outcomes[fmt.Sprintf("%s, %s: %s", filepath.Base(name), what.kind, outcome)]++
	}
	for _, outcome := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%5d x %s", outcomes[outcome], outcome)
	}
}

const damageRows = 3000

func damageRow(i int) (key, value []byte) {
	key = fmt.Appendf(nil, "key %08d", i*i)
	value = fmt.Appendf(nil, "value %d of a row, with some more to it: %x", i, i*7919)
	if i == damageRows/2 { // some engines keep large values apart
		value = bytes.Repeat(value, 128<<10/len(value)+1)
	}
	return key, value
}

func writeDamageRows(ctx context.Context, eng engine.Engine) error {
	db, err := eng.Open(ctx)
	if err != nil {
		return err
	}
	err = eachDamageRow(ctx, db, func(txn engine.WriteTxn, i int) error { return txn.Put(damageRow(i)) })
	return errors.Join(err, db.Close())
}

// eachDamageRow calls fn with every row, some hundred in each transaction.
func eachDamageRow(ctx context.Context, db engine.DB, fn func(txn engine.WriteTxn, i int) error) error {
	for first := 0; first < damageRows; first += 500 {
		txn, err := db.Update(ctx)
		if err != nil {
			return err
		}
		for i := range 500 {
			if err := fn(txn, first+i); err != nil {
				txn.Discard()
				return err
			}
		}
		if err := txn.Commit(ctx, engine.Durable); err != nil {
			return err
		}
	}
	return nil
}

// readFiles reads the files in a directory and those beneath it, by their paths from there.
func readFiles(t *testing.T, path string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		within, err := filepath.Rel(path, name)
		if err == nil {
			files[within], err = os.ReadFile(name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func writeFiles(t *testing.T, path string, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		name = filepath.Join(path, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

type harm struct {
	kind   string
	at     int
	before []byte
}

func (h harm) String() string { return fmt.Sprintf("%s at %d of %d", h.kind, h.at, len(h.before)) }

// damage changes one of the files. It picks each file as often as any other, so that small and
// important ones are not left out.
func damage(random *rand.Rand, files map[string][]byte) (name string, what harm) {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(name string) bool { return len(files[name]) == 0 })
	name = names[random.IntN(len(names))]
	before := files[name]
	// Most zero bytes are unused.
	end := len(bytes.TrimRight(before, "\x00"))
	if end == 0 {
		end = len(before)
	}
	at := random.IntN(end)
	if random.IntN(10) == 0 {
		files[name] = before[:at]
		return name, harm{"cut", at, before}
	}
	damaged := clone(before)
	for try := 0; damaged[at] == 0 && try < 20; try++ {
		at = random.IntN(end)
	}
	damaged[at] ^= 1 << random.IntN(8)
	files[name] = damaged
	return name, harm{"flipped bit", at, before}
}

// useDamaged makes every kind of call on a database and tells how it went. It returns an error
// for behaviour that no engine may show.
func useDamaged(ctx context.Context, eng engine.Engine) (outcome string, err error) {
	db, err := eng.Open(ctx)
	if errors.Is(err, engine.ErrCorrupt) {
		return "refused to open", nil
	}
	if err != nil {
		return "", err
	}
	defer func() {
		if closed := db.Close(); closed != nil && !errors.Is(closed, engine.ErrCorrupt) {
			err = errors.Join(err, closed)
		}
	}()
	sound := ""
	if verifier, ok := db.(engine.Verifier); ok {
		switch err := verifier.Verify(ctx); {
		case err == nil:
			sound = ", no fault found with the files"
		case !errors.Is(err, engine.ErrCorrupt):
			return "", err
		}
	}
	wrong, err := readDamaged(ctx, db)
	outcome = fmt.Sprintf("read %d rows wrong or not at all", wrong)
	switch {
	case errors.Is(err, engine.ErrCorrupt):
		outcome = "refused to read"
	case err != nil:
		return "", err
	case wrong == 0:
		outcome = "read all rows right"
	case wrong > 1:
		outcome = "read several rows wrong or not at all"
	}
	outcome += sound
	switch err := writeDamaged(ctx, db); {
	case errors.Is(err, engine.ErrCorrupt):
		outcome += ", refused to write"
	case err != nil:
		return "", err
	}
	return outcome, nil
}

// readDamaged reads all rows in every way, and counts the wrong ones. It goes on after an
// error, and returns it at the end.
func readDamaged(ctx context.Context, db engine.DB) (wrong int, err error) {
	txn, err := db.View(ctx)
	if err != nil {
		return 0, err
	}
	defer txn.Discard()
	note := func(failed error) {
		if err == nil || !errors.Is(failed, engine.ErrCorrupt) {
			err = failed
		}
	}
	for i := range damageRows {
		key, want := damageRow(i)
		switch value, failed := txn.Get(key); {
		case errors.Is(failed, engine.ErrNotFound):
			wrong++
		case failed != nil:
			note(failed)
		case !bytes.Equal(value, want):
			wrong++
		}
	}
	for _, r := range []engine.Range{{}, {Reverse: true}, {KeysOnly: true}} {
		c := txn.Cursor(r)
		rows := 0
		for c.Next() {
			rows++
			if rows > 2*damageRows {
				return wrong, errors.New("a cursor does not end")
			}
			if value, failed := c.Value(); failed != nil {
				note(failed)
			} else if !r.KeysOnly {
				bytes.Count(value, []byte{0}) // touches all of it
			}
		}
		if failed := c.Err(); failed != nil {
			note(failed)
		}
		wrong = max(wrong, damageRows-rows)
		c.Close()
	}
	return wrong, err
}

func writeDamaged(ctx context.Context, db engine.DB) error {
	return eachDamageRow(ctx, db, func(txn engine.WriteTxn, i int) error {
		key, value := damageRow(i)
		if i%3 == 0 {
			return txn.Delete(key)
		}
		return txn.Put(key, append(value, " changed"...))
	})
}
