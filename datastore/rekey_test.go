package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// manyRekeyed, set in the environment, has tests give more rows other keys than one transaction takes.
const manyRekeyed = "NETABASE_REKEY_MANY"

// The rows of a tree get another primary key, with what belongs to them: the queue of those that
// expire, dictionaries of compressed ones, keys of encrypted ones, and all indexes. The program with the former key is
// refused, and nothing is left in its place.
func TestPrimaryKeyChanges(t *testing.T) {
	skipShort(t)
	for name, newEngine := range engines {
		for _, rowsAre := range []string{"plain", "compressed", "encrypted", "compressed, encrypted"} {
			if rowsAre == "compressed, encrypted" && name != "memory" {
				continue
			}
			t.Run(name+"/"+rowsAre, func(t *testing.T) {
				var opts []models.TreeOption[client]
				var stored datastore.OpenOptions
				n := uint64(50)
				if strings.Contains(rowsAre, "compressed") {
					opts, n = append(opts, models.WithCompression[client]()), 2500
				}
				if strings.Contains(rowsAre, "encrypted") { // from the first row on, so that a plain one is damage
					stored.Key = secretOf(1)
				}
				eng, ctx := newEngine(t), t.Context()
				before, after := clientsByID(opts...), clientsByEmail(opts...)
				rows := fillClients(t, eng, before, n, stored)
				s, err := datastore.Open(ctx, eng, before.definition, stored)
				if err != nil {
					t.Fatal(err)
				}
				soon, gone := time.Now().Add(time.Hour), clientOf(n+1)
				first := clientOf(1)
				if err := errors.Join(before.putUntil(ctx, s, &first, soon), before.putUntil(ctx, s, &gone, time.Now().Add(-time.Hour))); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				var seen []datastore.OpenProgress
				s, err = datastore.Open(ctx, eng, after.definition, stored, datastore.OpenOptions{
					DropIndexes: []string{"bank.client/email"},
					Progress:    func(p datastore.OpenProgress) { seen = append(seen, p) },
				})
				if err != nil {
					t.Fatal(err)
				}
				if len(seen) == 0 || seen[0].Index != "" || seen[0].Rows == 0 {
					t.Errorf("progress: %+v", seen)
				}
				if err := after.expect(ctx, s, rows); err != nil {
					t.Fatal(err)
				}
				more := clientOf(n + 2)
				rows[more.ID] = more
				if err := errors.Join(after.put(ctx, s, &more), s.Close()); err != nil {
					t.Fatal(err)
				}
				after.expectOpen(t, eng, rows, stored)
				_, err = datastore.Open(ctx, eng, before.definition, stored)
				var refused *datastore.DefinitionError
				if !errors.As(err, &refused) || !strings.Contains(err.Error(), "primary key is of version 1 in the store and of version 0") {
					t.Errorf("the former program: %v", err)
				}
				// One entry of the queue, the first row's, and nothing of what was.
				spaces := map[byte]int{}
				for _, p := range dump(t, eng) {
					spaces[p.key[0]]++
				}
				if spaces[2] != 1 || spaces[64]+spaces[65]+spaces[66] != 0 {
					t.Errorf("keys by space: %v", spaces)
				}
				after.expectOpen(t, eng, rows, stored)
			})
		}
	}
}

// rekeyedUser is user3 by the name that its function makes.
func rekeyedUsers() (*models.Tree[user4, string], *models.Index[user4, string, uint64], *models.Definition) {
	split := func(u *user3) (user4, error) {
		first, last, found := strings.Cut(nameOf(u.Name), " ")
		if !found {
			return user4{}, errNoName
		}
		return user4{ID: u.ID, First: first, Last: last, Home: u.Home}, nil
	}
	tree := models.NewTree("user", models.String, func(u *user4) string { return u.First },
		models.WithEarlier(models.EarlierType(split)), models.WithKeyVersion[user4](1))
	index := models.NewIndex(tree, "name", models.Uint64, func(u *user4) uint64 { return u.ID }, models.IndexVersion[user4](1))
	return tree, index, models.NewDefinition("app", tree)
}

