package providers

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

// openStore returns provider records with a validity, in a store of their own, and checks them
// at the end of the test.
func openStore(t *testing.T, validity time.Duration) *Store {
	t.Helper()
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), definition)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(ctx, store, Options{Validity: validity, MaxPerKey: -1, MaxPerPeer: -1, FileInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		checkClean(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// left returns the providers of "key".
func left(t *testing.T, s *Store) (found []string) {
	t.Helper()
	of, err := s.Of(context.Background(), s.store, []byte("key"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range of {
		found = append(found, string(r.Peer))
	}
	return found
}

// putAt puts a record of "key" with a given time.
func putAt(t *testing.T, s *Store, peer string, at time.Time) {
	t.Helper()
	apply(t, s, Change{Key: "key", Peer: peer, Raw: rawTime(at)})
}

// A record from a clock that ran ahead is evicted first: it pushes no other out.
func TestEvictFromClockAhead(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, 24*time.Hour)
	now := time.Now()
	putAt(t, s, "old", now.Add(-time.Hour))
	for _, p := range []string{"ahead1", "ahead2", "ahead3"} {
		putAt(t, s, p, now.AddDate(1, 0, 0))
	}
	putAt(t, s, "new", now)
	received, found, err := s.Oldest(ctx)
	if err != nil || !found || !received.IsZero() {
		t.Errorf("the oldest came at %v, %t, %v; want the zero time", received, found, err)
	}
	atMost := func(n int64) func(Usage) bool { return func(u Usage) bool { return u.Rows <= n } }
	if n, err := s.Evict(ctx, now, atMost(2)); n != 3 || err != nil {
		t.Errorf("%d evicted, %v; want 3", n, err)
	}
	if got := left(t, s); len(got) != 2 || got[0] != "old" || got[1] != "new" {
		t.Errorf("left are %q", got)
	}
	if n, err := s.Evict(ctx, now, atMost(1)); n != 1 || err != nil {
		t.Errorf("%d evicted, %v; want 1", n, err)
	}
	if got := left(t, s); len(got) != 1 || got[0] != "new" || s.Usage().Rows != 1 {
		t.Errorf("left are %q, counted %+v", got, s.Usage())
	}
}

// A record from a clock that ran ahead expires as if it had come when the clock was right
// again.
// right again.
func TestExpireFromClockAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		const day = 24 * time.Hour
		s := openStore(t, day)
		start := time.Now()
		for i := range 40 { // more than one row takes
			putAt(t, s, "ahead"+string(rune('A'+i)), start.AddDate(1, 0, 0))
		}
		putAt(t, s, "now", start)
		if err := s.File(ctx); err != nil { // Due reads filed references
			t.Fatal(err)
		}
		if due, err := s.Due(ctx, start); err != nil || due.After(start) {
			t.Errorf("the next Expire is due at %v, %v; want at once", due, err)
		}
		if n, err := s.Expire(ctx, start); n != 0 || err != nil {
			t.Errorf("%d expired, %v", n, err)
		}
		if err := s.File(ctx); err != nil {
			t.Fatal(err)
		}
		if due, err := s.Due(ctx, start); err != nil || due.Before(start.Add(day)) ||
			due.After(start.Add(day+time.Minute)) {
			t.Errorf("the next Expire is due at %v, %v; want after a day", due, err)
		}
		time.Sleep(day - time.Minute)
		putAt(t, s, "later", time.Now())
		time.Sleep(2 * time.Minute)
		if n, err := s.Expire(ctx, time.Now()); n != 41 || err != nil {
			t.Errorf("%d expired, %v; want 41", n, err)
		}
		if got := left(t, s); len(got) != 1 || got[0] != "later" || s.Usage().Rows != 1 {
			t.Errorf("left are %q, counted %+v", got, s.Usage())
		}
	})
}
