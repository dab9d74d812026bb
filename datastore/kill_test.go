package datastore_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	dgraph "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/table"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/internal/modeltest"
	"github.com/newsnet-africa/netabase-go/models"
)

// Variables in its environment tell the test binary to be a process of TestKill.
const (
	killPath   = "NETABASE_KILL_PATH"
	killEngine = "NETABASE_KILL_ENGINE"
	killRole   = "NETABASE_KILL_ROLE"
	// killRounds sets how often each engine's writer is killed.
	killRounds = "NETABASE_KILL_ROUNDS"
)

var killEngines = map[string]func(path string) engine.Engine{
	"bolt": bolt.Engine,
	"badger": func(path string) engine.Engine { // with tables that are written soon
		return badger.Options{Config: engine.Config{Path: path}, MemTableMB: 1}.Engine()
	},
}

// ledger has what each row was last written as: the number of the write, or
// gone.
type ledger map[uint64]int

const gone = -1

// attempt is a transaction of a writer: a line that it writes before it begins,
// and, with Done set, when it knows that it is committed.
type attempt struct {
	Writer int
	Rows   ledger
	Done   bool
}

// with returns the ledger after the attempt.
func (l ledger) with(rows ledger) ledger {
	after := ledger{}
	maps.Copy(after, l)
	for id, n := range rows {
		if n == gone {
			delete(after, id)
		} else {
			after[id] = n
		}
	}
	return after
}

const (
	killWriters = 3
	// killOwn is how many rows a writer has, all to itself.
	killOwn = 20
)

// killable is the row of a number as the write of a number leaves it.
func killable(id uint64, n int) person {
	return person{
		ID: id, Name: strconv.Itoa(n), Email: fmt.Sprintf("%d@%d", id, n%3), City: "city", Age: int64(n),
		Tags: []string{strconv.Itoa(n % 5), "all"},
	}
}

// TestKill kills a process that writes to a store, again and again, and has
// another process read what is there. This one keeps the books: what the writer
// knew to be committed must be there, and what it had begun be there as a whole
// or not at all, and every index and topic be true. The feed of the posts, which are
// written with the people, has every change, from the first kill to the last.
func TestKill(t *testing.T) {
	if role := os.Getenv(killRole); role != "" {
		eng := killEngines[os.Getenv(killEngine)](os.Getenv(killPath))
		store, err := datastore.Open(t.Context(), eng, town, killBoard)
		if err == nil {
			err = map[string]func(context.Context, *datastore.Store) error{"write": killWrite, "read": killRead}[role](t.Context(), store)
			err = errors.Join(err, store.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	killMany(t, roundsOf(t, killRounds, 8, 3), func(t *testing.T, path string, random *rand.Rand) []string { return nil })
}

// roundsOf returns how many rounds a test has: what the environment says, or else
// the one number or, with -short, the other.
func roundsOf(t *testing.T, variable string, rounds, short int) int {
	t.Helper()
	if testing.Short() {
		rounds = short
	}
	if text := os.Getenv(variable); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	return rounds
}

// killMany has writers on each engine come to their end: killed after some
// transactions, or before, through what misfortune adds to their command line.
func killMany(t *testing.T, rounds int, misfortune func(t *testing.T, path string, random *rand.Rand) []string) {
	for name := range killEngines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := uint64(time.Now().UnixNano())
			random := rand.New(rand.NewPCG(seed, 0))
			path := killStore(t, name)
			books := make([]ledger, killWriters)
			transactions, early := 0, 0
			for round := range rounds {
				prefix := misfortune(t, path, random)
				most := 1 + random.IntN(80)
				pending, done := killRound(t, name, path, books, most, prefix)
				transactions += done
				if done < most {
					early++
				}
				unnamed := name == "badger" && unnamedTable(t, path)
				found, err := killFound(t, name, path)
				if err == nil {
					err = settle(books, pending, found)
				}
				if err != nil && unnamed && failsSyncs(prefix) {
					t.Logf("round %d, %q: Badger has lost tables: %v", round, prefix, err)
					path, books = killStore(t, name), make([]ledger, killWriters)
					continue
				}
				if err != nil {
					keep := filepath.Join(os.TempDir(), fmt.Sprintf("netabase-kill-%d", seed))
					t.Fatalf("seed %d, round %d, %q: %v; the store is kept in %s: %v", seed, round, prefix, err, keep, os.CopyFS(keep, os.DirFS(path)))
				}
			}
			t.Logf("%d writers, %d of which ended by themselves, %d transactions", rounds, early, transactions)
		})
	}
}