// A function, another primary key and another index come in one release. Whatever commit the process
// ends at, the next one with the release goes on, and the one with the former release says what is
// the matter, and reads all rows if nothing had begun.
func TestRekeyingEnds(t *testing.T) {
	tree3, index3, d3 := users3()
	tree4, index4, d4 := rekeyedUsers()
	const rows = 30
	long := func(id uint64) user3 { // of which a transaction takes a few
		u := user3Of(id)
		u.Note = strings.Repeat("long", 8<<10)
		return u
	}
	for commit := 1; ; commit++ {
		eng := &enginetest.Failing{Engine: memory.Engine()}
		s := openOne(t, eng, d3)
		for id := uint64(1); id <= rows; id++ {
			u := long(id)
			if err := tree3.PutUntil(t.Context(), s, &u, time.Now().Add(time.Duration(id)*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		closeStore(t, s)
		eng.EndAt(commit)
		s, err := datastore.Open(t.Context(), eng, d4)
		if err == nil {
			err = s.Close()
		}
		ended := eng.Ended()
		eng.EndAt(0)
		if ended == (err == nil) {
			t.Fatalf("commit %d: %v", commit, err)
		}
		untouched(t, eng)
		switch s, err := datastore.Open(t.Context(), eng, d3); {
		case err == nil && commit > 1:
			t.Fatalf("commit %d: the former program opens the store", commit)
		case err == nil:
			expectUsers(t, s, tree3, index3, rows, long, func(u user3) string { return nameOf(u.Name) })
			closeStore(t, s)
		case !strings.Contains(err.Error(), `(feature "rebuilding")`) && !strings.Contains(err.Error(), "primary key is of version 1"):
			t.Fatalf("commit %d: %v", commit, err)
		}
		s = openOne(t, eng, d4)
		all := 0
		for u, err := range tree4.All(t.Context(), s) {
			if err != nil || u != user4Of(u.ID) {
				t.Fatalf("%+v, %v", u, err)
			}
			if found, err := index4.Count(t.Context(), s, models.Only(u.ID)); err != nil || found != 1 {
				t.Fatalf("%d, %v", found, err)
			}
			if until, err := tree4.Expiry(t.Context(), s, u.First); err != nil || until.IsZero() {
				t.Fatalf("it expires at %v, %v", until, err)
			}
			all++
		}
		if all != rows {
			t.Fatalf("commit %d: %d rows", commit, all)
		}
		closeStore(t, s)
		if !ended {
			if commit < 10 {
				t.Errorf("there were %d commits", commit)
			}
			return
		}
	}
}

// Whichever call of the engine fails, opening the store fails, and the next time it goes on.
func TestRekeyingFails(t *testing.T) {
	before, after := clientsByID(), clientsByEmail()
	drop := datastore.OpenOptions{DropIndexes: []string{"bank.client/email"}}
	for call := 1; ; call++ {
		eng := &enginetest.Failing{Engine: memory.Engine()}
		rows := fillClients(t, eng, before, 4)
		eng.FailAt(call)
		s, err := datastore.Open(t.Context(), eng, after.definition, drop)
		if err == nil {
			err = s.Close()
		}
		failed := eng.Failed()
		eng.FailAt(0)
		if failed && !errors.Is(err, enginetest.ErrInjected) || !failed && err != nil {
			t.Fatalf("call %d: %v", call, err)
		}
		if n := eng.Transactions(); n != 0 {
			t.Fatalf("call %d: %d transactions are open", call, n)
		}
		s, err = datastore.Open(t.Context(), eng, after.definition, drop)
		if err != nil {
			t.Fatalf("call %d: afterwards: %v", call, err)
		}
		if err := errors.Join(after.expect(t.Context(), s, rows), s.Close()); err != nil {
			t.Fatalf("call %d: %v", call, err)
		}
		if !failed {
			return
		}
	}
}

// untouched opens the store without definitions. Verify finds nothing wrong, Repair nothing to do,
// and a backup is whole.
func untouched(t *testing.T, eng engine.Engine) {
	t.Helper()
	s, err := datastore.Open(t.Context(), eng)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	report, err := datastore.Repair(t.Context(), s)
	if err != nil || !report.Clean() || report.Repaired+report.Unknown > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	restored := memory.Engine()
	if _, err := datastore.Restore(t.Context(), restored, strings.NewReader(string(backup(t, s)))); err != nil {
		t.Fatal(err)
	}
	info, err := s.Inspect().Trees(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store, err := s.Inspect().Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range info {
		if info[i].Rebuilding != slices.Contains(store.Features.Incompatible, "rebuilding") && info[i].Name == "app.user" {
			t.Fatalf("the store has the features %v, %+v", store.Features, info[i])
		}
		info[i].Rebuilding = false
	}
	copied, err := datastore.Inspect(t.Context(), restored)
	if err != nil {
		t.Fatal(err)
	}
	again, err := copied.Trees(t.Context())
	if err = errors.Join(err, copied.Close()); err != nil || !reflect.DeepEqual(again, info) {
		t.Fatalf("the backup has %+v, %v; want %+v", again, err, info)
	}
	built := slices.ContainsFunc(info, func(tree datastore.TreeInfo) bool { return tree.Name == "app.user" && tree.Key == "string" })
	for _, p := range dump(t, restored) {
		if p.key[0] > 66 && !built { // the space of the store's own tree, before those that are being built
			t.Fatalf("the backup has the key %x", p.key)
		}
	}
}

// Two rows that would have one primary key, two that would have one key of a unique index, and a row
// that a function refuses, keep the whole store as it is, with the trees that could be rebuilt.
func TestRebuildingRefused(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng, ctx := newEngine(t), t.Context()
			before := clientsByID()
			rows := fillClients(t, eng, before, 110)
			byTeam := clientsBy(models.String, teamOf, []clientIndex[string]{uniqueIndex[string]("email", 0, models.String, emailOf)},
				models.WithKeyVersion[client](1))
			_, err := datastore.Open(ctx, eng, byTeam.definition, datastore.OpenOptions{DropIndexes: []string{"bank.client/team"}})
			var same *datastore.SameKeyError
			if !errors.As(err, &same) || !errors.Is(err, models.ErrExists) || same.Key != "team1" || same.Rows != [2]string{"1", "102"} {
				t.Errorf("rows with one primary key: %v", err)
			}
			before.expectOpen(t, eng, rows)

			unique := clientsBy(models.Uint64, idOf, []clientIndex[uint64]{
				plainIndex[uint64]("email", 1, models.String, emailOf),
				uniqueIndex[uint64]("team", 1, models.String, teamOf),
			})
			if _, err := datastore.Open(ctx, eng, unique.definition); !errors.Is(err, models.ErrUnique) || !strings.Contains(err.Error(), "row 102 has the key team1, which row 1 has too") {
				t.Errorf("rows with one key: %v", err)
			}
			before.expectOpen(t, eng, rows)

			panics := clientsBy(models.Uint64, idOf, []clientIndex[uint64]{
				uniqueIndex[uint64]("email", 0, models.String, emailOf),
				plainIndex[uint64]("team", 1, models.String, func(a *client) string {
					if a.ID == 13 {
						panic("a fault of the program")
					}
					return ""
				}),
			})
			func() {
				defer func() {
					if recover() == nil {
						t.Error("there was no panic")
					}
				}()
				_, _ = datastore.Open(ctx, eng, panics.definition)
			}()
			before.expectOpen(t, eng, rows)
		})
	}
	t.Run("function", func(t *testing.T) {
		eng, ctx := memory.Engine(), t.Context()
		tree3, index3, d3 := users3()
		other := clientsByID()
		rows := fillClients(t, eng, other, 5)
		s := openOne(t, eng, d3)
		nameless, good := "nameless", user3Of(1)
		if err := errors.Join(tree3.Put(ctx, s, &good), tree3.Put(ctx, s, &user3{ID: 2, Name: &nameless})); err != nil {
			t.Fatal(err)
		}
		closeStore(t, s)
		_, _, d4 := users4()
		later := clientsByEmail()
		_, err := datastore.Open(ctx, eng, d4, later.definition, datastore.OpenOptions{DropIndexes: []string{"bank.client/email"}})
		if !errors.Is(err, errNoName) {
			t.Errorf("%v", err)
		}
		other.expectOpen(t, eng, rows)
		s = openOne(t, eng, d3)
		if err := tree3.Delete(ctx, s, 2); err != nil {
			t.Fatal(err)
		}
		expectUsers(t, s, tree3, index3, 1, user3Of, func(u user3) string { return nameOf(u.Name) })
		closeStore(t, s)
		s, err = datastore.Open(ctx, eng, d4, later.definition, datastore.OpenOptions{DropIndexes: []string{"bank.client/email"}})
		if err != nil {
			t.Fatal(err)
		}
		closeStore(t, s)
		later.expectOpen(t, eng, rows)
	})
}

// A change that is not declared, one that was declared by a newer program, and one that cannot be
// made are refused, each with its remedy.
func TestRekeyingDeclared(t *testing.T) {
	ctx := t.Context()
	eng := memory.Engine()
	rows := fillClients(t, eng, clientsByID(), 3)
	team := func(version uint32, codec models.KeyCodec[string], opts ...models.IndexOption[client]) clients {
		return clientsBy(models.Uint64, idOf, []clientIndex[uint64]{
			func(tree *models.Tree[client, uint64]) func(context.Context, models.Reader, *client) ([]client, error) {
				models.NewMulti(tree, "team", codec, func(a *client) []string { return []string{a.Team} }, append(opts, models.IndexVersion[client](version))...)
				return func(_ context.Context, _ models.Reader, m *client) ([]client, error) { return []client{*m}, nil }
			},
			uniqueIndex[uint64]("email", 0, models.String, emailOf),
		})
	}
	expect := func(what string, a clients, words ...string) {
		t.Helper()
		_, err := datastore.Open(ctx, eng, a.definition)
		var refused *datastore.DefinitionError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", what, err)
			return
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v; want %q", what, err, word)
			}
		}
	}
	bySerial := func(a *client) int32 { return a.Serial }
	expect("another primary key", clientsBy(models.Int32, bySerial, nil), "primary key is uint64 in the store and int32 in the definition", "models.WithKeyVersion(1)")
	expect("another kind", team(0, models.String), "index team is index in the store and multi in the definition", "models.IndexVersion(1)")
	expect("a tree that travels", clientsBy(models.Int32, bySerial, nil, models.WithKeyVersion[client](1), models.WithPolicy[client](models.Open)), "the tree travels")
	expect("a codec without the key", clientsBy(models.Int32, bySerial, nil, models.WithKeyVersion[client](1),
		models.WithKey(func(a *client, serial int32) { a.Serial = serial })), "leaves it out of the rows")
	team(2, models.String).expectOpen(t, eng, rows)
	expect("an older index", team(1, models.String), "index team is of version 2 in the store and of version 1 in the definition", "newer program")
	team(2, models.String).expectOpen(t, eng, rows)
}

