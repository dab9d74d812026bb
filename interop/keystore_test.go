package interop_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const kadDHT = "github.com/libp2p/go-libp2p-kad-dht"

// elsewhere are kad-dht's tests of what only its own key store has.
var elsewhere = []string{
	"CountKeysUpToStopsEarly",               // counts what is read from the go-datastore beneath
	"CountKeysUpToPropagates(Query|Decode)", // has queries of that fail, or puts paths in it that no key has
	"TestDsKey",                             // how a path is written
	"FactoryMode", "OptionAdapter",          // a datastore for each set of keys
	"CorruptedMarkerRecovery", // which of the two is read
	"WorkerResponsiveWhileAltDsWedged", "ResetBufferBackpressure", "ResetBufferLargerThanCap",
	"ResetCtxCancelDoesNotDeadlock", "NoHasInBulkPhase", // stops Sync, or counts Has, of the second of them
	"ResetEmptiesNamespaceCollidingKeys", "SharedModeFirstBitCollision", // the paths in the two
}

// bubbles are kad-dht's tests in a bubble of testing/synctest, in which Badger's own
// goroutines cannot be.
const bubbles = "WorkerResponsiveWhileAltDsWedged|ResetBufferBackpressure|ResetBufferLargerThanCap|" +
	"ResetCtxCancelDoesNotDeadlock|ResetPhaseATickerDrainsSlowKeysChan"

// TestKeystoreSuite runs kad-dht's own tests of key stores, which no other package can import.
// It copies the package and its tests out of the module cache into a temporary directory, makes
// a few changes there, and has go test use the copy in place of the module:
//
//   - Each go-datastore that a test makes becomes the go-datastore of one of our stores.
//   - For the second run, the constructors return our key store in that store. The tests of
//     what only kad-dht's key store has, its paths for example, are left out.
//
// So the first run is kad-dht's key store on our datastore, and the second is our key store.
func TestKeystoreSuite(t *testing.T) {
	for _, run := range []struct {
		name string
		ours bool
		// tests is how many tests and subtests there are, and inBubbles how many of them are
		// in bubbles.
		tests, inBubbles int
	}{{"kad-dht's on our datastore", false, 67, 5}, {"ours", true, 46, 1}} {
		t.Run(run.name, func(t *testing.T) {
			suite := buildKeystoreSuite(t, run.ours)
			for _, engine := range []string{"memory", "bolt", "badger"} {
				var skip []string
				tests := run.tests
				if run.ours {
					skip = elsewhere
				}
				if engine == "badger" {
					skip, tests = append([]string{bubbles}, skip...), tests-run.inBubbles
				}
				cmd := exec.Command(suite, "-test.v", "-test.timeout=3m", "-test.skip="+strings.Join(skip, "|"))
				cmd.Dir = filepath.Dir(suite)
				cmd.Env = append(os.Environ(), "NETABASE_SUITE_ENGINE="+engine)
				out, err := cmd.CombinedOutput()
				if passed := bytes.Count(out, []byte("--- PASS: ")); err != nil || passed != tests {
					t.Errorf("on %s %d of %d tests passed, %v:\n%s", engine, passed, tests, err, out)
				} else {
					t.Logf("on %s %d tests passed", engine, passed)
				}
			}
		})
	}
}

// buildKeystoreSuite builds the tests, and returns where they are.
func buildKeystoreSuite(t *testing.T, ours bool) (suite string) {
	t.Helper()
	list, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", kadDHT).Output()
	if err != nil {
		t.Fatal(err)
	}
	from, to := strings.TrimSpace(string(list)), t.TempDir()
	copyOf := func(name string, change func(file string, text string) string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), []byte(change(filepath.Base(name), string(text))), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	unchanged := func(_, text string) string { return text }
	copyOf("go.mod", unchanged)
	for _, dir := range []string{"provider/internal", "provider/internal/keyspace"} {
		for _, name := range goFilesIn(t, from, dir) {
			if !strings.HasSuffix(name, "_test.go") {
				copyOf(name, unchanged)
			}
		}
	}
	const dir = "provider/keystore"
	for _, name := range goFilesIn(t, from, dir) {
		if ours && filepath.Base(name) == "resettable_keystore.go" {
			continue
		}
		copyOf(name, func(file, text string) string {
			replace := func(old, with string) {
				if !strings.Contains(text, old) {
					t.Fatalf("%s: %q is not there any more", file, old)
				}
				text = strings.ReplaceAll(text, old, with)
			}
			if strings.HasSuffix(file, "_test.go") {
				replace("ds.NewMapDatastore()", "NewDatastore()")
			}
			switch {
			case file == "resettable_keystore_test.go":
				replace("pebble.NewDatastore(", "NewDatastoreAt(")
				replace("\tpebble \"github.com/ipfs/go-ds-pebble\"\n", "")
			case file == "keystore.go" && ours:
				replace("func NewKeystore(", "func newTheirs(")
			}
			return text
		})
	}
	with := map[string]string{"hooks.go": "hooks_test.go", "netabase.go": "netabase_test.go"}
	if ours {
		with = map[string]string{"hooks.go": "hooks.go", "netabase.go": "netabase_test.go", "standin.go": "standin.go"}
	}
	for name, as := range with {
		text, err := os.ReadFile(filepath.Join("testdata", "keystore", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, dir, as), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "go.mod" {
			text = append(text, "\nreplace "+kadDHT+" => "+to+"\n"...)
		}
		if err := os.WriteFile(filepath.Join(to, "suite"+filepath.Ext(name)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	suite = filepath.Join(to, dir, "suite.test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-modfile="+filepath.Join(to, "suite.mod"), "-o", suite, kadDHT+"/"+dir)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the suite: %v\n%s", err, out)
	}
	return suite
}

// goFilesIn returns the Go files of a directory of a module, with the directory.
func goFilesIn(t *testing.T, module, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(module, dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	for _, file := range files {
		names = append(names, filepath.Join(dir, filepath.Base(file)))
	}
	return names
}
