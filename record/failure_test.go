package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// Whichever call of the engine fails, the operation that made it says so and
// changes nothing, and the store stays whole.
func TestFailingEngine(t *testing.T) {
	ctx := context.Background()
	userKey, first := userRecord(t, User{ID: 1, Username: "u", Email: "first", Version: 1})
	_, second := userRecord(t, User{ID: 1, Username: "u", Email: "second", Version: 2})
	otherKey, other := userRecord(t, User{ID: 2, Username: "other", Version: 2})
	provider, value, plain := providerKey("key", "peer"), dsKey("pk", "/pk/a"), ds.NewKey("/other/data")

	operations := []func(*record.Records) error{
		func(r *record.Records) error { return r.Put(ctx, userKey, second) },
		func(r *record.Records) error { return r.Put(ctx, provider, providerTime(monday)) },
		func(r *record.Records) error { return r.Put(ctx, value, []byte("new")) },
		func(r *record.Records) error { return r.Put(ctx, plain, []byte("new")) },
		func(r *record.Records) error { return r.Delete(ctx, userKey) },
		func(r *record.Records) error { return r.Delete(ctx, provider) },
		func(r *record.Records) error {
			batch, err := r.Batch(ctx)
			if err != nil {
				return err
			}
			if err := errors.Join(batch.Put(ctx, userKey, second), batch.Put(ctx, otherKey, other), batch.Delete(ctx, provider)); err != nil {
				return err
			}
			return batch.Commit(ctx)
		},
		func(r *record.Records) error { _, err := r.Get(ctx, userKey); return err },
		func(r *record.Records) error { _, err := r.Has(ctx, provider); return err },
		func(r *record.Records) error { _, err := r.GetSize(ctx, value); return err },
		func(r *record.Records) error {
			found, err := r.Query(ctx, dsq.Query{})
			if err != nil {
				return err
			}
			_, err = found.Rest()
			return err
		},
		func(r *record.Records) error { return r.PutWithTTL(ctx, plain, []byte("new"), time.Hour) },
		func(r *record.Records) error { return r.SetTTL(ctx, plain, time.Hour) },
		func(r *record.Records) error { _, err := r.GetExpiration(ctx, plain); return err },
		func(r *record.Records) error { return r.CollectGarbage(ctx) },
		func(r *record.Records) error { _, err := r.DiskUsage(ctx); return err },
		func(r *record.Records) error { return r.Check(ctx) },
		func(r *record.Records) error { return r.Scrub(ctx) },
		func(r *record.Records) error { return drain(r.ValuesIn(ctx, "pk")) },
		func(r *record.Records) error { return drain(r.ValuesReceived(ctx, time.Time{}, time.Now())) },
		func(r *record.Records) error { return drain(r.ProvidersOf(ctx, []byte("key"))) },
		func(r *record.Records) error { return drain(r.ProvidersReceived(ctx, time.Time{}, time.Now())) },
		func(r *record.Records) error { _, err := r.CountValues(ctx, "pk"); return err },
		func(r *record.Records) error {
			txn, err := r.NewTransaction(ctx, false)
			if err != nil {
				return err
			}
			defer txn.Discard(ctx)
			if _, err := txn.Get(ctx, value); err != nil {
				return err
			}
			if err := errors.Join(txn.Put(ctx, userKey, second), txn.Delete(ctx, provider)); err != nil {
				return err
			}
			return txn.Commit(ctx)
		},
	}
	for i, operation := range operations {
		failures := 0
		for call := 1; ; call++ {
			eng := &enginetest.Failing{Engine: memory.Engine()}
			done := true // also if a pattern of -run leaves the subtest out
			t.Run(fmt.Sprintf("%d at call %d", i, call), func(t *testing.T) {
				records, store := openRecords(t, eng, record.Options{SyncInterval: -1, CacheBytes: -1})
				for key, v := range map[ds.Key][]byte{userKey: first, provider: providerTime(monday), value: {1}, plain: {2}} {
					mustPut(t, records, key, v)
				}
				before := list(t, records, dsq.Query{})
				records.WaitForCount() // its calls are not those of the operation
				eng.FailAt(call)
				err := operation(records)
				done = !eng.Failed()
				eng.FailAt(0)
				if done && err != nil || !done && !errors.Is(err, enginetest.ErrInjected) {
					t.Errorf("the operation returned %v", err)
				}
				if err != nil {
					failures++
					after := list(t, records, dsq.Query{})
					if len(after) != len(before) {
						t.Errorf("%d entries, there were %d", len(after), len(before))
					}
					for key, e := range before {
						if !bytes.Equal(after[key].Value, e.Value) {
							t.Errorf("%s has changed", key)
						}
					}
				}
				verify(t, store)
			})
			if done {
				break
			}
		}
		if failures == 0 {
			t.Errorf("operation %d never failed", i)
		}
	}
}

// drain goes through a sequence and returns its error.
func drain[T any](items iter.Seq2[T, error]) error {
	for _, err := range items {
		if err != nil {
			return err
		}
	}
	return nil
}

// Whatever the order in which records come, the best one stays.
func TestConcurrentPuts(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		records, store := openRecords(t, eng, record.Options{})
		key, _ := userRecord(t, User{ID: 1})
		const writers, each = 4, 50
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for i := range each {
					version := uint64(i*writers + w)
					err := records.Put(context.Background(), key, receivedAt(t, User{ID: 1, Version: version, Email: fmt.Sprint(version)}, monday))
					if err != nil && !errors.Is(err, record.ErrOldRecord) {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if got := user(t, store, 1); got.Version != writers*each-1 {
			t.Errorf("the row is %+v", got)
		}
		if got := mustGet(t, records, key); got == nil {
			t.Error("it is not served")
		}
	})
}
