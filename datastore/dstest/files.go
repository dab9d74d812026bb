package dstest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
)

// RunFiles tests datastores that keep their data below a directory. Open opens the datastore in
// dir, which is empty or holds the files of an earlier datastore. The test closes it.
func RunFiles(t *testing.T, open func(dir string) (ds.Batching, error)) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, open func(dir string) (ds.Batching, error))
	}{
		{"opening again", testOpeningAgain},
		{"the end of the process", testEndOfProcess},
		{"damage", testDamage},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}

func fileKey(i int) ds.Key { return ds.NewKey(fmt.Sprintf("/files/%03d", i)) }

func fileValue(i int) []byte {
	value := make([]byte, 200)
	rand.NewChaCha8([32]byte{byte(i), byte(i >> 8)}).Read(value)
	return value
}

// fill puts n values, half of them in a batch.
func fill(t *testing.T, d ds.Batching, n int) {
	t.Helper()
	ctx := context.Background()
	batch, err := d.Batch(ctx)
	must(t, err)
	for i := range n {
		if i%2 == 0 {
			must(t, d.Put(ctx, fileKey(i), fileValue(i)))
		} else {
			must(t, batch.Put(ctx, fileKey(i), fileValue(i)))
		}
	}
	must(t, batch.Commit(ctx))
}

// expectFilled checks that the values of fill are there, and no others.
func expectFilled(t *testing.T, d ds.Batching, n int) {
	t.Helper()
	for i := range n {
		expect(t, d, fileKey(i), fileValue(i))
	}
	if found := len(query(t, d, dsq.Query{Prefix: "/files", KeysOnly: true})); found != n {
		t.Errorf("%d of %d are found", found, n)
	}
}

// testOpeningAgain checks that a datastore opens again with the values it had, and with their
// expiry.
func testOpeningAgain(t *testing.T, open func(dir string) (ds.Batching, error)) {
	ctx := context.Background()
	dir := t.TempDir()
	d, err := open(dir)
	must(t, err)
	fill(t, d, 300)
	must(t, d.Put(ctx, ds.NewKey("/gone"), nil), d.Delete(ctx, ds.NewKey("/gone")))
	var expires time.Time
	passing := ds.NewKey("/passing")
	if f, ok := d.(ds.TTLDatastore); ok {
		must(t, f.PutWithTTL(ctx, passing, []byte("x"), hour))
		expires, err = f.GetExpiration(ctx, passing)
		must(t, err)
	}
	must(t, d.Close())

	d, err = open(dir)
	must(t, err)
	expectFilled(t, d, 300)
	expect(t, d, ds.NewKey("/gone"), nil)
	if f, ok := d.(ds.TTLDatastore); ok {
		if at, err := f.GetExpiration(ctx, passing); err != nil || !at.Equal(expires) {
			t.Errorf("a key that expired at %v now expires at %v, %v", expires, at, err)
		}
	}
	must(t, d.Close())
}

// testEndOfProcess checks that everything put before Sync survives the end of the process. It
// copies the files while the datastore is open. It does not test the loss of power.
func testEndOfProcess(t *testing.T, open func(dir string) (ds.Batching, error)) {
	ctx := context.Background()
	dir := t.TempDir()
	d, err := open(dir)
	must(t, err)
	fill(t, d, 300)
	must(t, d.Sync(ctx, ds.NewKey("/")))
	left := filepath.Join(t.TempDir(), "left")
	must(t, os.CopyFS(left, os.DirFS(dir)), d.Close())

	d, err = open(left)
	must(t, err)
	expectFilled(t, d, 300)
	if f, ok := d.(ds.CheckedDatastore); ok {
		must(t, f.Check(ctx))
	}
	must(t, d.Close())
}