// killStore makes a store whose people have a feed, which goes on whoever opens it, beside posts that have
// topics and a feed.
func killStore(t *testing.T, engineName string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store")
	fed := models.NewTree("person", models.Uint64, func(p *person) uint64 { return p.ID },
		models.WithFeed[person](models.Feed{Changes: 100}))
	models.NewIndex(fed, "name", models.String, func(p *person) string { return p.Name })
	models.NewUnique(fed, "email", models.String, func(p *person) string { return p.Email })
	models.NewIndex(fed, "city_age", models.PairOf(models.String, models.Int64),
		func(p *person) cityAge { return models.MakePair(p.City, p.Age) })
	models.NewMulti(fed, "tag", models.String, func(p *person) []string { return p.Tags })
	store, err := datastore.Open(t.Context(), killEngines[engineName](path), models.NewDefinition("town", fed), killBoard)
	if err == nil {
		err = store.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// failsSyncs reports whether a writer's syncs are made to fail. A table of a compaction
// that cannot be synced stays behind without a name in the manifest, and Badger loses
// what is in it: see docs/reliability.md.
func failsSyncs(prefix []string) bool {
	return slices.ContainsFunc(prefix, func(arg string) bool { return strings.HasPrefix(arg, "inject=fsync") })
}

// unnamedTable reports whether there is a table of Badger's that the manifest does not
// name. The next opening removes it.
func unnamedTable(t *testing.T, path string) bool {
	t.Helper()
	file, err := os.Open(filepath.Join(path, dgraph.ManifestFilename))
	if errors.Is(err, os.ErrNotExist) {
		return false // the writer has not come so far
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	manifest, _, err := dgraph.ReplayManifestFile(file, 0, dgraph.Options{})
	if err != nil {
		return false // and the store is refused
	}
	tables, err := filepath.Glob(filepath.Join(path, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(tables, func(name string) bool {
		id, ok := table.ParseFileID(name)
		_, named := manifest.Tables[id]
		return ok && !named
	})
}

// killRound runs a writer, notes what it says that is committed, and kills it
// after so many transactions. It returns what each of its goroutines had begun.
func killRound(t *testing.T, engineName, path string, books []ledger, transactions int, prefix []string) (pending []ledger, done int) {
	t.Helper()
	writer := killProcess(t, "write", engineName, path, prefix...)
	lines, err := writer.StdoutPipe()
	if err == nil {
		err = writer.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		writer.Process.Kill()
		writer.Wait()
	}()
	pending = make([]ledger, killWriters)
	// Everything it has said before it dies counts.
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		var a attempt
		if err := json.Unmarshal(scanner.Bytes(), &a); err != nil {
			continue // cut off
		}
		if !a.Done {
			pending[a.Writer] = a.Rows
			continue
		}
		books[a.Writer], pending[a.Writer] = books[a.Writer].with(a.Rows), nil
		if done++; done == transactions {
			writer.Process.Kill()
		}
	}
	if done < transactions && prefix == nil {
		t.Errorf("the writer ended by itself after %d transactions", done)
	}
	return pending, done
}

// settle compares what was found with the books, and brings those up to date.
func settle(books, pending []ledger, found ledger) error {
	for w := range books {
		mine := ledger{}
		for id, n := range found {
			if id%killWriters == uint64(w) {
				mine[id] = n
			}
		}
		if !maps.Equal(mine, books[w]) && (pending[w] == nil || !maps.Equal(mine, books[w].with(pending[w]))) {
			return fmt.Errorf("writer %d: found %v, committed %v, begun %v", w, mine, books[w], pending[w])
		}
		books[w] = mine
	}
	return nil
}

// killFound has another process read the store.
func killFound(t *testing.T, engineName, path string) (ledger, error) {
	t.Helper()
	out, err := killProcess(t, "read", engineName, path).Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	var found ledger
	return found, json.NewDecoder(bytes.NewReader(out)).Decode(&found)
}

func killProcess(t *testing.T, role, engineName, path string, prefix ...string) *exec.Cmd {
	t.Helper()
	line := append(prefix[:len(prefix):len(prefix)], os.Args[0], "-test.run=^TestKill$")
	cmd := exec.CommandContext(t.Context(), line[0], line[1:]...)
	cmd.Env = append(os.Environ(), killRole+"="+role, killEngine+"="+engineName, killPath+"="+path)
	if prefix == nil {
		cmd.Stderr = os.Stderr // otherwise it complains as it should
	}
	return cmd
}

// killWrite writes for ever, and says so.
func killWrite(ctx context.Context, store *datastore.Store) error {
	var mu sync.Mutex
	say := func(a attempt) error {
		line, err := json.Marshal(a)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		_, err = os.Stdout.Write(append(line, '\n'))
		return err
	}
	errs := make(chan error, killWriters)
	for w := range killWriters {
		go func() {
			for n := 0; ; n++ {
				a := attempt{Writer: w, Rows: ledger{}}
				for range 1 + rand.IntN(4) {
					id := uint64(rand.IntN(killOwn)*killWriters + w)
					if a.Rows[id] = n; rand.IntN(3) == 0 {
						a.Rows[id] = gone
					}
				}
				err := say(a)
				if err == nil {
					err = store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { return killApply(ctx, tx, a.Rows) })
				}
				if a.Done = true; err == nil {
					err = say(a)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	return <-errs
}

func killApply(ctx context.Context, tx *datastore.WriteTx, rows ledger) error {
	for id, n := range rows {
		var err error
		if p, q := killable(id, n), postOf(id, uint64(n)); n == gone {
			err = errors.Join(people.Delete(ctx, tx, id), killPosts.Delete(ctx, tx, id))
		} else {
			err = errors.Join(people.Put(ctx, tx, &p), killPosts.Put(ctx, tx, &q))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// killRead prints what is there, if all of it is as it was written, and every
// index, topic and feed is true.
func killRead(ctx context.Context, store *datastore.Store) error {
	report, err := datastore.Verify(ctx, store)
	if err != nil {
		return err
	}
	if !report.Clean() {
		return fmt.Errorf("%+v", report)
	}
	found, rows, posts := ledger{}, inTown.NewOracle(), map[uint64]post{}
	for p, err := range people.All(ctx, store) {
		if err != nil {
			return err
		}
		n := int(p.Age)
		if want := killable(p.ID, n); !modeltest.Same(p, want) {
			return fmt.Errorf("%w: the row is %v, and was written as %v", models.ErrCorrupt, p, want)
		}
		found[p.ID], rows.Rows[p.ID], posts[p.ID] = n, p, postOf(p.ID, uint64(n))
	}
	if err := rows.Compare(ctx, store); err != nil { // by every index, whatever Verify says
		return err
	}
	if err := checkPosts(ctx, store, os.Getenv(killPath)+".books", posts); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}
