package journal_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onDisk is an engine of one program on a disk, alone or with others.
type onDisk struct {
	disk  *disk
	alone bool
	mu    sync.Mutex
	open  bool
}

func (*onDisk) Name() string { return "journal" }

func (e *onDisk) Open(ctx context.Context) (engine.DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open {
		return nil, engine.ErrLocked
	}
	p := &program{disk: e.disk, holds: map[chan struct{}]bool{}}
	o := journal.Options{
		Storage: p, CheckpointBytes: 1 << 20,
		End: func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.open = false
		},
	}
	if !e.alone {
		o.Others = p
	}
	db, err := journal.Open(ctx, o)
	e.open = err == nil
	return db, err
}

func TestEngine(t *testing.T) {
	for _, alone := range []bool{true, false} {
		t.Run(fmt.Sprint("alone=", alone), func(t *testing.T) {
			enginetest.Run(t, func(*testing.T) engine.Engine { return &onDisk{disk: newDisk(), alone: alone} })
		})
	}
}

// content reads all rows.
func content(db engine.DB) (map[string]string, error) {
	txn, err := db.View(context.Background())
	if err != nil {
		return nil, err
	}
	defer txn.Discard()
	rows := map[string]string{}
	c := txn.Cursor(engine.Range{})
	defer c.Close()
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			return nil, err
		}
		rows[string(c.Key())] = string(value)
	}
	return rows, c.Err()
}

// TestFailures has two programs write to a disk, which fails or during whose calls they end. All commits
// that were acknowledged are there, and of the others all or nothing.
func TestFailures(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		d := newDisk()
		want := map[string]string{}
		programs := make([]*program, 2)
		open := func(i int) {
			o := journal.Options{CheckpointBytes: 200}
			p, err := d.open(ctx, o)
			if err != nil {
				rt.Fatal(err)
			}
			programs[i] = p
		}
		check := func(db *journal.DB) {
			rt.Helper()
			got, err := content(db)
			if err != nil || !maps.Equal(got, want) {
				rt.Fatalf("there is %v, error %v; want %v", got, err, want)
			}
		}
		// resolve finds out by another reader whether a commit is there of which nobody has told.
		resolve := func(then map[string]string) {
			reader, err := d.open(ctx, journal.Options{ReadOnly: true, CheckpointBytes: 200})
			if err != nil {
				rt.Fatal(err)
			}
			defer reader.close()
			if got, err := content(reader.db); err == nil && maps.Equal(got, then) {
				want = then
			}
			check(reader.db)
			if err := reader.db.Verify(ctx); err != nil {
				rt.Fatal(err)
			}
		}
		defer func() {
			for _, p := range programs {
				_ = p.close()
			}
		}()
		open(0)
		open(1)
		which := rapid.IntRange(0, 1)
		mayFail := func(err error) {
			rt.Helper()
			if err != nil && !errors.Is(err, errFailed) && !errors.Is(err, errEnded) {
				rt.Fatal(err)
			}
		}
		again := func(i int) { // opens the disk once more if the program has ended
			if programs[i].ended {
				_ = programs[i].close()
				open(i)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"commit": func(rt *rapid.T) {
				i := which.Draw(rt, "program")
				defer again(i)
				txn, err := programs[i].db.Update(ctx)
				if mayFail(err); err != nil {
					return
				}
				defer txn.Discard()
				then := maps.Clone(want)
				for range rapid.IntRange(0, 4).Draw(rt, "changes") {
					key := rapid.StringMatching("[a-e]").Draw(rt, "key")
					if value, err := txn.Get([]byte(key)); err == nil && string(value) != then[key] {
						rt.Fatalf("%q holds %q, want %q", key, value, then[key])
					}
					if rapid.Bool().Draw(rt, "delete") {
						delete(then, key)
						err = txn.Delete([]byte(key))
					} else {
						then[key] = rapid.StringMatching("[x-z]{0,40}").Draw(rt, "value")
						err = txn.Put([]byte(key), []byte(then[key]))
					}
					if err != nil {
						rt.Fatal(err)
					}
				}
				how := rapid.SampledFrom([]engine.Durability{engine.Durable, engine.Relaxed}).Draw(rt, "how")
				err = txn.Commit(ctx, how)
				switch mayFail(err); {
				case err == nil:
					want = then
				case programs[i].ended:
					resolve(then)
				}
			},
			"compact": func(rt *rapid.T) {
				i := which.Draw(rt, "program")
				defer again(i)
				mayFail(programs[i].db.Compact(ctx))
			},
			"fail": func(rt *rapid.T) {
				p := programs[which.Draw(rt, "program")]
				p.mu.Lock()
				defer p.mu.Unlock()
				p.failAt = rapid.IntRange(1, 8).Draw(rt, "call")
				p.failure = rapid.SampledFrom([]error{errFailed, errEnded, engine.ErrNoSpace}).Draw(rt, "failure")
				p.halfway = rapid.Bool().Draw(rt, "halfway")
				if errors.Is(p.failure, engine.ErrNoSpace) {
					p.failure = fmt.Errorf("%w: %w", errFailed, p.failure)
				}
			},
			"verify": func(rt *rapid.T) {
				i := which.Draw(rt, "program")
				defer again(i)
				mayFail(programs[i].db.Verify(ctx))
			},
			"open again": func(rt *rapid.T) {
				i := which.Draw(rt, "program")
				mayFail(programs[i].close())
				open(i)
				check(programs[i].db)
			},
			"": func(*rapid.T) { resolve(want) },
		})
	})
}

