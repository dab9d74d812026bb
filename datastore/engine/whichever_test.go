package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

// A program that does not care which engine has written a directory names those that
// it links.
func ExampleWhichever() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "netabase-whichever-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	// Somebody has made a database with bolt.
	db, err := bolt.Engine(dir).Open(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	db.Close()

	eng := engine.Whichever(badger.Engine(dir), bolt.Engine(dir))
	if db, err = eng.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	fmt.Println(eng.Name())

	_, err = badger.Engine(dir).Open(ctx)
	fmt.Println(errors.Is(err, engine.ErrOtherEngine))
	// Output:
	// bolt
	// true
}

var fileEngines = map[string]func(path string) engine.Engine{"badger": badger.Engine, "bolt": bolt.Engine}

func openAndClose(t *testing.T, eng engine.Engine) error {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		return err
	}
	return db.Close()
}

// TestOtherEngine opens the directory of each engine with each other one.
func TestOtherEngine(t *testing.T) {
	for name, first := range fileEngines {
		for other, second := range fileEngines {
			if name == other {
				continue
			}
			dir := t.TempDir()
			if err := openAndClose(t, first(dir)); err != nil {
				t.Fatal(err)
			}
			err := openAndClose(t, second(dir))
			if !errors.Is(err, engine.ErrOtherEngine) || !strings.Contains(fmt.Sprint(err), "engine "+name) {
				t.Errorf("%s opens a directory of %s with %v", other, name, err)
			}
			if err := openAndClose(t, first(dir)); err != nil {
				t.Errorf("%s does not open its own directory afterwards: %v", name, err)
			}
		}
	}
}

func TestWhichever(t *testing.T) {
	for name, newEngine := range fileEngines {
		dir := t.TempDir()
		any := func() engine.Engine { return engine.Whichever(badger.Engine(dir), bolt.Engine(dir), memory.Engine()) }
		if got := any().Name(); got != "badger" {
			t.Errorf("%s is to be made in an empty directory", got)
		}
		if err := openAndClose(t, newEngine(dir)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := any().Name(); got != name {
				t.Errorf("%s is to open what %s has made", got, name)
			}
			if err := openAndClose(t, any()); err != nil {
				t.Error(err)
			}
		}
		if found, err := engine.FoundIn(dir); err != nil || !slices.Equal(found, []string{name}) {
			t.Errorf("there are databases of %q, error %v", found, err)
		}
	}

	// Of two that are there it does not choose.
	dir := t.TempDir()
	if err := openAndClose(t, bolt.Engine(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "MANIFEST"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := openAndClose(t, engine.Whichever(bolt.Engine(dir), badger.Engine(dir)))
	if !errors.Is(err, engine.ErrOtherEngine) || !strings.Contains(fmt.Sprint(err), "bolt and badger") {
		t.Errorf("with two databases it returns %v", err)
	}
	// One that is none of the engines given is named.
	dir = t.TempDir()
	if err := engine.Claim(dir, "elsewhere", true); err != nil {
		t.Fatal(err)
	}
	err = openAndClose(t, engine.Whichever(badger.Engine(dir), bolt.Engine(dir)))
	if !errors.Is(err, engine.ErrOtherEngine) || !strings.Contains(fmt.Sprint(err), "elsewhere") {
		t.Errorf("with the database of an engine that was not given it returns %v", err)
	}
	// An engine without a directory is one like others.
	if err := openAndClose(t, engine.Whichever(memory.Engine())); err != nil {
		t.Error(err)
	}
	if err := openAndClose(t, engine.Whichever(badger.Engine(""))); !errors.Is(err, engine.ErrConfig) {
		t.Errorf("without a path it returns %v", err)
	}
}

func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "some", "where")
	if found, err := engine.FoundIn(dir); err != nil || len(found) > 0 {
		t.Errorf("in a directory that is not there: %q, %v", found, err)
	}
	for _, name := range []string{"", "two words", "two\nlines", "\x00", "naïve", strings.Repeat("x", 101)} {
		if err := engine.Claim(dir, name, false); !errors.Is(err, engine.ErrConfig) {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a claim that was refused made the directory")
	}
	name := strings.Repeat("x", 100)
	for range 2 {
		if err := engine.Claim(dir, name, true); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := engine.FoundIn(dir); err != nil || !slices.Equal(found, []string{name}) {
		t.Errorf("found %q, %v", found, err)
	}
	if err := engine.Claim(dir, "y", true); !errors.Is(err, engine.ErrOtherEngine) {
		t.Errorf("a second claim: %v", err)
	}
	// A claim that says nothing is none to be passed over.
	for _, content := range []string{"", "x", "two words\n", strings.Repeat("x", 200) + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, "netabase.engine"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := engine.FoundIn(dir); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("a claim of %q: %v", content, err)
		}
		if err := openAndClose(t, badger.Engine(dir)); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("badger beside a claim of %q: %v", content, err)
		}
	}
}
