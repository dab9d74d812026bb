package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// entry is a row of a tree with a feed.
type entry struct {
	ID   uint64
	Text string
}

func entryID(e *entry) uint64 { return e.ID }

// journalWith declares a tree with a feed, in a definition of its own.
func journalWith(options ...models.TreeOption[entry]) (*models.Tree[entry, uint64], *models.Definition) {
	tree := models.NewTree("entry", models.Uint64, entryID, options...)
	models.NewIndex(tree, "text", models.String, func(e *entry) string { return e.Text[:min(len(e.Text), 9)] })
	return tree, models.NewDefinition("journal", tree)
}

// journal keeps every change that these tests make.
var (
	journal, journals = journalWith(models.WithFeed[entry](models.Feed{Changes: 1 << 20}))
	// short keeps few.
	short, shorts = journalWith(models.WithFeed[entry](models.Feed{Changes: 40}))
	// bare declares no feed.
	bare, bares = journalWith()
)

// resume begins a watch of a tree behind a commit.
func resume(t *testing.T, s *datastore.Store, core *session.Tree, after uint64) (session.Watch, error) {
	t.Helper()
	w, err := s.BeginWatch(t.Context(), session.WatchRequest{
		Trees: []*session.Tree{core}, After: after, Resume: true, Changes: 4,
	})
	if err == nil {
		t.Cleanup(w.Close)
	}
	return w, err
}

// take reads some commits.
func take(t *testing.T, w session.Watch, n int) (commits []*session.Commit) {
	t.Helper()
	for len(commits) < n {
		batch, err := w.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		commits = append(commits, batch...)
	}
	return commits
}

// lastCommit returns the number of the last commit of a store.
func lastCommit(t *testing.T, s *datastore.Store) uint64 {
	t.Helper()
	w, err := s.BeginWatch(t.Context(), session.WatchRequest{Trees: []*session.Tree{people.Core()}})
	if err == nil {
		defer w.Close()
		return w.Seq()
	}
	for _, core := range []*session.Tree{journal.Core(), short.Core(), bare.Core()} {
		if w, err = s.BeginWatch(t.Context(), session.WatchRequest{Trees: []*session.Tree{core}}); err == nil {
			defer w.Close()
			return w.Seq()
		}
	}
	t.Fatal(err)
	return 0
}

// A watch reads from the feed what has changed while it was not there, across restarts, and then what
// changes from then on. It holds few changes, and reads on from the feed when they are too many.
func TestFeed(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		random := rand.New(rand.NewPCG(1, 2))
		begin := lastCommit(t, h.Store)
		rows := map[string][]byte{}
		var said uint64 // the last commit that the reader has seen
		var read int
		written := 0
		for round := range 6 {
			for range 30 {
				err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
					for range 1 + random.IntN(3) {
						id := random.Uint64N(20)
						if random.IntN(4) == 0 {
							if found, err := journal.Has(ctx, tx, id); err != nil || !found {
								return err
							}
							written++
							if err := journal.Delete(ctx, tx, id); err != nil {
								return err
							}
							continue
						}
						written++
						text := strings.Repeat("x", random.IntN(300))
						if random.IntN(20) == 0 {
							text = strings.Repeat("long", 60<<10) // several parts
						}
						if err := journal.Put(ctx, tx, &entry{id, text}); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			h.restart()
			after := said
			if round == 0 {
				after = begin
			}
			w, err := resume(t, h.Store, journal.Core(), after)
			if err != nil {
				t.Fatal(err)
			}
			marker := entry{uint64(1000 + round), "end"}
			if err := journal.Put(ctx, h.Store, &marker); err != nil {
				t.Fatal(err)
			}
			written++
			for ended := false; !ended; {
				batch, err := w.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range batch {
					if c.Seq <= said {
						t.Fatalf("commit %d comes after %d", c.Seq, said)
					}
					said = c.Seq
					for _, change := range c.Changes {
						read++
						if !bytes.Equal(rows[string(change.Key)], change.Old) {
							t.Fatalf("commit %d changes a row that was not there", c.Seq)
						}
						rows[string(change.Key)] = change.New
						if key, err := journal.DecodeKey(change.Key); err == nil && key == marker.ID {
							ended = true
						}
					}
				}
			}
			w.Close()
		}
		if read != written {
			t.Errorf("%d changes were read, %d written", read, written)
		}
	}, journals)
}

