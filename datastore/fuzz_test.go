package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// FuzzFace puts anything under any key. An accepted value reads back byte for
// byte and is listed; a refused one leaves no trace; the store stays whole.
func FuzzFace(f *testing.F) {
	p := somebody(1)
	_, row, err := people.Encode(&p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("/town.person/primary/00000000000000000001", row)
	f.Add("/town.person/primary/1", row)
	f.Add("/town.person/index/name/x/00000000000000000001", row)
	f.Add("/town.person/index/city_age/a,8000000000000000/00000000000000000001", []byte{})
	f.Add("/a/b", []byte("value"))
	f.Add("//..//", []byte{})
	f.Add("", []byte{0})
	f.Fuzz(func(t *testing.T, path string, value []byte) {
		ctx := context.Background()
		store, err := datastore.Open(ctx, memory.Engine(), town)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		face, key := store.Datastore(), ds.NewKey(path)
		var putErr error
		alloctest.Bound(t, len(path)+len(value), func() { putErr = face.Put(ctx, key, value) })
		got, getErr := face.Get(ctx, key)
		listed := keysOf(t, face, dsq.Query{})
		switch {
		case putErr == nil:
			if getErr != nil || !bytes.Equal(got, value) || len(listed) != 1 || listed[0] != key.String() {
				t.Errorf("%q: %q, %v, %q", key, got, getErr, listed)
			}
		case !errors.Is(putErr, models.ErrInvalid) && !errors.Is(putErr, datastore.ErrIndexKey) && !errors.Is(putErr, datastore.ErrForeignKey) && !errors.Is(putErr, models.ErrKeySize):
			t.Error(putErr)
		default:
			if getErr != ds.ErrNotFound || len(listed) != 0 {
				t.Errorf("%q was refused (%v) and is there: %q, %v, %q", key, putErr, got, getErr, listed)
			}
		}
		if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() {
			t.Errorf("%q: %+v, %v", key, report, err)
		}
		if err := face.Delete(ctx, key); putErr == nil && err != nil {
			t.Error(err)
		}
	})
}

// FuzzCatalog puts anything in the place of a catalog entry: the store's own, or
// that of a tree. The store is refused with a typed error, or is one.
func FuzzCatalog(f *testing.F) {
	ctx := context.Background()
	whole := smallPairs(f)
	for i, p := range whole {
		if p.key[0] != byte(format.Catalog) {
			continue
		}
		f.Add(i, p.value[:len(p.value)-format.ChecksumSize], true)
		f.Add(i, p.value, false)
	}
	f.Fuzz(func(t *testing.T, at int, value []byte, seal bool) {
		if at < 0 || at >= len(whole) || whole[at].key[0] != byte(format.Catalog) {
			t.Skip("no catalog entry")
		}
		changed := slices.Clone(whole)
		if seal {
			value = format.AppendChecksum(bytes.Clone(value), whole[at].key)
		}
		changed[at].value = value
		for _, definitions := range [][]*models.Definition{{town}, nil} {
			s, err := datastore.Open(ctx, load(t, changed), datastore.OpenOptions{Definitions: definitions})
			if err != nil {
				refusedAs(t, err, engine.ErrCorrupt, datastore.ErrNotStore, datastore.ErrVersion, models.ErrDefinition, models.ErrUnique)
				continue
			}
			for _, examine := range []func(context.Context, *datastore.Store, ...datastore.VerifyOptions) (datastore.Report, error){datastore.Verify, datastore.Repair} {
				if _, err := examine(ctx, s); err != nil {
					refusedAs(t, err, engine.ErrCorrupt, datastore.ErrVersion)
				}
			}
			if _, err := s.Inspect().Trees(ctx); err != nil {
				refusedAs(t, err, engine.ErrCorrupt, datastore.ErrVersion)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		alloctest.Bound(t, len(value)+1000, func() {
			if in, err := datastore.Inspect(ctx, load(t, changed[at:at+1])); err == nil {
				in.Close()
			}
		})
	})
}

// smallPairs are all keys and values of a store with little in it.
func smallPairs(t testing.TB) []pair {
	t.Helper()
	eng := memory.Engine()
	s, err := datastore.Open(context.Background(), eng, town)
	if err != nil {
		t.Fatal(err)
	}
	fillTown(t, s, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dump(t, eng)
}

func refusedAs(t *testing.T, err error, want ...error) {
	t.Helper()
	if !slices.ContainsFunc(want, func(w error) bool { return errors.Is(err, w) }) {
		t.Errorf("refused with %v", err)
	}
}
