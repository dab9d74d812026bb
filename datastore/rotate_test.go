package datastore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// dataKeysOf returns the numbers of the data keys that an engine's rows and dictionaries are encrypted
// with, 0 for none, and how many of each, and the numbers of those in the catalog.
func dataKeysOf(t testing.TB, eng engine.Engine) (rows map[uint32]int, catalog []uint32) {
	t.Helper()
	rows = map[uint32]int{}
	for _, p := range dump(t, eng) {
		switch {
		case bytes.HasPrefix(p.key, []byte{1, 4}):
			catalog = append(catalog, binary.BigEndian.Uint32(p.key[2:]))
			continue
		case isTreeRow(p.key), bytes.HasPrefix(p.key, dictionaryKeys):
		default:
			continue
		}
		row, err := format.ParseRow(p.key, p.value)
		if err != nil {
			t.Fatal(err)
		}
		rows[row.Key]++
	}
	return rows, catalog
}

// isTreeRow reports whether a stored key is one of a row of the diary: 64 and 66 are its trees, 65 an
// index, and 67 is the store's own tree. The board that may lie beside the diary does not count.
func isTreeRow(key []byte) bool { return key[0] == 64 || key[0] == 66 || key[0] == 67 }

// fillDiary puts rows of all kinds, enough for a dictionary, and returns what reads them all.
func fillDiary(t testing.TB, s *datastore.Store) {
	t.Helper()
	ctx := t.Context()
	rows := func(yield func(diaryNote, error) bool) {
		for i := range uint64(2500) {
			if !yield(noteOf("packed", i), nil) {
				return
			}
		}
	}
	if _, err := datastore.Import(ctx, s, packedNotes, rows); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(20) {
		n := noteOf("plain", i)
		if err := diaryNotes.Put(ctx, s, &n); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Datastore().Put(ctx, ds.NewKey("/face"), []byte(needle("face", 1))); err != nil {
		t.Fatal(err)
	}
}

func checkDiary(t testing.TB, s *datastore.Store) {
	t.Helper()
	ctx := t.Context()
	for tree, want := range map[*models.Tree[diaryNote, uint64]]struct {
		kind string
		n    uint64
	}{packedNotes: {"packed", 2500}, diaryNotes: {"plain", 20}} {
		i := uint64(0)
		for n, err := range tree.All(ctx, s) {
			if err != nil || n != noteOf(want.kind, i) {
				t.Fatalf("row %d is %+v, %v", i, n, err)
			}
			i++
		}
		if i != want.n {
			t.Fatalf("%d rows, not %d", i, want.n)
		}
	}
	if got, err := s.Datastore().Get(ctx, ds.NewKey("/face")); err != nil || string(got) != needle("face", 1) {
		t.Fatalf("%q, %v", got, err)
	}
	if report, err := datastore.Verify(ctx, s); err != nil || !report.Clean() {
		t.Fatalf("%+v, %v", report, err)
	}
}

func rotate(t testing.TB, s *datastore.Store) int64 {
	t.Helper()
	var last datastore.RotateProgress
	n, err := s.Rotate(t.Context(), datastore.RotateOptions{Progress: func(p datastore.RotateProgress) {
		if p.Rows < last.Rows || p.Rewritten < last.Rewritten {
			t.Errorf("from %+v to %+v", last, p)
		}
		last = p
	}})
	if err != nil || n != last.Rewritten {
		t.Fatalf("%d rows, %+v, %v", n, last, err)
	}
	return n
}

// openPlain opens a store that is not encrypted with a key, to encrypt it.
func openPlain(t testing.TB, eng engine.Engine, key datastore.Key, d *models.Definition) *datastore.Store {
	t.Helper()
	if _, err := datastore.Open(t.Context(), eng, with(key, d)); !errors.Is(err, datastore.ErrNotEncrypted) {
		t.Fatal(err)
	}
	_, err := datastore.Inspect(t.Context(), eng, datastore.InspectOptions{Key: key})
	if !errors.Is(err, datastore.ErrNotEncrypted) {
		t.Fatal(err)
	}
	s, err := datastore.Open(t.Context(), eng, with(key, d), datastore.OpenOptions{Encrypt: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A store that was not encrypted is encrypted from when it is opened with a key, as a whole after
// Rotate, and gets another data key with the next Rotate.
func TestRotate(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			eng := newEngine(t)
			s := openKeyed(t, eng, nil, diary)
			fillDiary(t, s)
			if _, err := s.Rotate(ctx); !errors.Is(err, models.ErrInvalid) {
				t.Error("without a key:", err)
			}
			if err := s.ChangeKey(ctx, secretOf(1)); !errors.Is(err, models.ErrInvalid) {
				t.Error("without a key:", err)
			}
			closeStore(t, s)

			s = openPlain(t, eng, secretOf(1), diary)
			checkDiary(t, s)
			n := noteOf("plain", 3)
			if err := diaryNotes.Put(ctx, s, &n); err != nil {
				t.Fatal(err)
			}
			closeStore(t, s)
			rows, catalog := dataKeysOf(t, eng)
			all := rows[0] + rows[1]
			if rows[1] != 1 || all < 2522 || !reflect.DeepEqual(catalog, []uint32{1}) {
				t.Errorf("rows by key: %v, keys %v", rows, catalog)
			}

			s = openKeyed(t, eng, secretOf(1), diary)
			if n := rotate(t, s); n != int64(all-1) {
				t.Errorf("%d rows rewritten", n)
			}
			checkDiary(t, s)
			closeStore(t, s)
			rows, catalog = dataKeysOf(t, eng)
			if !reflect.DeepEqual(rows, map[uint32]int{1: all}) || !reflect.DeepEqual(catalog, []uint32{1}) {
				t.Errorf("rows by key: %v, keys %v", rows, catalog)
			}

			s = openKeyed(t, eng, secretOf(1), diary)
			old := storedNote(t, s)
			if n := rotate(t, s); n != int64(all) {
				t.Errorf("%d rows rewritten", n)
			}
			checkDiary(t, s)
			if err := s.ChangeKey(ctx, datastore.Passphrase([]byte("open sesame"))); err != nil {
				t.Fatal(err)
			}
			checkDiary(t, s)
			closeStore(t, s)
			rows, catalog = dataKeysOf(t, eng)
			if !reflect.DeepEqual(rows, map[uint32]int{2: all}) || !reflect.DeepEqual(catalog, []uint32{2}) {
				t.Errorf("rows by key: %v, keys %v", rows, catalog)
			}
			if _, err := datastore.Open(ctx, eng, with(secretOf(1), diary)); !errors.Is(err, datastore.ErrWrongKey) {
				t.Error("with the old key:", err)
			}

			// An old row put back is one of a key that is gone.
			putAll(t, eng, []pair{old})
			s = openKeyed(t, eng, datastore.Passphrase([]byte("open sesame")), diary)
			if n, err := diaryNotes.Get(ctx, s, 5); !errors.Is(err, models.ErrTampered) {
				t.Errorf("%+v, %v", n, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// storedNote returns what is stored of note 5.
func storedNote(t testing.TB, s *datastore.Store) (found pair) {
	t.Helper()
	var stream bytes.Buffer
	if _, err := s.Backup(t.Context(), &stream); err != nil {
		t.Fatal(err)
	}
	eng := memory.Engine()
	if _, err := datastore.Restore(t.Context(), eng, &stream); err != nil {
		t.Fatal(err)
	}
	key := binary.BigEndian.AppendUint64([]byte{64}, 5)
	for _, p := range dump(t, eng) {
		if bytes.Equal(p.key, key) {
			return p
		}
	}
	t.Fatal("note 5 is missing")
	return found
}

// Whichever call of the engine fails, nothing is lost, and the next Rotate goes on with the data key
// that the one before has made.
func TestRotationEnds(t *testing.T) {
	ctx := t.Context()
	base := memory.Engine()
	s := openKeyed(t, base, nil, diary)
	for i := range uint64(20) {
		n := noteOf("plain", i)
		if err := diaryNotes.Put(ctx, s, &n); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
	plain := dump(t, base)
	s = openPlain(t, base, secretOf(1), diary)
	rotate(t, s)
	closeStore(t, s)
	encrypted := dump(t, base)
	for name, from := range map[string][]pair{"of a plain store": plain, "of an encrypted store": encrypted} {
		t.Run(name, func(t *testing.T) {
			for call := 1; ; call++ {
				eng := &enginetest.Failing{Engine: load(t, from)}
				if &from[0] == &plain[0] {
					closeStore(t, openPlain(t, eng, secretOf(1), diary))
				}
				s := openKeyed(t, eng, secretOf(1), diary)
				eng.FailAt(call)
				_, err := s.Rotate(ctx)
				failed := eng.Failed()
				eng.FailAt(0)
				if failed != errors.Is(err, enginetest.ErrInjected) || !failed && err != nil {
					t.Fatalf("call %d: %v", call, err)
				}
				if n := eng.Transactions(); n != 0 {
					t.Fatalf("call %d: %d transactions are open", call, n)
				}
				closeStore(t, s) // as the end of the process: nothing is kept in memory
				_, catalog := dataKeysOf(t, eng)
				if len(catalog) > 2 {
					t.Fatalf("call %d: keys %v", call, catalog)
				}
				s = openKeyed(t, eng, secretOf(1), diary)
				rotate(t, s)
				closeStore(t, s)
				s = openKeyed(t, eng, secretOf(1), diary)
				for i := range uint64(20) {
					if n, err := diaryNotes.Get(ctx, s, i); err != nil || n != noteOf("plain", i) {
						t.Fatalf("call %d: %+v, %v", call, n, err)
					}
				}
				closeStore(t, s)
				rows, after := dataKeysOf(t, eng)
				newest := after[0]
				if len(after) != 1 || len(rows) != 1 || rows[newest] != 20 || len(catalog) == 2 && newest != catalog[1] {
					t.Fatalf("call %d: rows by key: %v, keys %v, before %v", call, rows, after, catalog)
				}
				if !failed {
					if call == 1 {
						t.Error("it never failed")
					}
					return
				}
			}
		})
	}
}

// Rotations and changes of the key beside writers, readers and an open snapshot: nothing is lost.
func TestRotateBesideWriters(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			eng := newEngine(t)
			s := openKeyed(t, eng, nil, diary)
			fillDiary(t, s)
			closeStore(t, s)
			s = openPlain(t, eng, secretOf(1), diary)
			batch, err := s.Datastore().Batch(ctx)
			if err == nil {
				err = batch.Put(ctx, ds.NewKey("/batch"), []byte("put before"))
			}
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			var writers sync.WaitGroup
			last := make([]uint64, 3)
			for w := range last {
				writers.Go(func() {
					for i := uint64(0); ; i++ {
						select {
						case <-done:
							return
						default:
						}
						n := noteOf("plain", uint64(w))
						n.Text = fmt.Sprint(i)
						err := diaryNotes.Put(ctx, s, &n)
						if err == nil && w == 0 {
							err = s.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
								return packedNotes.Modify(ctx, tx, i%2500, func(n *diaryNote) error { n.Author = "writer"; return nil })
							})
						}
						if err != nil {
							t.Error(err)
							return
						}
						last[w] = i
					}
				})
			}
			rotateAll := func() error {
				for range 3 {
					if _, err := s.Rotate(ctx); err != nil {
						return err
					}
					if err := s.ChangeKey(ctx, secretOf(3)); err != nil {
						return err
					}
				}
				return nil
			}
			if name == "bolt" { // a snapshot keeps it from mapping a larger file
				err = rotateAll()
			} else {
				err = s.View(ctx, func(inside context.Context, tx *datastore.ReadTx) error {
					if err := rotateAll(); err != nil {
						return err
					}
					i := uint64(0) // the snapshot is of before
					for n, err := range packedNotes.All(inside, tx) {
						if n.ID != i || err != nil || n.Text != noteOf("packed", i).Text {
							return fmt.Errorf("row %d is %+v, %w", i, n, err)
						}
						i++
					}
					return nil
				})
			}
			close(done)
			writers.Wait()
			if err != nil {
				t.Fatal(err)
			}
			if err := batch.Commit(ctx); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			rows, catalog := dataKeysOf(t, eng)
			if len(rows) != 1 || len(catalog) != 1 || rows[catalog[0]] == 0 {
				t.Errorf("rows by key: %v, keys %v", rows, catalog)
			}
			s = openKeyed(t, eng, secretOf(3), diary)
			for w, i := range last {
				if n, err := diaryNotes.Get(ctx, s, uint64(w)); err != nil || n.Text != fmt.Sprint(i) {
					t.Errorf("writer %d: %+v, %v, not %d", w, n, err, i)
				}
			}
			if got, err := s.Datastore().Get(ctx, ds.NewKey("/batch")); err != nil || string(got) != "put before" {
				t.Errorf("%q, %v", got, err)
			}
			closeStore(t, s)
		})
	}
}
