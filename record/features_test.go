package record_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

func TestTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r, _ := openRecords(t, memory.Engine(), aDay)
		now := time.Now()
		putAll(t, r, 1, now)
		mustPut(t, r, providerKey("key", "odd"), []byte{0x80})
		plain := ds.NewKey("/other/data")
		if err := r.PutWithTTL(ctx, plain, []byte("x"), time.Hour); err != nil {
			t.Fatal(err)
		}
		records := []ds.Key{providerKey("key", "peer1"), dsKey("pk", "/pk/1"), dsKey("blog.user", record.Key(Users, 1))}
		for _, key := range records {
			if at, err := r.GetExpiration(ctx, key); err != nil || !at.Equal(now.Add(24*time.Hour)) {
				t.Errorf("%s expires at %v, %v", key, at, err)
			}
			if err := errors.Join(r.SetTTL(ctx, key, time.Hour)); !errors.Is(err, record.ErrTTL) {
				t.Errorf("SetTTL(%s): %v", key, err)
			}
			if err := r.PutWithTTL(ctx, key, nil, time.Hour); !errors.Is(err, record.ErrTTL) {
				t.Errorf("PutWithTTL(%s): %v", key, err)
			}
		}
		for _, key := range []ds.Key{ds.NewKey("/absent"), providerKey("key", "absent"), dsKey("blog.user", "/blog.user/bad")} {
			if _, err := r.GetExpiration(ctx, key); err != ds.ErrNotFound {
				t.Errorf("GetExpiration(%s): %v", key, err)
			}
		}
		if at, err := r.GetExpiration(ctx, providerKey("key", "odd")); err != nil || !at.IsZero() {
			t.Errorf("what has no time expires at %v, %v", at, err)
		}
		if at, err := r.GetExpiration(ctx, plain); err != nil || !at.Equal(now.Add(time.Hour)) {
			t.Errorf("other data expires at %v, %v", at, err)
		}
		if err := r.SetTTL(ctx, plain, time.Minute); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute)
		if mustGet(t, r, plain) != nil {
			t.Error("other data is there after its TTL")
		}
	})
}

func TestGarbageAndChecks(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		r, store := openRecords(t, eng, aDay)
		for i := range 20 {
			putAll(t, r, i, longAgo())
		}
		if err := r.CollectGarbage(ctx); err != nil {
			t.Error(err)
		}
		if n := count(t, r, store); n != (tally{}) {
			t.Errorf("left are %+v", n)
		}
		used, err := r.DiskUsage(ctx)
		size, sizeErr := store.Size(ctx)
		if err != nil || sizeErr != nil || used != uint64(size) {
			t.Errorf("DiskUsage: %d, %v; the store has %d, %v", used, err, size, sizeErr)
		}
		if err := errors.Join(r.Check(ctx), r.Scrub(ctx)); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		_, usage := r.DiskUsage(ctx)
		_, expiration := r.GetExpiration(ctx, ds.NewKey("/a"))
		_, expire := r.Expire(ctx)
		for i, err := range []error{
			usage, expiration, expire, r.CollectGarbage(ctx), r.Check(ctx), r.Scrub(ctx),
			r.SetTTL(ctx, ds.NewKey("/a"), 1), r.PutWithTTL(ctx, ds.NewKey("/a"), nil, 1),
		} {
			if !errors.Is(err, models.ErrClosed) {
				t.Errorf("call %d after Close: %v", i, err)
			}
		}
	})
}