// testDamage changes one byte of one file. No value may come back wrong. If a value is lost,
// Check reports an error before anyone reads the value, and Scrub reports that it could not
// save it. After Scrub, Check finds nothing that Scrub has not reported.
func testDamage(t *testing.T, open func(dir string) (ds.Batching, error)) {
	ctx := context.Background()
	whole := t.TempDir()
	d, err := open(whole)
	must(t, err)
	_, checks := d.(ds.CheckedDatastore)
	_, scrubs := d.(ds.ScrubbedDatastore)
	if !checks || !scrubs {
		must(t, d.Close())
		t.Skip("no CheckedDatastore and ScrubbedDatastore")
	}
	const n = 500
	batch, err := d.Batch(ctx) // a batch leaves few old versions in the files
	must(t, err)
	for i := range n {
		must(t, batch.Put(ctx, fileKey(i), fileValue(i)))
	}
	must(t, batch.Commit(ctx), d.Sync(ctx, ds.NewKey("/")))
	// The last write may be lost together with its entry in the log.
	must(t, d.Put(ctx, ds.NewKey("/last"), nil), d.Sync(ctx, ds.NewKey("/")), d.Close())

	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	refused, noticed := 0, 0
	for range rounds {
		dir := filepath.Join(t.TempDir(), "damaged")
		must(t, os.CopyFS(dir, os.DirFS(whole)))
		where := damage(t, dir, random)
		d, err := openDamaged(open, dir)
		if err != nil {
			if panics(err) {
				t.Errorf("%s, seed %d: opening: %v", where, seed, err)
			}
			refused++
			continue
		}
		check := guard(func() error { return d.(ds.CheckedDatastore).Check(ctx) })
		lost := lostOf(t, d, n, where, seed)
		scrub := guard(func() error { return d.(ds.ScrubbedDatastore).Scrub(ctx) })
		again := guard(func() error { return d.(ds.CheckedDatastore).Check(ctx) })
		left := lostOf(t, d, n, where, seed)
		if check != nil {
			noticed++
		}
		switch {
		case panics(check), panics(scrub), panics(again):
			t.Errorf("%s, seed %d: Check: %v; Scrub: %v; Check: %v", where, seed, check, scrub, again)
		case lost > 0 && check == nil:
			t.Errorf("%s, seed %d: %d values are lost, and Check returns no error", where, seed, lost)
		case left > 0 && scrub == nil:
			t.Errorf("%s, seed %d: %d values are lost, and Scrub returns no error", where, seed, left)
		case left > lost:
			t.Errorf("%s, seed %d: %d values were lost before Scrub, and %d after it", where, seed, lost, left)
		case scrub == nil && again != nil:
			t.Errorf("%s, seed %d: Scrub has mended everything, and Check returns %v", where, seed, again)
		}
		if err := guard(d.Close); panics(err) {
			t.Errorf("%s, seed %d: Close: %v", where, seed, err)
		}
	}
	t.Logf("of %d damaged datastores %d did not open, and Check returned an error for %d", rounds, refused, noticed)
}

func openDamaged(open func(dir string) (ds.Batching, error), dir string) (d ds.Batching, err error) {
	err = guard(func() error { d, err = open(dir); return err })
	return d, err
}

// lostOf returns how many values are missing. None may be wrong.
func lostOf(t *testing.T, d ds.Batching, n int, where string, seed uint64) (lost int) {
	t.Helper()
	for i := range n {
		var value []byte
		err := guard(func() (err error) { value, err = d.Get(context.Background(), fileKey(i)); return err })
		switch {
		case panics(err):
			t.Errorf("%s, seed %d: Get: %v", where, seed, err)
		case err != nil:
			lost++
		case !bytes.Equal(value, fileValue(i)):
			t.Errorf("%s, seed %d: a value is wrong", where, seed)
		}
	}
	return lost
}

// damage changes one byte in some file and says which. It prefers bytes that are not zero,
// because more of them hold data.
func damage(t *testing.T, dir string, random *rand.Rand) string {
	t.Helper()
	var names []string
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > 0 {
			names = append(names, path)
		}
		return err
	}))
	name := names[random.IntN(len(names))]
	data, err := os.ReadFile(name)
	must(t, err)
	at := random.IntN(len(data))
	for range len(data) {
		if data[at] != 0 {
			break
		}
		at = (at + 1) % len(data)
	}
	data[at] ^= byte(1 + random.IntN(255))
	must(t, os.WriteFile(name, data, 0o600))
	return fmt.Sprintf("byte %d of %s", at, filepath.Base(name))
}
