package datastore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/models"
)

// fillTown puts something of everything into a store.
func fillTown(t testing.TB, s *datastore.Store, n uint64) {
	t.Helper()
	ctx := context.Background()
	for i := range n {
		p := somebody(i)
		if err := people.Put(ctx, s, &p); err != nil {
			t.Fatal(err)
		}
	}
	face := s.Datastore()
	if err := errors.Join(face.Put(ctx, ds.NewKey("/empty"), nil), face.Put(ctx, ds.NewKey("/other/data"), []byte("x")),
		face.PutWithTTL(ctx, ds.NewKey("/ends"), []byte("x"), time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func backup(t testing.TB, s *datastore.Store) []byte {
	t.Helper()
	var out bytes.Buffer
	done, err := s.Backup(context.Background(), &out)
	if err != nil || done.Keys == 0 || done.Bytes == 0 || int64(out.Len()) < done.Bytes {
		t.Fatalf("%+v, %v, %d bytes", done, err, out.Len())
	}
	return out.Bytes()
}

// A backup of a store on any engine is the same store on any other.
func TestBackupAndRestore(t *testing.T) {
	skipShort(t)
	for from, newSource := range engines {
		t.Run("from "+from, func(t *testing.T) {
			source := newSource(t)
			h := &harness{t: t, engine: source, definitions: []*models.Definition{town}}
			h.open()
			fillTown(t, h.Store, 1000)
			var steps []datastore.BackupProgress
			var stream bytes.Buffer
			done, err := h.Backup(t.Context(), &stream, datastore.BackupOptions{Progress: func(p datastore.BackupProgress) { steps = append(steps, p) }})
			if err != nil || len(steps) == 0 || steps[len(steps)-1] != done {
				t.Fatalf("%+v, %v, %d steps", done, err, len(steps))
			}
			h.close()
			want := dump(t, source)
			for to, newTarget := range engines {
				target := newTarget(t)
				// A reader that gives few bytes at a time changes nothing.
				restored, err := datastore.Restore(t.Context(), target, iotest.HalfReader(bytes.NewReader(stream.Bytes())))
				if err != nil || restored != done {
					t.Fatalf("to %s: %+v, %v; want %+v", to, restored, err, done)
				}
				if got := dump(t, target); !reflect.DeepEqual(got, want) {
					t.Errorf("to %s: %d keys, want %d, or others", to, len(got), len(want))
				}
				again := &harness{t: t, engine: target, definitions: []*models.Definition{town}}
				again.open() // and close verifies
				if n, err := people.Count(t.Context(), again.Store, models.Range[uint64]{}); err != nil || n != 1000 {
					t.Errorf("to %s: %d people, %v", to, n, err)
				}
				again.close()
			}
		})
	}
}

// A backup is of one moment, whatever is written while it is made.
func TestBackupIsASnapshot(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		// Every transaction makes one person older and another younger.
		const n = 50
		for i := range uint64(n) {
			p := somebody(i)
			p.Age = 1000
			if err := people.Put(ctx, h.Store, &p); err != nil {
				t.Fatal(err)
			}
		}
		stop := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() {
			for i := uint64(0); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
					return errors.Join(
						people.Modify(ctx, tx, i%n, func(p *person) error { p.Age++; return nil }),
						people.Modify(ctx, tx, (i*7+1)%n, func(p *person) error { p.Age--; return nil }))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		for range 5 {
			target := memory.Engine()
			if _, err := datastore.Restore(ctx, target, bytes.NewReader(backup(t, h.Store))); err != nil {
				t.Fatal(err)
			}
			s, err := datastore.Open(ctx, target, town)
			if err != nil {
				t.Fatal(err)
			}
			sum := int64(0)
			for p, err := range people.All(ctx, s) {
				if err != nil {
					t.Fatal(err)
				}
				sum += p.Age
			}
			report, err := datastore.Verify(ctx, s)
			if sum != n*1000 || err != nil || !report.Clean() {
				t.Errorf("the ages have the sum %d, want %d; %+v, %v", sum, n*1000, report, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		close(stop)
		group.Wait()
	}, town)
}

// smallBackup is a backup of a store with little in it.
func smallBackup(t testing.TB) []byte {
	t.Helper()
	s, err := datastore.Open(context.Background(), memory.Engine(), town)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fillTown(t, s, 5)
	return backup(t, s)
}

// refusesRestored restores a stream that is none, and checks that there is no
// store afterwards.
func refusesRestored(t testing.TB, r io.Reader, what string, want ...error) {
	t.Helper()
	ctx := context.Background()
	target := memory.Engine()
	_, err := datastore.Restore(ctx, target, r)
	matches := false
	for _, w := range want {
		matches = matches || errors.Is(err, w)
	}
	if !matches {
		t.Errorf("%s: %v", what, err)
	}
	db, err := target.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	untouched := len(dumpDB(t, db)) == 0 // since the head of the stream was refused
	db.Close()
	s, err := datastore.Open(ctx, target, town)
	if err == nil {
		s.Close()
	}
	if !untouched && !errors.Is(err, datastore.ErrNotStore) {
		t.Errorf("%s: what is there opens with %v", what, err)
	}
}

// TestFailedRestoreIsNoStore cuts backups off, of less than a transaction and of more:
// the directory never opens as an empty store.
func TestFailedRestoreIsNoStore(t *testing.T) {
	ctx := t.Context()
	for _, rows := range []int{0, 3, 5000} {
		source, err := datastore.Open(ctx, memory.Engine(), town)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if err := source.Datastore().Put(ctx, ds.NewKey(fmt.Sprint("/", i)), make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		stream := backup(t, source)
		if err := source.Close(); err != nil {
			t.Fatal(err)
		}
		for name, newEngine := range engines {
			target := newEngine(t)
			if _, err := datastore.Restore(ctx, target, bytes.NewReader(stream[:len(stream)-1])); !errors.Is(err, datastore.ErrBackup) {
				t.Errorf("%s, %d rows: a backup without its last byte: %v", name, rows, err)
			}
			s, err := datastore.Open(ctx, target, town)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, datastore.ErrNotStore) {
				t.Errorf("%s, %d rows: what is left opens with %v", name, rows, err)
			}
			if _, err := datastore.Inspect(ctx, target); !errors.Is(err, datastore.ErrNotStore) {
				t.Errorf("%s, %d rows: what is left is inspected with %v", name, rows, err)
			}
			if _, err := datastore.Restore(ctx, target, bytes.NewReader(stream)); !errors.Is(err, datastore.ErrNotEmpty) {
				t.Errorf("%s, %d rows: restoring into what is left: %v", name, rows, err)
			}
		}
	}
}

// TestProcessEndsInRestore has the process end at each commit of a restore: before the
// first the database is empty, and no store from then on until it is a whole one.
func TestProcessEndsInRestore(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	ctx := t.Context()
	for commit := 1; ; commit++ {
		eng := &enginetest.Failing{Engine: memory.Engine()}
		eng.EndAt(commit)
		err := restoreLong(ctx, eng)
		ended := eng.Ended()
		eng.EndAt(0)
		if !ended {
			if err != nil || commit < 4 {
				t.Errorf("with %d commits it returned %v", commit-1, err)
			}
			return
		}
		keys := len(dump(t, eng))
		s, err := datastore.Open(ctx, eng, town)
		if err == nil {
			s.Close()
		}
		if commit == 1 && keys > 0 || commit > 1 && !errors.Is(err, datastore.ErrNotStore) {
			t.Errorf("ended at commit %d: there are %d keys, and they open with %v", commit, keys, err)
		}
	}
}

func dumpDB(t testing.TB, db engine.DB) (keys []string) {
	t.Helper()
	txn, err := db.View(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	c := txn.Cursor(engine.Range{KeysOnly: true})
	defer c.Close()
	for c.Next() {
		keys = append(keys, string(c.Key()))
	}
	return keys
}

// Whatever bit of a backup is wrong, and wherever it ends, it is refused.
func TestDamagedBackups(t *testing.T) {
	stream := smallBackup(t)
	for i := range stream {
		damaged := bytes.Clone(stream)
		damaged[i] ^= 1 << (i % 8)
		refusesRestored(t, bytes.NewReader(damaged), fmt.Sprintf("byte %d flipped", i), datastore.ErrBackup, datastore.ErrVersion)
		refusesRestored(t, bytes.NewReader(stream[:i]), fmt.Sprintf("cut at %d", i), datastore.ErrBackup)
	}
	refusesRestored(t, bytes.NewReader(append(bytes.Clone(stream), 0)), "with more behind it", datastore.ErrBackup)
	newer := bytes.Clone(stream)
	newer[16] = 3
	refusesRestored(t, bytes.NewReader(newer), "of a newer version", datastore.ErrVersion)
	newer[16] = 1
	refusesRestored(t, bytes.NewReader(newer), "of the first version", datastore.ErrBackup)
	failing := errors.New("the tape is torn")
	refusesRestored(t, io.MultiReader(bytes.NewReader(stream[:len(stream)/2]), iotest.ErrReader(failing)), "with a reader that fails", failing)
}

// headerFields is the header of a backup as docs/format.md describes it.
type headerFields struct {
	ID           []byte   `json:"id"`
	Format       uint64   `json:"format"`
	Compatible   []string `json:"compatible"`
	ReadOnly     []string `json:"readonly"`
	Incompatible []string `json:"incompatible"`
	Sequence     uint64   `json:"sequence"`
}

// Where the header of a backup lies.
const headerAt = len("NETABASE BACKUP\n") + 1

// headerOf returns the header of a backup.
func headerOf(t testing.TB, stream []byte) (h headerFields) {
	t.Helper()
	end := headerAt + 5 + int(binary.BigEndian.Uint32(stream[headerAt+1:]))
	if err := models.DagCBOR[headerFields]().Decode(stream[headerAt+5:end], &h); err != nil {
		t.Fatal(err)
	}
	return h
}

// withHeader puts another header into a backup, with the checksums that belong to it.
func withHeader(stream []byte, h headerFields) []byte {
	old := 5 + int(binary.BigEndian.Uint32(stream[headerAt+1:])) + 4
	payload, err := models.DagCBOR[headerFields]().Append(nil, &h)
	if err != nil {
		panic(err)
	}
	sealed := func(chunk []byte) []byte {
		return binary.BigEndian.AppendUint32(chunk, crc32.Checksum(chunk, crc32.MakeTable(crc32.Castagnoli)))
	}
	header := sealed(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(payload))), payload...))
	end := len(stream) - (5 + 48 + 4)
	changed := slices.Concat(stream[:headerAt], header, stream[headerAt+old:end])
	digest := sha256.Sum256(changed)
	return append(changed, sealed(slices.Concat(stream[end:end+5+16], digest[:]))...)
}

// A backup says whose rows it has, and is refused before anything is written if this version
// cannot read them.
func TestBackupHeader(t *testing.T) {
	ctx := t.Context()
	source := memory.Engine()
	newerStore(t, source, datastore.Features{Compatible: []string{"sparkle"}})
	s, err := datastore.Open(ctx, source, town)
	if err != nil {
		t.Fatal(err)
	}
	stream, id := backup(t, s), s.ID()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	head := headerOf(t, stream)
	if want := (headerFields{ID: id[:], Format: 2, Compatible: []string{"sparkle"}, ReadOnly: []string{}, Incompatible: []string{}}); !reflect.DeepEqual(head, want) {
		t.Errorf("the header is %+v, want %+v", head, want)
	}
	if !bytes.Equal(withHeader(stream, head), stream) {
		t.Error("the header is written in another way")
	}
	target := memory.Engine()
	if _, err := datastore.Restore(ctx, target, bytes.NewReader(stream)); err != nil {
		t.Error(err)
	}
	if restored := datastore.Temp(t, target, town); restored.ID() != id {
		t.Errorf("the id is %x, it was %x", restored.ID(), id)
	}
	for what, c := range map[string]struct {
		change func(*headerFields)
		want   error
		opens  bool
	}{
		"a read-only feature":     {func(h *headerFields) { h.ReadOnly = []string{"later"} }, datastore.ErrVersion, false},
		"an incompatible feature": {func(h *headerFields) { h.Incompatible = []string{"later"} }, datastore.ErrVersion, false},
		"a later format":          {func(h *headerFields) { h.Format = 3 }, datastore.ErrVersion, false},
		"an earlier format":       {func(h *headerFields) { h.Format = 1 }, datastore.ErrBackup, false},
		"a short id":              {func(h *headerFields) { h.ID = h.ID[1:] }, datastore.ErrBackup, false},
		"another id":              {func(h *headerFields) { h.ID = make([]byte, 16) }, datastore.ErrBackup, true},
		"another feature":         {func(h *headerFields) { h.Compatible = nil }, datastore.ErrBackup, true},
	} {
		h := head
		c.change(&h)
		changed := withHeader(stream, h)
		target := memory.Engine()
		_, err := datastore.Restore(ctx, target, bytes.NewReader(changed))
		if !errors.Is(err, c.want) || c.want == datastore.ErrVersion && h.Format == 2 && !strings.Contains(err.Error(), `"later"`) {
			t.Errorf("%s: %v", what, err)
		}
		if keys := dump(t, target); (len(keys) > 0) != c.opens {
			t.Errorf("%s: %d keys were written", what, len(keys))
		}
		refusesRestored(t, bytes.NewReader(changed), what, c.want)
	}
}

func TestRestoreRefuses(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	ctx := t.Context()
	stream := smallBackup(t)
	// Where something is nothing is touched.
	target := memory.Engine()
	s, err := datastore.Open(ctx, target, town)
	if err != nil {
		t.Fatal(err)
	}
	fillTown(t, s, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := dump(t, target)
	if _, err := datastore.Restore(ctx, target, bytes.NewReader(stream)); !errors.Is(err, datastore.ErrNotEmpty) {
		t.Errorf("into a store: %v", err)
	}
	if after := dump(t, target); !reflect.DeepEqual(before, after) {
		t.Error("the store is not as it was")
	}
	// A context that ends half way leaves no store.
	source, err := datastore.Open(ctx, memory.Engine())
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for i := range 20 {
		if err := source.Datastore().Put(ctx, ds.NewKey(fmt.Sprint("/", i)), make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	target = memory.Engine()
	halfWay := func(p datastore.BackupProgress) {
		if p.Keys > 10 {
			cancel()
		}
	}
	if _, err := datastore.Restore(ended, target, bytes.NewReader(backup(t, source)), datastore.BackupOptions{Progress: halfWay}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ends: %v", err)
	}
	if _, err := datastore.Open(ctx, target, town); !errors.Is(err, datastore.ErrNotStore) {
		t.Errorf("what is left opens with %v", err)
	}
	// A value that the engine does not take.
	large, err := datastore.Open(ctx, memory.Engine())
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	if err := large.Datastore().Put(ctx, ds.NewKey("/large"), make([]byte, 17<<20)); err != nil {
		t.Fatal(err)
	}
	if _, err := datastore.Restore(ctx, engines["badger"](t), bytes.NewReader(backup(t, large))); !errors.Is(err, models.ErrTooLarge) {
		t.Errorf("a value that is too large for Badger: %v", err)
	}
	if err := large.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := large.Backup(ctx, io.Discard); !errors.Is(err, models.ErrClosed) {
		t.Errorf("a backup of a closed store: %v", err)
	}
}

// FuzzRestore: no stream makes a store but one that is a backup, and none takes
// more memory than it has bytes, sixteen times over.
func FuzzRestore(f *testing.F) {
	stream := smallBackup(f)
	f.Add(stream)
	f.Add(stream[:40])
	f.Add([]byte("NETABASE BACKUP\n\x02\x00\xff\xff\xff\xff"))
	f.Add(withHeader(stream, headerFields{ID: make([]byte, 16), Format: 2, Incompatible: []string{"x"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var target engine.Engine
		var err error
		alloctest.Bound(t, len(data), func() {
			target = memory.Engine()
			_, err = datastore.Restore(context.Background(), target, bytes.NewReader(data))
		})
		if err != nil {
			return
		}
		s, err := datastore.Open(context.Background(), target)
		if err == nil {
			err = s.Close()
		}
		if err != nil && !errors.Is(err, datastore.ErrNotStore) && !errors.Is(err, models.ErrCorrupt) && !errors.Is(err, datastore.ErrVersion) && !errors.Is(err, models.ErrDefinition) {
			t.Error(err)
		}
	})
}

// TestPanicInRestore checks that a restore whose progress function panics closes its
// database.
func TestPanicInRestore(t *testing.T) {
	source := datastore.Temp(t, memory.Engine(), town)
	fillTown(t, source, 10)
	stream, target := backup(t, source), memory.Engine()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it has not panicked")
			}
		}()
		o := datastore.BackupOptions{Progress: func(datastore.BackupProgress) { panic("on purpose") }}
		_, _ = datastore.Restore(t.Context(), target, bytes.NewReader(stream), o)
	}()
	if _, err := datastore.Open(t.Context(), target, town); !errors.Is(err, datastore.ErrNotStore) {
		t.Error(err)
	}
}
