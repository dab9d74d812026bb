package datastore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// queueLength closes the store and counts the entries of its expiry queue.
func (h *harness) queueLength() int {
	h.t.Helper()
	h.close()
	n := 0
	for _, key := range dump(h.t, h.engine) {
		if _, _, ok := format.CutExpiryKey([]byte(key.key)); ok {
			n++
		}
	}
	h.open()
	return n
}

// A row that is stored again and again, each time with another expiry, has one
// entry in the expiry queue, and one that is deleted or told to last has none.
func TestOneQueueEntryForARow(t *testing.T) {
	notes, definition := newNotes()
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		key, p, n := ds.NewKey("/session"), somebody(1), note{ID: 1}
		put := func(after time.Duration) {
			t.Helper()
			at := time.Now().Add(after)
			err := errors.Join(h.Datastore().PutWithTTL(ctx, key, []byte("x"), after),
				people.PutUntil(ctx, h.Store, &p, at), notes.PutUntil(ctx, h.Store, &n, at))
			if err != nil {
				t.Fatal(err)
			}
		}
		expect := func(when string, want int) {
			t.Helper()
			if n := h.queueLength(); n != want {
				t.Errorf("%s there are %d entries, want %d", when, n, want)
			}
		}
		for i := range 20 {
			put(time.Duration(i+1) * time.Hour)
		}
		expect("after 20 refreshes", 3)
		put(time.Hour) // by a store that has been opened anew
		expect("after one more", 3)
		err := errors.Join(h.Datastore().SetTTL(ctx, key, time.Minute), notes.SetExpiry(ctx, h.Store, 1, time.Now().Add(time.Minute)))
		if err != nil {
			t.Fatal(err)
		}
		expect("after another expiry was set", 3)
		err = errors.Join(h.Datastore().Put(ctx, key, nil), people.Put(ctx, h.Store, &p), notes.Put(ctx, h.Store, &n))
		if err != nil {
			t.Fatal(err)
		}
		expect("of rows that last", 0)
		put(time.Hour)
		err = errors.Join(h.Datastore().Delete(ctx, key), people.Delete(ctx, h.Store, 1), notes.DeleteMany(ctx, h.Store, []uint64{1, 2}))
		if err != nil {
			t.Fatal(err)
		}
		expect("of rows that are deleted", 0)
		put(time.Hour)
		batch, err := h.Datastore().Batch(ctx)
		if err == nil {
			err = errors.Join(batch.Delete(ctx, key), batch.Commit(ctx), people.Clear(ctx, h.Store), notes.Clear(ctx, h.Store))
		}
		if err != nil {
			t.Fatal(err)
		}
		expect("of rows that are cleared", 0)
	}, town, definition)
}

// In a tree without indexes a put reads nothing until a row of that tree may
// expire, also after the store was opened again.
func TestPutsAreBlind(t *testing.T) {
	ctx := t.Context()
	eng := &countingEngine{Engine: memory.Engine()}
	notes, definition := newNotes()
	s, err := datastore.Open(ctx, eng, definition)
	if err != nil {
		t.Fatal(err)
	}
	gets := func(write func() error) int64 {
		t.Helper()
		before := eng.gets.Load()
		if err := write(); err != nil {
			t.Fatal(err)
		}
		return eng.gets.Load() - before
	}
	putNote := func() error { return notes.Put(ctx, s, &note{ID: 1}) }
	deleteNote := func() error { return notes.Delete(ctx, s, 1) }
	putKey := func() error { return s.Datastore().Put(ctx, ds.NewKey("/x"), nil) }
	blind := func(when string) {
		t.Helper()
		for name, write := range map[string]func() error{"put": putNote, "delete": deleteNote} {
			if n := gets(write); n != 0 {
				t.Errorf("%s a %s reads %d rows", when, name, n)
			}
		}
	}
	blind("in a new store")
	if n := gets(putKey); n != 0 {
		t.Error("a put of a plain key reads", n)
	}
	if err := s.Datastore().PutWithTTL(ctx, ds.NewKey("/y"), nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		blind("where other trees have rows that expire")
		if n := gets(putKey); n != 1 {
			t.Error("a put of a plain key reads", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err = datastore.Open(ctx, eng, definition); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Beyond so many entries of the queue opening does not look which trees they are
// of: then any may have some.
func TestOpeningLooksAtTheBeginningOfTheQueue(t *testing.T) {
	ctx := t.Context()
	notes, definition := newNotes()
	h := &harness{t: t, engine: memory.Engine(), definitions: []*models.Definition{town, definition}}
	h.open()
	for i := range uint64(1100) {
		p := somebody(i)
		if err := people.PutUntil(ctx, h.Store, &p, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := notes.PutUntil(ctx, h.Store, &note{ID: 1}, time.Now().Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	before := h.queueLength() // which opens it again
	if err := notes.Delete(ctx, h.Store, 1); err != nil {
		t.Fatal(err)
	}
	if n := h.queueLength(); n != before-1 {
		t.Errorf("%d entries, then %d", before, n)
	}
	h.close()
}

// Earlier versions left entries of the queue behind. They are no damage; Repair
// drops them, and nothing else.
func TestStaleQueueEntries(t *testing.T) {
	ctx := context.Background()
	h := &harness{t: t, engine: memory.Engine(), definitions: []*models.Definition{town}}
	h.open()
	p := somebody(1)
	at := time.Now().Add(time.Hour)
	if err := people.PutUntil(ctx, h.Store, &p, at); err != nil {
		t.Fatal(err)
	}
	if n := h.queueLength(); n != 1 {
		t.Fatal(n)
	}
	h.close()
	db, err := h.engine.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var row []byte // is stored under this key
	for _, key := range dumpDB(t, db) {
		if _, rowKey, ok := format.CutExpiryKey([]byte(key)); ok {
			row = rowKey
		}
	}
	for _, stale := range [][]byte{
		format.AppendExpiryKey(nil, at.Add(time.Hour).UnixNano(), row),
		format.AppendExpiryKey(nil, at.Add(2*time.Hour).UnixNano(), row),
		format.AppendExpiryKey(nil, at.UnixNano(), append(row[:len(row):len(row)], 1)),
	} {
		if err := txn.Put(stale, format.AppendChecksum(nil, stale)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(txn.Commit(ctx, engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
	h.open()
	if n := h.queueLength(); n != 4 { // which verifies
		t.Error(n)
	}
	if report, err := datastore.Repair(ctx, h.Store); err != nil || !report.Clean() || report.Repaired != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if n := h.queueLength(); n != 1 {
		t.Errorf("%d entries are left", n)
	}
	if has, err := people.Has(ctx, h.Store, 1); !has || err != nil {
		t.Error(has, err)
	}
	h.close()
}