// A plan tells which trees get other primary keys, and which indexes are built anew. A schema file,
// which has no versions, describes the tree as it is.
func TestRekeyingPlanned(t *testing.T) {
	eng := memory.Engine()
	before, after := clientsByID(), clientsByEmail()
	fillClients(t, eng, before, 5)
	drop := datastore.OpenOptions{DropIndexes: []string{"bank.client/email"}}
	plans := planOf(t, eng, after.definition, drop)
	plan := plans.Trees[0]
	if len(plans.Differences) > 0 || !plan.Rekeyed || plan.Next != 1 || plan.Older != 0 || plan.Rows != 5 || !slices.Equal(plan.Build, []string{"team", "id", "tag"}) {
		t.Errorf("%+v", plans)
	}
	s, err := datastore.Open(t.Context(), eng, after.definition, drop)
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if plans := planOf(t, eng, before.definition); len(plans.Differences) == 0 || plans.Trees[0].Rekeyed {
		t.Errorf("the former program: %+v", plans)
	}
	in, err := datastore.Inspect(t.Context(), eng)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := in.Schema(t.Context(), "bank.client")
	if err = errors.Join(err, in.Close()); err != nil {
		t.Fatal(err)
	}
	plans, err = datastore.PlanSchemas(t.Context(), eng, schema)
	if err != nil || len(plans.Differences) > 0 || plans.Trees[0].Rekeyed || len(plans.Trees[0].Build) > 0 {
		t.Errorf("the schema: %+v, %v", plans, err)
	}
}

