package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// FuzzFace puts anything under any key. What is taken reads back byte for byte
// and is listed; what is refused leaves no trace; the store stays whole.
func FuzzFace(f *testing.F) {
	p := somebody(1)
	_, row, err := people.Encode(&p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("/town.person/primary/00000000000000000001", row)
	f.Add("/town.person/primary/1", row)
	f.Add("/town.person/secondary/name/x/00000000000000000001", row)
	f.Add("/town.person/secondary/city_age/a,8000000000000000/00000000000000000001", []byte{})
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
		putErr := face.Put(ctx, key, value)
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
