package record_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// A transaction covers records of every kind, and keeps the counts.
func TestTransaction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		opts := aDay
		opts.Bounds.ProvidersPerKey = 2
		r, store := openRecords(t, eng, opts)
		now := time.Now()
		putAll(t, r, 1, now)
		provider, pk := providerKey("key", "peer2"), dsKey("pk", "/pk/2")
		u := User{ID: 2, Username: "2"}
		userKey := dsKey("blog.user", record.Key(Users, u.ID))
		other := ds.NewKey("/other")
		fill := func(txn ds.Txn) {
			t.Helper()
			if err := errors.Join(txn.Put(ctx, provider, providerTime(now)), txn.Put(ctx, pk, kadRecord(t, "/pk/2", []byte("x"), now)),
				txn.Put(ctx, userKey, receivedAt(t, u, now)), txn.Put(ctx, other, []byte("x")), txn.Delete(ctx, dsKey("pk", "/pk/1"))); err != nil {
				t.Fatal(err)
			}
			if err := txn.Put(ctx, providerKey("key", "peer3"), providerTime(now)); !errors.Is(err, record.ErrFull) {
				t.Errorf("one more provider: %v", err)
			}
			if err := txn.Put(ctx, userKey, kadRecord(t, record.Key(Users, u.ID), []byte("bad"), now)); !errors.Is(err, models.ErrInvalid) {
				t.Errorf("a bad record: %v", err)
			}
			for _, key := range []ds.Key{provider, pk, userKey, other} {
				if has, err := txn.Has(ctx, key); err != nil || !has {
					t.Errorf("%s is there within the transaction: %v, %v", key, has, err)
				}
				if has, err := r.Has(ctx, key); err != nil || has {
					t.Errorf("%s is there before the commit: %v, %v", key, has, err)
				}
			}
			found, err := txn.Query(ctx, dsq.Query{KeysOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			// The two of the first putAll that are left, its provider, and the four.
			if entries, err := found.Rest(); err != nil || len(entries) != 6 {
				t.Errorf("the transaction finds %v, %v", entries, err)
			}
		}
		txn, err := r.NewTransaction(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		fill(txn)
		txn.Discard(ctx)
		if n := count(t, r, store); n != (tally{1, 1, 1, 1}) {
			t.Errorf("after Discard there are %+v", n)
		}
		checkTotals(t, r, store)

		if txn, err = r.NewTransaction(ctx, false); err != nil {
			t.Fatal(err)
		}
		fill(txn)
		if err := txn.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if n := count(t, r, store); n != (tally{2, 1, 2, 2}) {
			t.Errorf("after Commit there are %+v", n)
		}
		checkTotals(t, r, store)

		if txn, err = r.NewTransaction(ctx, true); err != nil {
			t.Fatal(err)
		}
		defer txn.Discard(ctx)
		if err := r.Delete(ctx, userKey); err != nil {
			t.Fatal(err)
		}
		if value, err := txn.Get(ctx, userKey); err != nil || len(value) == 0 {
			t.Errorf("the snapshot has %x, %v", value, err)
		}
		for _, key := range []ds.Key{provider, pk, userKey, other} {
			if err := txn.Put(ctx, key, mustGetOr(t, r, key)); !errors.Is(err, models.ErrReadOnly) && !errors.Is(err, models.ErrInvalid) {
				t.Errorf("Put of %s while reading: %v", key, err)
			}
			if err := txn.Delete(ctx, key); !errors.Is(err, models.ErrReadOnly) {
				t.Errorf("Delete of %s while reading: %v", key, err)
			}
		}
	})
}

// mustGetOr is mustGet, or something where there is nothing.
func mustGetOr(t testing.TB, d ds.Datastore, key ds.Key) []byte {
	t.Helper()
	if value := mustGet(t, d, key); value != nil {
		return value
	}
	return []byte("x")
}

// A transaction commits what a bound evicts with what it has put.
func TestTransactionEvicts(t *testing.T) {
	ctx := context.Background()
	opts := aDay
	opts.Bounds.Providers = 3
	r, store := openRecords(t, memory.Engine(), opts)
	txn, err := r.NewTransaction(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		key := providerKey("key", string(rune('a'+i)))
		if err := txn.Put(ctx, key, providerTime(time.Now().Add(time.Duration(i-10)*time.Minute))); err != nil {
			t.Fatal(err)
		}
	}
	if err := txn.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if got := mustGet(t, r, providerKey("key", "e")); r.ProviderUsage().Rows != 3 || got == nil {
		t.Errorf("there are %+v", r.ProviderUsage())
	}
	checkTotals(t, r, store)
}