// Rows in the quarantine are not lost behind another primary key.
func TestRekeyingQuarantine(t *testing.T) {
	eng, ctx := memory.Engine(), t.Context()
	before, after := clientsByID(), clientsByEmail()
	rows := fillClients(t, eng, before, 5)
	stored := dump(t, eng)
	for _, p := range stored {
		if bytes.Equal(p.key, append([]byte{64}, models.Uint64.AppendLast(nil, 3)...)) {
			p.value[5] ^= 1
		}
	}
	eng = load(t, stored)
	drop := datastore.OpenOptions{DropIndexes: []string{"bank.client/email"}}
	if _, err := datastore.Open(ctx, eng, after.definition, drop); !errors.Is(err, models.ErrCorrupt) || !strings.Contains(err.Error(), "row 3 of tree bank.client") {
		t.Errorf("a damaged row: %v", err)
	}
	s := openOne(t, eng, before.definition)
	if report, err := datastore.Repair(ctx, s); err != nil || report.Left() != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	closeStore(t, s)
	delete(rows, 3)
	if _, err := datastore.Open(ctx, eng, after.definition, drop); !errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), "quarantine") {
		t.Errorf("a row in the quarantine: %v", err)
	}
	before.expectOpen(t, eng, rows)
	s, err := datastore.Open(ctx, eng)
	if err != nil {
		t.Fatal(err)
	}
	for q, err := range s.Quarantine(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.DropQuarantined(ctx, q.Key); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
	s, err = datastore.Open(ctx, eng, after.definition, drop)
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	after.expectOpen(t, eng, rows)
}