// TestTogether has programs count in the same row at once. No update is lost, and readers see no half of a
// commit.
func TestTogether(t *testing.T) {
	ctx, d := t.Context(), newDisk()
	const programs, each = 3, 200
	stop := make(chan struct{})
	var writers, readers sync.WaitGroup
	for range programs {
		p, err := d.open(ctx, journal.Options{CheckpointBytes: 1000})
		if err != nil {
			t.Fatal(err)
		}
		defer p.close()
		writers.Go(func() {
			for range each {
				if err := increment(ctx, p.db); err != nil {
					t.Error(err)
					return
				}
			}
		})
		readers.Go(func() {
			for last := ""; ; {
				select {
				case <-stop:
					return
				default:
				}
				rows, err := content(p.db)
				if err != nil || rows["a"] != rows["b"] || rows["a"] < last {
					t.Errorf("after %s there is %v, error %v", last, rows, err)
					return
				}
				last = rows["a"]
				if err := p.db.Verify(ctx); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	p, err := d.open(ctx, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if rows, err := content(p.db); err != nil || rows["a"] != fmt.Sprintf("%06d", programs*each) {
		t.Errorf("there is %v, error %v", rows, err)
	}
}

// increment adds one to two rows.
func increment(ctx context.Context, db engine.DB) error {
	txn, err := db.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	n := 0
	value, err := txn.Get([]byte("a"))
	if err == nil {
		_, err = fmt.Sscanf(string(value), "%d", &n)
	} else if errors.Is(err, engine.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return err
	}
	next := fmt.Appendf(nil, "%06d", n+1)
	if err := errors.Join(txn.Put([]byte("a"), next), txn.Put([]byte("b"), next)); err != nil {
		return err
	}
	return txn.Commit(ctx, engine.Relaxed)
}

// TestTaken closes a database whose storage is taken away.
func TestTaken(t *testing.T) {
	ctx, d := t.Context(), newDisk()
	p, err := d.open(ctx, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	txn, err := p.db.Update(ctx)
	if err != nil {
		t.Fatal(err)
	}
	errTaken := fmt.Errorf("gone: %w", engine.ErrClosed)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.db.Taken(errTaken)
	}()
	for { // until it is closing
		view, err := p.db.View(ctx)
		if err != nil {
			if !errors.Is(err, errTaken) {
				t.Error(err)
			}
			break
		}
		view.Discard()
	}
	if err := txn.Put([]byte("a"), nil); err != nil {
		t.Error(err)
	}
	if err := txn.Commit(ctx, engine.Durable); !errors.Is(err, errTaken) {
		t.Errorf("a commit returned %v", err)
	}
	<-done
	_, updated := p.db.Update(ctx)
	_, sized := p.db.Size(ctx)
	for _, err := range []error{updated, sized, p.db.Sync(ctx), p.db.Compact(ctx), p.db.Verify(ctx)} {
		if !errors.Is(err, errTaken) {
			t.Errorf("a call returned %v", err)
		}
	}
	if len(d.log) > 0 {
		t.Error("a commit was stored")
	}
}

// TestOpenReads opens a database whose log goes back to the checkpoint before the last one. It reads what is
// behind the last one alone.
func TestOpenReads(t *testing.T) {
	ctx, d := t.Context(), newDisk()
	p, err := d.open(ctx, journal.Options{CheckpointBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	for _, commits := range []int{3, 4, 2} {
		if err := p.db.Compact(ctx); err != nil {
			t.Fatal(err)
		}
		for range commits {
			if err := increment(ctx, p.db); err != nil {
				t.Fatal(err)
			}
		}
	}
	again, err := d.open(ctx, journal.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer again.close()
	want, err := content(p.db)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := content(again.db); err != nil || !maps.Equal(got, want) {
		t.Errorf("it has %q, %v; want %q", got, err, want)
	}
	if len(d.log) != 6 || again.read != 2 {
		t.Errorf("of %d commits in the log it has read %d", len(d.log), again.read)
	}
}

// TestDamage changes a bit of what is stored, or removes some of it.
func TestDamage(t *testing.T) {
	ctx := t.Context()
	for name, harm := range map[string]func(d *disk){
		"value":          func(d *disk) { d.values[[2]uint64{1, 0}][5] ^= 1 },
		"missing value":  func(d *disk) { clear(d.values) },
		"commit":         func(d *disk) { d.log[len(d.log)-1].Batch[5] ^= 1 },
		"missing commit": func(d *disk) { d.log = append(d.log[:len(d.log)-2], d.log[len(d.log)-1]) },
		"missing log":    func(d *disk) { d.log = nil },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk()
			p, err := d.open(ctx, journal.Options{CheckpointBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			defer p.close()
			for i := range 6 {
				if err := increment(ctx, p.db); err != nil {
					t.Fatal(err)
				}
				if i == 2 {
					if err := p.db.Compact(ctx); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := p.db.Verify(ctx); err != nil {
				t.Error(err)
			}
			harm(d)
			if err := p.db.Verify(ctx); !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("Verify returned %v", err)
			}
			again, err := d.open(ctx, journal.Options{})
			if err == nil {
				again.close()
			}
			if name != "missing log" && !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("Open returned %v", err)
			}
		})
	}
}

// A checkpoint for which there is no room takes none afterwards, and what was there before counts.
func TestNoRoomForCheckpoint(t *testing.T) {
	ctx, d := t.Context(), newDisk()
	p, err := d.open(ctx, journal.Options{CheckpointBytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	for i := range 5 {
		txn, err := p.db.Update(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := txn.Put([]byte{byte(i)}, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if err := txn.Commit(ctx, engine.Durable); err != nil {
			t.Fatal(err)
		}
	}
	p.failAt, p.failure = 5, engine.ErrNoSpace // after it has read, begun, and put two values
	if err := p.db.Compact(ctx); !errors.Is(err, engine.ErrNoSpace) {
		t.Errorf("a checkpoint without room returns %v", err)
	}
	if len(d.values) != 0 || d.state != (journal.State{}) {
		t.Errorf("there are %d values of it, and the state is %+v", len(d.values), d.state)
	}
	if err := p.db.Compact(ctx); err != nil || len(d.values) == 0 {
		t.Errorf("with room there are %d values, %v", len(d.values), err)
	}
}
