package interop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/celestiaorg/go-header"
	"github.com/celestiaorg/go-header/headertest"
	headerstore "github.com/celestiaorg/go-header/store"
	ds "github.com/ipfs/go-datastore"
	contextds "github.com/ipfs/go-datastore/context"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// onDisk are the engines on which programs keep their data.
var onDisk = map[string]func(dir string) engine.Engine{"bolt": bolt.Engine, "badger": badger.Engine}

// reopened opens a datastore in a directory, lends it, and closes it.
func reopened(t *testing.T, eng engine.Engine, use func(d *datastore.Face)) {
	t.Helper()
	d, err := datastore.OpenDatastore(t.Context(), eng)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(d.Check(context.Background()), d.Close()); err != nil {
			t.Error(err)
		}
	}()
	use(d)
}

type headerStore = headerstore.Store[*headertest.DummyHeader]

// withHeaders lends a store of headers, and stops it.
func withHeaders(t *testing.T, d ds.Batching, use func(s *headerStore)) {
	t.Helper()
	// The caches are small, so that reads come to the datastore.
	s, err := headerstore.NewStore[*headertest.DummyHeader](d, headerstore.WithWriteBatchSize(64),
		headerstore.WithStoreCacheSize(4), headerstore.WithIndexCacheSize(4))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	use(s)
}

// go-header's store keeps a chain of headers. It gives a batch and a snapshot to its calls in
// their context, and writes its last headers with a context that it has cancelled. They
// come to our datastore as they are, or by the wrapper of go-datastore's package context.
func TestGoHeader(t *testing.T) {
	for name, at := range onDisk {
		for way, wrap := range map[string]func(d ds.Batching) ds.Batching{
			"direct":  func(d ds.Batching) ds.Batching { return d },
			"wrapped": func(d ds.Batching) ds.Batching { return contextds.WrapDatastore(d).(ds.Batching) },
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				dir := t.TempDir()
				suite := headertest.NewTestSuite(t)
				headers := append([]*headertest.DummyHeader{suite.Head()}, suite.GenDummyHeaders(499)...)
				const tail, added = 100, 10
				reopened(t, at(dir), func(d *datastore.Face) {
					withHeaders(t, wrap(d), func(s *headerStore) {
						appendHeaders(t, s, headers)
						hasHeaders(t, s, headers, 1)
						deleteHeaders(t, s, tail)
						more := suite.GenDummyHeaders(added)
						headers = append(headers, more...)
						// Stop writes these: they are fewer than a batch.
						if err := s.Append(t.Context(), more...); err != nil {
							t.Fatal(err)
						}
					})
				})
				reopened(t, at(dir), func(d *datastore.Face) {
					withHeaders(t, wrap(d), func(s *headerStore) {
						// While it stops, go-header leaves its head where it is. The next header moves it
						// past those that were written.
						headers = append(headers, suite.NextHeader())
						appendHeaders(t, s, headers[len(headers)-1:])
						hasHeaders(t, s, headers, tail)
						_, err := s.Get(t.Context(), headers[5].Hash())
						if !errors.Is(err, header.ErrNotFound) {
							t.Errorf("a deleted header: %v", err)
						}
					})
				})
			})
		}
	}
}

// go-header deletes long ranges from several goroutines, each with a batch and a snapshot of its
// own.
func TestGoHeaderDeletesManyAtOnce(t *testing.T) {
	for name, at := range onDisk {
		t.Run(name, func(t *testing.T) {
			suite := headertest.NewTestSuite(t)
			const all, tail = 10_200, 10_101
			headers := append([]*headertest.DummyHeader{suite.Head()}, suite.GenDummyHeaders(all-1)...)
			reopened(t, at(t.TempDir()), func(d *datastore.Face) {
				withHeaders(t, d, func(s *headerStore) {
					appendHeaders(t, s, headers)
					if err := s.DeleteTo(t.Context(), tail); err != nil {
						t.Fatal(err)
					}
					hasHeaders(t, s, headers, tail)
				})
				// Each header has its own key and one for its height; head and tail have one each.
				if left := len(rest(t, d, listAll)); left != 2*(all-tail+1)+2 {
					t.Errorf("%d keys are left", left)
				}
			})
		})
	}
}

func appendHeaders(t *testing.T, s *headerStore, headers []*headertest.DummyHeader) {
	t.Helper()
	for at := 0; at < len(headers); at += 100 {
		if err := s.Append(t.Context(), headers[at:min(at+100, len(headers))]...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// hasHeaders checks that a store has a chain from a height on, by height, hash and range.
func hasHeaders(t *testing.T, s *headerStore, headers []*headertest.DummyHeader, tail uint64) {
	t.Helper()
	ctx := t.Context()
	last := headers[len(headers)-1]
	head, err := s.Head(ctx)
	if err != nil || !bytes.Equal(head.Hash(), last.Hash()) {
		t.Fatalf("the head is %+v, %v", head, err)
	}
	if first, err := s.Tail(ctx); err != nil || first.Height() != tail {
		t.Fatalf("the tail is %+v, %v", first, err)
	}
	chain, err := s.GetRange(ctx, tail, last.Height()+1)
	if err != nil || len(chain) != len(headers)-int(tail)+1 {
		t.Fatalf("the range has %d headers, %v", len(chain), err)
	}
	for i, want := range headers[tail-1:] {
		if !bytes.Equal(chain[i].Hash(), want.Hash()) {
			t.Fatalf("the range has %+v at %d", chain[i], want.Height())
		}
	}
	for _, want := range headers[tail-1:][:20] {
		byHeight, err := s.GetByHeight(ctx, want.Height())
		if err != nil || !bytes.Equal(byHeight.Hash(), want.Hash()) {
			t.Fatalf("at height %d is %+v, %v", want.Height(), byHeight, err)
		}
		byHash, err := s.Get(ctx, want.Hash())
		has, err2 := s.Has(ctx, want.Hash())
		if err != nil || err2 != nil || !has || byHash.Height() != want.Height() {
			t.Fatalf("by hash is %+v, %v, %v", byHash, has, errors.Join(err, err2))
		}
	}
}

// deleteHeaders deletes the headers below a height, which the store reads and tells one by one.
func deleteHeaders(t *testing.T, s *headerStore, below uint64) {
	t.Helper()
	var told []uint64
	s.OnDelete(func(ctx context.Context, height uint64) error {
		h, err := s.GetByHeight(ctx, height)
		if err != nil {
			return err
		}
		told = append(told, h.Height())
		return nil
	})
	if err := s.DeleteTo(t.Context(), below); err != nil {
		t.Fatal(err)
	}
	if len(told) != int(below)-1 || told[0] != 1 {
		t.Errorf("these were deleted: %s", fmt.Sprint(told))
	}
}