// A feed keeps what its bound says and at most an eighth more, and a watch that is behind is told so.
func TestFeedBounds(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		begin := lastCommit(t, h.Store)
		for i := range uint64(200) {
			if err := short.Put(ctx, h.Store, &entry{i, "text"}); err != nil {
				t.Fatal(err)
			}
			if i == 100 {
				h.restart()
			}
		}
		if _, err := resume(t, h.Store, short.Core(), begin); !errors.Is(err, session.ErrCompacted) {
			t.Errorf("a watch from the beginning: %v", err)
		}
		last := lastCommit(t, h.Store)
		kept := 0
		for after := last; ; after-- {
			w, err := resume(t, h.Store, short.Core(), after)
			if err != nil {
				if !errors.Is(err, session.ErrCompacted) {
					t.Fatal(err)
				}
				break
			}
			kept = len(take(t, w, int(last-after))) // each has one change
			w.Close()
		}
		if kept < 40 || kept > 45 {
			t.Errorf("%d changes are kept", kept)
		}
		if _, err := resume(t, h.Store, short.Core(), last+1); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("a watch behind the last commit: %v", err)
		}
	}, shorts)
}

// Old changes go when newer ones come.
func TestFeedAge(t *testing.T) {
	ctx := t.Context()
	tree, definition := journalWith(models.WithFeed[entry](models.Feed{Age: time.Millisecond}))
	store, err := datastore.Open(ctx, memory.Engine(), definition)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w, err := store.BeginWatch(ctx, session.WatchRequest{Trees: []*session.Tree{tree.Core()}, Changes: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	put := func(id uint64) uint64 {
		if err := tree.Put(ctx, store, &entry{id, ""}); err != nil {
			t.Fatal(err)
		}
		batch, err := w.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return batch[0].Seq
	}
	first := put(1)
	time.Sleep(3 * time.Millisecond)
	put(2)
	put(3) // has the feed trimmed
	if _, err := resume(t, store, tree.Core(), first-1); !errors.Is(err, session.ErrCompacted) {
		t.Error(err)
	}
}

// A program that declares no feed goes on with it, until it is told to end it.
func TestFeedOfOtherPrograms(t *testing.T) {
	ctx := t.Context()
	eng := memory.Engine()
	with := func(d *models.Definition, o datastore.OpenOptions, fn func(s *datastore.Store)) {
		t.Helper()
		store, err := datastore.Open(ctx, eng, d, o)
		if err != nil {
			t.Fatal(err)
		}
		fn(store)
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	var begin uint64
	with(journals, datastore.OpenOptions{}, func(s *datastore.Store) { begin = lastCommit(t, s) })
	with(bares, datastore.OpenOptions{}, func(s *datastore.Store) {
		if err := bare.Put(ctx, s, &entry{7, ""}); err != nil {
			t.Error(err)
		}
	})
	with(journals, datastore.OpenOptions{}, func(s *datastore.Store) {
		w, err := resume(t, s, journal.Core(), begin)
		if err != nil {
			t.Fatal(err)
		}
		if batch, err := w.Next(ctx); err != nil || len(batch) != 1 || len(batch[0].Changes) != 1 {
			t.Errorf("%v, error %v", batch, err)
		}
		w.Close()
		in := s.Inspect()
		if info, err := in.Store(ctx); err != nil || !slices.Contains(info.Features.ReadOnly, "feeds") {
			t.Errorf("%+v, error %v", info, err)
		}
	})
	drop := datastore.OpenOptions{DropFeeds: []string{bare.Name()}}
	with(bares, drop, func(s *datastore.Store) {
		if _, err := resume(t, s, bare.Core(), begin); !errors.Is(err, session.ErrCompacted) {
			t.Error(err)
		}
	})
	for _, p := range dump(t, eng) {
		if bytes.HasPrefix(p.key, format.FeedPrefix(nil)) {
			t.Errorf("the key %x is left", p.key)
		}
	}
	if _, err := datastore.Open(ctx, eng, bares, datastore.OpenOptions{DropFeeds: []string{"blog.user"}}); !errors.Is(err, models.ErrUnknownTree) {
		t.Error(err)
	}
}

// A copy that is restored from a backup follows the store from there on.
func TestFeedFromBackup(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		for i := range uint64(30) {
			if err := journal.Put(ctx, h.Store, &entry{i, "before"}); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		done, err := h.Backup(ctx, &out)
		if err != nil || done.Seq != lastCommit(t, h.Store) {
			t.Fatalf("%+v, error %v", done, err)
		}
		if err := journal.Put(ctx, h.Store, &entry{7, "after"}); err != nil {
			t.Fatal(err)
		}
		eng := memory.Engine()
		restored, err := datastore.Restore(ctx, eng, &out)
		if err != nil || restored.Seq != done.Seq {
			t.Fatalf("%+v, error %v", restored, err)
		}
		w, err := resume(t, h.Store, journal.Core(), done.Seq)
		if err != nil {
			t.Fatal(err)
		}
		if batch, err := w.Next(ctx); err != nil || len(batch) != 1 {
			t.Fatalf("%v, error %v", batch, err)
		}
		ch := &harness{t: t, engine: eng, definitions: h.definitions}
		ch.open()
		defer ch.close()
		if _, err := resume(t, ch.Store, journal.Core(), done.Seq-1); !errors.Is(err, session.ErrCompacted) {
			t.Errorf("the copy has changes from before: %v", err)
		}
		if w, err := resume(t, ch.Store, journal.Core(), done.Seq); err != nil {
			t.Error(err)
		} else {
			w.Close()
		}
	}, journals)
}

// Each kind of damage in a feed is found and mended. Watches that need something that is lost say so.
func TestDamagedFeed(t *testing.T) {
	ctx := t.Context()
	eng := memory.Engine()
	h := &harness{t: t, engine: eng, definitions: []*models.Definition{journals}}
	h.open()
	begin := lastCommit(t, h.Store)
	for i := range uint64(5) {
		if err := journal.Put(ctx, h.Store, &entry{i, strings.Repeat("text", 20<<10)}); err != nil {
			t.Fatal(err)
		}
	}
	h.close()
	all := dump(t, eng)
	for i, p := range all {
		if p.key[0] != byte(format.Commits) {
			continue
		}
		t.Run(fmt.Sprintf("%x", p.key), func(t *testing.T) {
			damaged := slices.Clone(all)
			damaged[i].value = bytes.Clone(p.value)
			damaged[i].value[len(p.value)/2] ^= 1
			eng := load(t, damaged)
			store, err := datastore.Open(ctx, eng, journals)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			for _, mend := range []bool{false, true} {
				check := datastore.Verify
				if mend {
					check = datastore.Repair
				}
				report, err := check(ctx, store)
				if err != nil {
					t.Fatal(err)
				}
				// A floor is mended by opening, since nothing else would tell of a feed what it has.
				if floor := bytes.HasPrefix(p.key, format.FeedFloorKey(nil)); report.BadRows != 1 != floor {
					t.Errorf("repair %t: %d are damaged: %v", mend, report.BadRows, report.Damage)
				}
			}
			if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() {
				t.Errorf("%+v, error %v", report, err)
			}
			w, err := resume(t, store, journal.Core(), begin)
			if bytes.Equal(p.key, format.LastCommitKey()) != (err == nil) {
				t.Errorf("a watch from the beginning: %v", err)
			}
			if err == nil {
				w.Close()
			}
			if err := journal.Put(ctx, store, &entry{9, ""}); err != nil {
				t.Error(err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
			noChangesBelowFloors(t, dump(t, eng))
		})
	}
}

// noChangesBelowFloors checks that feeds have no changes that nobody can read.
func noChangesBelowFloors(t *testing.T, all []pair) {
	t.Helper()
	feed, floors := format.FeedPrefix(nil), format.FeedFloorKey(nil)
	for _, p := range all {
		rows, ok := bytes.CutPrefix(p.key, floors)
		if !ok {
			continue
		}
		floor, err := format.ParseNumber(p.key, p.value)
		if err != nil {
			t.Error(err)
		}
		prefix := append(bytes.Clone(feed), rows...)
		for _, p := range all {
			if bytes.HasPrefix(p.key, prefix) && bytes.Compare(p.key, format.FeedKey(prefix, floor, 0xFFFF)) < 0 {
				t.Errorf("the floor is %d, and there is %x", floor, p.key)
			}
		}
	}
}

// A drop of a feed that fails at any commit is done by the next one.
func TestDropOfFeedFails(t *testing.T) {
	ctx := t.Context()
	for fails := int64(1); ; fails++ {
		eng := &countingEngine{Engine: memory.Engine()}
		store, err := datastore.Open(ctx, eng, shorts)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(30) {
			if err := short.Put(ctx, store, &entry{i, "text"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		calls := int64(0)
		eng.onCommit = func() error {
			if calls++; calls == fails {
				return engine.ErrNoSpace
			}
			return nil
		}
		drop := datastore.OpenOptions{DropFeeds: []string{"journal.entry"}}
		store, err = datastore.Open(ctx, eng, bares, drop)
		eng.onCommit = nil
		failed := err != nil
		if err == nil {
			err = store.Close()
		} else if errors.Is(err, engine.ErrNoSpace) {
			err = nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if store, err = datastore.Open(ctx, eng, bares, drop); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		for _, p := range dump(t, eng) {
			if bytes.HasPrefix(p.key, format.FeedPrefix(nil)) || bytes.HasPrefix(p.key, format.FeedFloorKey(nil)) {
				t.Errorf("%d commits, and %x is left", fails, p.key)
			}
		}
		if !failed {
			return
		}
	}
}

// The feed of an encrypted store tells nobody without the key what rows hold, and ends when the keys
// of its rows go.
func TestFeedOfEncryptedStores(t *testing.T) {
	ctx := t.Context()
	eng := memory.Engine()
	key := datastore.SecretKey(bytes.Repeat([]byte{7}, 32))
	store, err := datastore.Open(ctx, eng, journals, datastore.OpenOptions{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	begin := lastCommit(t, store)
	for i := range uint64(5) {
		if err := journal.Put(ctx, store, &entry{i, "nobody may read this"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range dump(t, eng) {
		if p.key[0] == byte(format.Commits) && bytes.Contains(p.value, []byte("nobody")) {
			t.Errorf("%x can be read", p.key)
		}
	}
	if store, err = datastore.Open(ctx, eng, journals, datastore.OpenOptions{Key: key}); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w, err := resume(t, store, journal.Core(), begin)
	if err != nil {
		t.Fatal(err)
	}
	place := w.Place(journal.Core())
	for _, c := range take(t, w, 5) {
		change := c.Changes[0]
		row, err := format.ParseRow(append(bytes.Clone(place.Space), change.Key...), change.New)
		if err == nil {
			_, err = place.Value(row)
		}
		if err != nil {
			t.Error(err)
		}
	}
	w.Close()
	rotate(t, store)
	if _, err := resume(t, store, journal.Core(), begin); !errors.Is(err, session.ErrCompacted) {
		t.Error(err)
	}
}