// The numbers of a sequence are not given again after the primary key has changed.
func TestRekeyingSequence(t *testing.T) {
	type ticket struct{ ID, Number uint64 }
	sequence := models.WithSequence(func(k *ticket, n uint64) { k.ID = n })
	first := models.NewTree("ticket", models.Uint64, func(k *ticket) uint64 { return k.ID }, sequence)
	// The same codec by another function, and back in a third release.
	second := models.NewTree("ticket", models.Uint64, func(k *ticket) uint64 { return k.Number }, models.WithKeyVersion[ticket](1))
	third := models.NewTree("ticket", models.Uint64, func(k *ticket) uint64 { return k.ID }, sequence, models.WithKeyVersion[ticket](2))
	eng, ctx := memory.Engine(), t.Context()
	s := openOne(t, eng, models.NewDefinition("office", first))
	var last ticket
	for i := range uint64(5) {
		last = ticket{Number: 100 - i}
		if err := first.Insert(ctx, s, &last); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Delete(ctx, s, last.ID); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = openOne(t, eng, models.NewDefinition("office", second))
	if got, err := second.Get(ctx, s, 98); err != nil || got != (ticket{3, 98}) {
		t.Errorf("%+v, %v", got, err)
	}
	closeStore(t, s)
	s = openOne(t, eng, models.NewDefinition("office", third))
	next := ticket{Number: 1}
	if err := third.Insert(ctx, s, &next); err != nil || next.ID <= last.ID {
		t.Errorf("the next number is %d after %d, %v", next.ID, last.ID, err)
	}
	closeStore(t, s)
}

// An index is built anew while rows expire that would be in its way. The old one is there until then.
func TestRebuildingExpired(t *testing.T) {
	eng, ctx := memory.Engine(), t.Context()
	before := clientsByID()
	rows := fillClients(t, eng, before, 6)
	s := openOne(t, eng, before.definition)
	expired := clientOf(1 + teams) // of the team of client 1
	if err := before.putUntil(ctx, s, &expired, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	after := clientsBy(models.Uint64, idOf, []clientIndex[uint64]{
		uniqueIndex[uint64]("team", 1, models.String, teamOf),
		uniqueIndex[uint64]("email", 0, models.String, emailOf),
	})
	after.expectOpen(t, eng, rows)
	again := clientOf(1 + teams)
	again.Team = "team of its own"
	rows[again.ID] = again
	s = openOne(t, eng, after.definition)
	if err := errors.Join(after.put(ctx, s, &again), after.expect(ctx, s, rows), s.Close()); err != nil {
		t.Error(err)
	}
}

// An index becomes a blind one, and its keys are hidden. The one with readable keys is gone.
func TestRebuildingBlind(t *testing.T) {
	eng, ctx := memory.Engine(), t.Context()
	key := datastore.OpenOptions{Key: secretOf(1)}
	before := clientsBy(models.Uint64, idOf, []clientIndex[uint64]{plainIndex[uint64]("team", 0, models.String, teamOf)})
	rows := fillClients(t, eng, before, 9, key)
	after := clientsBy(models.Uint64, idOf, []clientIndex[uint64]{
		func(tree *models.Tree[client, uint64]) func(context.Context, models.Reader, *client) ([]client, error) {
			ix := models.NewBlindUnique(tree, "team", models.String, teamOf, models.IndexVersion[client](1))
			return func(ctx context.Context, r models.Reader, m *client) ([]client, error) {
				found, err := ix.Get(ctx, r, m.Team)
				return []client{found}, err
			}
		},
	})
	after.expectOpen(t, eng, rows, key)
	for _, p := range dump(t, eng) {
		if bytes.Contains(append(p.key, p.value...), []byte("team5")) {
			t.Errorf("the key %x shows a team", p.key)
		}
	}
	if _, err := datastore.Open(ctx, eng, before.definition, key); !errors.Is(err, models.ErrDefinition) {
		t.Errorf("the former program: %v", err)
	}
}

// The memory of giving rows another primary key does not grow with their number, 100,000 in the long
// run.
func TestRekeyingMemory(t *testing.T) {
	n := uint64(10_000)
	if os.Getenv(manyRekeyed) != "" {
		n = 100_000
	}
	eng, ctx := bolt.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}}.Engine(), t.Context()
	before, after := clientsByID(), clientsByEmail()
	fillClients(t, eng, before, n)
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	start, highest, calls := live(), uint64(0), 0
	s, err := datastore.Open(ctx, eng, after.definition, datastore.OpenOptions{
		DropIndexes: []string{"bank.client/email"},
		Progress: func(datastore.OpenProgress) {
			if calls++; calls%16 == 0 {
				highest = max(highest, live())
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if all, err := after.all(ctx, s); err != nil || uint64(len(all)) != n {
		t.Errorf("%d rows, %v", len(all), err)
	}
	if highest > start+8<<20 {
		t.Errorf("the heap grew from %d to %d bytes", start, highest)
	}
}
