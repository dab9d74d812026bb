package datastore_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// smallLog is how many changes the logs of topics have in tests before they are filed: small ones are to see it.
const smallLog = 300

// Badger leaves goroutines behind where it refuses a damaged database.
func TestMain(m *testing.M) {
	// Fewer than rapid's own 100, so that the tests of a newcomer take no time. The flag
	// on the command line has precedence.
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	datastore.SetMaxLogged(smallLog)
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/dgraph-io/badger/v4.(*DB).monitorCache"),
		goleak.IgnoreAnyFunction("github.com/dgraph-io/ristretto/v2/z.(*AllocatorPool).freeupAllocators"),
		goleak.IgnoreAnyFunction("github.com/dgraph-io/ristretto/v2.(*Cache[...]).processItems"),
		goleak.IgnoreAnyFunction("github.com/dgraph-io/ristretto/v2.(*defaultPolicy[...]).processItems"),
	)
}

// engines makes a fresh engine of each kind. They do not wait for the disk:
// what is durable when, the engines' own tests tell. Badger allocates its memtable
// with every opening, so this one is small.
var engines = map[string]func(t testing.TB) engine.Engine{
	"memory": func(testing.TB) engine.Engine { return memory.Engine() },
	"bolt": func(t testing.TB) engine.Engine {
		return bolt.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}}.Engine()
	},
	"badger": func(t testing.TB) engine.Engine {
		return badger.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: 8}.Engine()
	},
}

// skipShort leaves a long test that has one goroutine out of short runs. Those are for the race
// detector, which has nothing to find in it.
func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it has one goroutine")
	}
}

// onEveryEngine runs test on each engine, as it is and with the store reopened
// wherever the test calls restart; with -short, only that. Each store is verified
// when the test ends.
func onEveryEngine(t *testing.T, test func(t *testing.T, h *harness), definitions ...*models.Definition) {
	t.Helper()
	for name, newEngine := range engines {
		for _, restarts := range []bool{false, true} {
			if testing.Short() && !restarts {
				continue
			}
			label := name
			if restarts {
				label += "/restarting"
			}
			t.Run(label, func(t *testing.T) {
				h := &harness{t: t, engine: newEngine(t), definitions: definitions, restarts: restarts}
				h.open()
				t.Cleanup(h.close)
				test(t, h)
			})
		}
	}
}

// harness is a store that a test may restart.
type harness struct {
	*datastore.Store
	t           *testing.T
	engine      engine.Engine
	definitions []*models.Definition
	restarts    bool
}

func (h *harness) open() {
	h.t.Helper()
	store, err := datastore.Open(h.t.Context(), h.engine, datastore.OpenOptions{Definitions: h.definitions})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Store = store
}

// restart closes and opens the store, where the run is one with restarts.
func (h *harness) restart() {
	h.t.Helper()
	if h.restarts {
		h.close()
		h.open()
	}
}

func (h *harness) close() {
	h.t.Helper()
	h.verify()
	if err := h.Store.Close(); err != nil {
		h.t.Error(err)
	}
}

// verify fails the test for any damage in the store.
func (h *harness) verify() {
	h.t.Helper()
	report, err := datastore.Verify(h.t.Context(), h.Store)
	if err != nil && h.t.Context().Err() == nil {
		h.t.Errorf("verify: %v", err)
	}
	for _, damage := range report.Damage {
		h.t.Errorf("verify: %v", damage)
	}
}