// Acknowledged changes are there afterwards, though transactions and puts change the
// provider records of the same keys at the same time. The counts are right.
func TestTransactionBesidePuts(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		opts := aDay
		opts.Bounds.ProvidersPerKey = -1
		r, store := openRecords(t, eng, opts)
		now := providerTime(time.Now())
		const each = 250
		acknowledged := make(chan ds.Key, 4*each)
		var group sync.WaitGroup
		work := func(who string, put func(ds.Key) error) {
			group.Go(func() {
				for i := range each {
					key := providerKey(fmt.Sprint("key", i%9), fmt.Sprint(who, i))
					switch err := put(key); {
					case err == nil:
						acknowledged <- key
					case !errors.Is(err, models.ErrConflict):
						t.Error(err)
					}
				}
			})
		}
		for i := range 3 {
			work(fmt.Sprint("put", i, " "), func(key ds.Key) error { return r.Put(ctx, key, now) })
		}
		work("transaction ", func(key ds.Key) error {
			txn, err := r.NewTransaction(ctx, false)
			if err != nil {
				return err
			}
			defer txn.Discard(ctx)
			if err := txn.Put(ctx, key, now); err != nil {
				return err
			}
			return txn.Commit(ctx)
		})
		group.Wait()
		close(acknowledged)
		n := int64(0)
		for key := range acknowledged {
			n++
			if has, err := r.Has(ctx, key); err != nil || !has {
				t.Errorf("%s is there: %t, %v", key, has, err)
			}
		}
		if n < 3*each {
			t.Errorf("only %d were acknowledged", n)
		}
		if got := r.ProviderUsage().Rows; got != n {
			t.Errorf("counted are %d, acknowledged were %d", got, n)
		}
		checkTotals(t, r, store)
	})
}

// afterCommit is an engine whose next commit calls a function before it returns.
type afterCommit struct {
	engine.Engine
	call atomic.Pointer[func()]
}

func (e *afterCommit) Open(ctx context.Context) (engine.DB, error) {
	db, err := e.Engine.Open(ctx)
	return &afterCommitDB{db, e}, err
}

type afterCommitDB struct {
	engine.DB
	engine *afterCommit
}

func (db *afterCommitDB) Update(ctx context.Context) (engine.WriteTxn, error) {
	txn, err := db.DB.Update(ctx)
	return &afterCommitTxn{txn, db.engine}, err
}

type afterCommitTxn struct {
	engine.WriteTxn
	engine *afterCommit
}

func (t *afterCommitTxn) Commit(ctx context.Context, d engine.Durability) error {
	err := t.WriteTxn.Commit(ctx, d)
	if call := t.engine.call.Swap(nil); call != nil {
		(*call)()
	}
	return err
}

// A put that begins when a transaction has been committed, and before that has
// returned, builds on what the transaction has stored.
func TestPutWhileTransactionReturns(t *testing.T) {
	ctx := context.Background()
	eng := &afterCommit{Engine: memory.Engine()}
	r, store := openRecords(t, eng, aDay)
	now := providerTime(time.Now())
	mustPut(t, r, providerKey("key", "before"), now)
	txn, err := r.NewTransaction(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := txn.Put(ctx, providerKey("key", "transaction"), now); err != nil {
		t.Fatal(err)
	}
	put := make(chan error, 1)
	began := func() {
		go func() { put <- r.Put(ctx, providerKey("key", "beside"), now) }()
		select {
		case err := <-put:
			put <- err
		case <-time.After(100 * time.Millisecond): // it waits for the transaction to return
		}
	}
	eng.call.Store(&began)
	if err := errors.Join(txn.Commit(ctx), <-put); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"before", "transaction", "beside"} {
		if has, err := r.Has(ctx, providerKey("key", p)); err != nil || !has {
			t.Errorf("%s is there: %t, %v", p, has, err)
		}
	}
	checkTotals(t, r, store)
}
