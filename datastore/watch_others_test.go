package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// A watch of a unique index of a tree that travels has every row that claims a key, and not the first one alone.
func TestWatchClaims(t *testing.T) {
	claims := models.NewTree("claim", models.Uint64, func(p *post) uint64 { return p.ID }, models.WithPolicy[post](models.Open))
	byTitle := models.NewUnique(claims, "title", models.String, func(p *post) string { return p.Title })
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		random := rand.New(rand.NewPCG(1, 7))
		write := func(n int) {
			t.Helper()
			for range n {
				var err error
				if p := postOf(random.Uint64N(30), random.Uint64N(17)); random.IntN(4) == 0 {
					err = claims.Delete(ctx, h.Store, p.ID)
				} else {
					err = claims.Put(ctx, h.Store, &p)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		write(60)
		within := models.From("title 1").Before("title 2")
		changes, err := byTitle.Watch(ctx, h.Store, within, models.WatchOptions{Snapshot: true, Buffer: 1000})
		if err != nil {
			t.Fatal(err)
		}
		last := post{ID: 1000, Title: "title 19"}
		got := map[uint64]post{}
		for c, err := range changes {
			if err != nil {
				t.Fatal(err)
			}
			old, there := got[c.Key]
			if c.Kind == models.RowChanged && (c.Was != there || c.Was && *c.Old != old) {
				t.Fatalf("post %d was %v, and %+v says another thing", c.Key, old, c)
			}
			if delete(got, c.Key); c.Kind != models.SnapshotDone && (c.Is || c.Kind == models.SnapshotRow) {
				got[c.Key] = *c.New
			}
			if c.Kind == models.SnapshotDone {
				write(150)
				if err := claims.Put(ctx, h.Store, &last); err != nil {
					t.Fatal(err)
				}
			} else if c.Key == last.ID {
				break
			}
		}
		want, keys := map[uint64]post{}, map[string]int{}
		for p, err := range byTitle.Range(ctx, h.Store, within) {
			if err != nil {
				t.Fatal(err)
			}
			want[p.ID] = p
			keys[p.Title]++
		}
		if !maps.Equal(got, want) || len(want) == len(keys) {
			t.Errorf("the watch has %v, and there are %v", got, want)
		}
	}, models.NewDefinition("claims", claims))
}

// A row that is damaged when it is written over, or deleted, is a change whose old row is not known. The watch
// goes on, and so do others.
func TestWatchDamagedOldRow(t *testing.T) {
	ctx := t.Context()
	tree := models.NewTree("entry", models.Uint64, entryID, models.WithFeed[entry](models.Feed{Changes: 100}))
	definition := models.NewDefinition("journal", tree)
	eng := memory.Engine()
	s, err := datastore.Open(ctx, eng, definition)
	if err != nil {
		t.Fatal(err)
	}
	for id := range uint64(4) {
		if err := tree.Put(ctx, s, &entry{id, "first"}); err != nil {
			t.Fatal(err)
		}
	}
	after := seqOf(t, s, tree)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := eng.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(ctx)
	for id := range uint64(2) {
		key := append([]byte{64}, 0, 0, 0, 0, 0, 0, 0, byte(id))
		row, getErr := txn.Get(key)
		row = slices.Clone(row)
		row[len(row)/2] ^= 1
		if _, parseErr := format.ParseRow(key, row); !errors.Is(parseErr, engine.ErrCorrupt) {
			t.Fatalf("the row is not damaged: %v", parseErr)
		}
		err = errors.Join(err, getErr, txn.Put(key, row))
	}
	if err := errors.Join(err, txn.Commit(ctx, engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
	if s, err = datastore.Open(ctx, eng, definition); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	live, err := tree.Watch(ctx, s, models.Range[uint64]{}, models.WatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	for id := range uint64(4) {
		if id%2 == 0 {
			errs = append(errs, tree.Put(ctx, s, &entry{id, "second"}))
		} else {
			errs = append(errs, tree.Delete(ctx, s, id))
		}
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	resumed, err := tree.Watch(ctx, s, models.Range[uint64]{}, models.WatchOptions{Resume: true, After: after})
	if err != nil {
		t.Fatal(err)
	}
	text := func(e *entry) string {
		if e == nil {
			return "none"
		}
		return e.Text
	}
	for name, changes := range map[string]func(func(models.Change[entry, uint64], error) bool){"live": live, "resumed": resumed} {
		var got []string
		for c, err := range changes {
			if err != nil {
				t.Fatal(name, err)
			}
			got = append(got, fmt.Sprintf("%d: %s, %v; %s, %v", c.Key, text(c.Old), c.Was, text(c.New), c.Is))
			if c.Key == 3 {
				break
			}
		}
		want := []string{"0: none, true; second, true", "1: none, true; none, false", "2: first, true; second, true", "3: first, true; none, false"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// seqOf returns the number of the last commit.
func seqOf(t *testing.T, s *datastore.Store, tree *models.Tree[entry, uint64]) uint64 {
	t.Helper()
	changes, err := tree.Watch(t.Context(), s, models.Range[uint64]{}, models.WatchOptions{Snapshot: true})
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range changes {
		if err != nil {
			t.Fatal(err)
		}
		if c.Kind == models.SnapshotDone {
			return c.Seq
		}
	}
	return 0
}

// A live query of a tree with a feed whose loop falls behind reads on from the feed, and has in the end what is
// there.
func TestLiveBehindOnAFeed(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		random := rand.New(rand.NewPCG(2, 7))
		rows, step := map[uint64]string{}, 0
		for v, err := range journal.Live(ctx, h.Store, models.Range[uint64]{}) {
			if err != nil {
				t.Fatal(err)
			}
			if v.Seq() < lastCommit(t, h.Store) {
				continue
			}
			got := map[uint64]string{}
			for e := range v.All() {
				got[e.ID] = e.Text
			}
			if !maps.Equal(got, rows) || v.Len() != len(rows) {
				t.Fatalf("step %d: %d rows, and there are %d", step, len(got), len(rows))
			}
			if step++; step == 3 {
				break
			}
			for range 3 { // three commits of more changes than may wait
				err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
					for range 700 {
						e := entry{random.Uint64N(2000), fmt.Sprint(random.Uint64())}
						rows[e.ID] = e.Text
						if err := journal.Put(ctx, tx, &e); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}, journals)
}
