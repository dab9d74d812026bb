package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// follow begins a watch of the people of a store.
func follow(t *testing.T, s *datastore.Store, changes int) session.Watch {
	t.Helper()
	w, err := s.BeginWatch(t.Context(), session.WatchRequest{
		Trees: []*session.Tree{people.Core()}, Changes: changes,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// Writers that run at once on every engine: each change names the row that was there before it, so
// the changes, in the order in which they came, have to make a chain for each row.
func TestCommitsInOrder(t *testing.T) {
	const writers, each = 8, 60
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		w := follow(t, h.Store, 1<<20)
		var running sync.WaitGroup
		for i := range writers {
			running.Go(func() {
				for n := range each {
					write := h.Update
					if n%2 == 0 {
						write = h.UpdateRelaxed
					}
					err := write(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
						for _, id := range []uint64{uint64(n % 3), uint64(3 + i)} {
							p := somebody(id)
							p.Name = fmt.Sprint(i, n)
							if err := people.Put(ctx, tx, &p); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil && !errors.Is(err, models.ErrConflict) {
						t.Error(err)
					}
				}
			})
		}
		running.Wait()
		rows := map[string][]byte{}
		last, commits := w.Seq(), 0
		for stop := errors.New("stop"); ; {
			ended, cancel := context.WithCancelCause(ctx)
			cancel(stop)
			batch, err := w.Next(ended)
			if errors.Is(err, stop) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range batch {
				if c.Seq <= last {
					t.Fatalf("commit %d comes after %d", c.Seq, last)
				}
				last = c.Seq
				commits++
				if len(c.Changes) != 2 {
					t.Fatalf("commit %d has %d changes", c.Seq, len(c.Changes))
				}
				for _, change := range c.Changes {
					if !bytes.Equal(rows[string(change.Key)], change.Old) {
						t.Fatalf("commit %d changes a row that was not there", c.Seq)
					}
					rows[string(change.Key)] = change.New
				}
			}
		}
		if commits == 0 || len(rows) != 3+writers {
			t.Errorf("%d commits, %d rows", commits, len(rows))
		}
		ses, _, err := w.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer ses.End()
		for key, row := range rows {
			stored, err := ses.Read.Get(append(bytes.Clone(w.Place(people.Core()).Space), key...))
			if err != nil || !bytes.Equal(stored, row) {
				t.Errorf("row %x: error %v, equal %t", key, err, bytes.Equal(stored, row))
			}
		}
	}, town)
}

// A transaction that has begun before a watch either commits before it, or is one of its changes.
func TestFollowBesideTransactions(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		for id := range uint64(20) {
			var w session.Watch
			runs := 0
			err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
				p := somebody(id)
				if err := people.Put(ctx, tx, &p); err != nil {
					return err
				}
				if runs++; runs == 1 {
					w = follow(t, h.Store, 10)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if runs != 2 {
				t.Errorf("the transaction ran %d times", runs)
			}
			batch, err := w.Next(ctx)
			if err != nil || len(batch) != 1 || len(batch[0].Changes) != 1 || batch[0].Changes[0].Old != nil {
				t.Fatalf("%v, error %v", batch, err)
			}
			w.Close()
		}
	}, town)
}

// A watch that nobody reads from holds no more than its bound, and says where it stopped.
func TestFollowLagging(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		w, quick := follow(t, h.Store, 3), follow(t, h.Store, 100)
		for id := range uint64(5) {
			p := somebody(id)
			if err := people.Put(ctx, h.Store, &p); err != nil {
				t.Fatal(err)
			}
		}
		batch, err := w.Next(ctx)
		if err != nil || len(batch) != 3 {
			t.Fatalf("%d commits, error %v", len(batch), err)
		}
		_, err = w.Next(ctx)
		var lagging *session.LaggingError
		if !errors.As(err, &lagging) || lagging.Seq != batch[2].Seq || !errors.Is(err, session.ErrLagging) {
			t.Errorf("error %v, want one that names commit %d", err, batch[2].Seq)
		}
		if batch, err := quick.Next(ctx); err != nil || len(batch) != 5 {
			t.Errorf("the other watch has %d commits, error %v", len(batch), err)
		}
	}, town)
}

// Next returns the number of a read behind the commits that the read has, and before those after it, on a
// full queue as well.
func TestFollowRead(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		w := follow(t, h.Store, 2)
		write := func(id uint64) {
			t.Helper()
			p := somebody(id)
			if err := people.Put(ctx, h.Store, &p); err != nil {
				t.Fatal(err)
			}
		}
		read := func() (seq uint64) {
			t.Helper()
			ses, seq, err := w.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			ses.End()
			return seq
		}
		write(1)
		first := read()
		write(2)
		second := read()
		batch, err := w.Next(ctx)
		if err != nil || len(batch) != 4 || first == second {
			t.Fatalf("%d commits, error %v", len(batch), err)
		}
		for i, c := range batch {
			seq, changes := []uint64{first, first, second, second}[i], 1-i%2
			if c.Seq != seq || len(c.Changes) != changes {
				t.Errorf("commit %d has number %d and %d changes, want %d and %d", i, c.Seq, len(c.Changes), seq, changes)
			}
		}
	}, town)
}
