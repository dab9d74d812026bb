package record_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// aDay has records and provider records expire after a day.
var aDay = record.Options{MaxRecordAge: 24 * time.Hour, ProviderValidity: 24 * time.Hour}

// putAll puts a provider, a value and a user that came at some time.
func putAll(t testing.TB, r *record.Records, i int, at time.Time) {
	t.Helper()
	mustPut(t, r, providerKey("key", fmt.Sprint("peer", i)), providerTime(at))
	pk := fmt.Sprint("/pk/", i)
	mustPut(t, r, dsKey("pk", pk), kadRecord(t, pk, []byte("x"), at))
	u := User{ID: uint64(i), Username: fmt.Sprint(i)}
	mustPut(t, r, dsKey("blog.user", record.Key(Users, u.ID)), receivedAt(t, u, at))
}

type tally struct{ providers, values, receipts, users int }

// countProviders counts provider records.
func countProviders(r *record.Records) (n int, err error) {
	for _, err := range r.ProvidersReceived(context.Background(), time.Time{}, time.Time{}) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func count(t testing.TB, r *record.Records, store *datastore.Store) (n tally) {
	t.Helper()
	ctx := context.Background()
	var err [4]error
	n.providers, err[3] = countProviders(r)
	n.values, err[0] = record.Values.Count(ctx, store, models.Range[[]byte]{})
	n.receipts, err[1] = receipts.Tree.Count(ctx, store, models.Range[receipts.Key]{})
	n.users, err[2] = Users.Count(ctx, store, models.Range[uint64]{})
	if err != [4]error{} {
		t.Fatal(err)
	}
	return n
}

func expire(t testing.TB, r *record.Records, want int) {
	t.Helper()
	if n, err := r.Expire(context.Background()); err != nil || n != want {
		t.Errorf("%d expired, %v; want %d", n, err, want)
	}
}

func TestExpire(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		r, store := openRecords(t, eng, aDay)
		const old, fresh = 300, 20 // more than a transaction of the sweep removes
		for i := range old + fresh {
			at := longAgo()
			if i >= old {
				at = time.Now()
			}
			putAll(t, r, i, at)
		}
		// A value without a time does not expire.
		mustPut(t, r, providerKey("key", "odd"), []byte{0x80})
		mustPut(t, r, dsKey("pk", "/pk/odd"), []byte("x"))
		// A row of the program's own that the DHT has too: it stays.
		own := User{ID: 5000, Username: "own"}
		if err := Users.Put(ctx, store, &own); err != nil {
			t.Fatal(err)
		}
		mustPut(t, r, dsKey("blog.user", record.Key(Users, own.ID)), receivedAt(t, own, longAgo()))

		expire(t, r, 3*old+1)
		if n, want := count(t, r, store), (tally{fresh + 1, fresh + 1, fresh, fresh + 1}); n != want {
			t.Errorf("left are %+v, want %+v", n, want)
		}
		if got := user(t, store, own.ID); got != own {
			t.Errorf("the program's row is %+v", got)
		}
		for i := old; i < old+fresh; i++ {
			if mustGet(t, r, providerKey("key", fmt.Sprint("peer", i))) == nil {
				t.Errorf("provider %d is gone", i)
			}
		}
		expire(t, r, 0)
	})
}

// A receipt whose row is gone goes when it is old, whatever its origin.
func TestExpireReceiptsWithoutRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r, store := openRecords(t, memory.Engine(), record.Options{MaxRecordAge: 30 * time.Second, ProviderValidity: -1})
		for i, origin := range []receipts.Origin{receipts.Stranger, receipts.Kept, receipts.Published, receipts.Withdrawn} {
			for j := range 2 {
				u := User{ID: uint64(2*i + j), Username: fmt.Sprint(i, j)}
				mustPut(t, r, dsKey("blog.user", record.Key(Users, u.ID)), receivedAt(t, u, time.Now()))
				if err := receipts.Tree.Modify(ctx, store, models.MakePair("blog.user", models.Uint64.AppendLast(nil, u.ID)),
					func(receipt *receipts.Receipt) error { receipt.Origin = origin; return nil }); err != nil {
					t.Fatal(err)
				}
				if j == 1 {
					// As a program does that has no Records.
					if err := Users.Delete(ctx, session.Trusted{Writer: store}, u.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		time.Sleep(31 * time.Second)
		expire(t, r, 7)
		// Those of rows that this peer has published remember that.
		if n := count(t, r, store); n.receipts != 2 || n.users != 3 {
			t.Errorf("left are %+v", n)
		}
		if err := Users.Clear(ctx, session.Trusted{Writer: store}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * time.Second)
		expire(t, r, 2)
		if n := count(t, r, store); n.receipts != 0 {
			t.Errorf("left are %+v", n)
		}
	})
}

// Records expire by themselves, also those that an earlier process has left, and
// what is not due costs nothing.
func TestExpireByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		eng := memory.Engine()
		func() {
			store, err := datastore.Open(context.Background(), eng, record.Definition, Blog)
			if err != nil {
				t.Fatal(err)
			}
			r, err := record.New(context.Background(), store, record.Options{Models: []*models.Definition{Blog}})
			if err != nil {
				t.Fatal(err)
			}
			putAll(t, r, 1, time.Now())
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
		}()
		r, store := openRecords(t, eng, aDay)
		time.Sleep(12 * time.Hour)
		putAll(t, r, 2, time.Now())
		for _, step := range []struct {
			wait time.Duration
			left int
		}{{12*time.Hour - time.Second, 2}, {2 * time.Minute, 1}, {12*time.Hour - 3*time.Minute, 1}, {3 * time.Minute, 0}, {time.Hour, 0}} {
			time.Sleep(step.wait)
			synctest.Wait()
			if n, want := count(t, r, store), (tally{step.left, step.left, step.left, step.left}); n != want {
				t.Errorf("after another %v: %+v, want %+v", step.wait, n, want)
			}
		}
		putAll(t, r, 3, time.Now()) // the timer starts again
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		if n := count(t, r, store); n != (tally{}) {
			t.Errorf("left are %+v", n)
		}
	})
}

// refreshRounds is how many records TestRefreshedIsKept refreshes on each
// engine while they expire.
func refreshRounds(t *testing.T) int {
	text := os.Getenv("NETABASE_REFRESH_ROUNDS")
	switch {
	case text == "" && testing.Short():
		return 300
	case text == "":
		return 1500
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A record that is put again while it is being swept stays.
func TestRefreshedIsKept(t *testing.T) {
	rounds := refreshRounds(t)
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		r, store := openRecords(t, eng, aDay)
		const each = 10 // times three records in a round
		swept := 0
		for round := 0; round < rounds; round += 3 * each {
			for i := range each {
				putAll(t, r, i, longAgo())
			}
			order := rand.Perm(each)
			var group sync.WaitGroup
			group.Go(func() {
				for _, i := range order {
					putAll(t, r, i, time.Now())
				}
			})
			for range 1 + rand.N(3) {
				n, err := r.Expire(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				swept += n
			}
			group.Wait()
			if n := count(t, r, store); n != (tally{each, each, each, each}) {
				t.Fatalf("round %d: left are %+v", round, n)
			}
		}
		if swept == 0 {
			t.Error("nothing was ever swept")
		}
		t.Logf("%d refreshed, %d of them after they were swept", rounds, swept)
	})
}
