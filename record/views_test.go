package record_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// texts collects what show makes of the items.
func texts[T any](t *testing.T, items iter.Seq2[T, error], show func(T) string) (all []string) {
	t.Helper()
	for item, err := range items {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, show(item))
	}
	return all
}

func TestViews(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		r, store := openRecords(t, eng, aDay)
		at := func(hour int) time.Time { return monday.Add(time.Duration(hour) * time.Hour) }
		for i, key := range []string{"/pk/b", "/ipns/a", "/pk/a"} {
			ns := key[1 : len(key)-2]
			mustPut(t, r, dsKey(ns, key), kadRecord(t, key, []byte(key), at(2*i)))
		}
		mustPut(t, r, dsKey("pk", "/pk/odd"), []byte("odd"))
		for i := range 3 {
			u := User{ID: uint64(i), Username: fmt.Sprint(i), Email: fmt.Sprint("mail", i)}
			if i == 1 { // a row of the program's own
				if err := Users.Put(ctx, store, &u); err != nil {
					t.Fatal(err)
				}
			}
			mustPut(t, r, dsKey("blog.user", record.Key(Users, u.ID)), receivedAt(t, u, at(2*i+1)))
		}
		for i, p := range []string{"k1 p1", "k2 p1", "k2 p2", "k3 p3"} {
			mustPut(t, r, providerKey(p[:2], p[3:]), providerTime(at(10-i)))
		}
		user := func(i uint64) string { return record.Key(Users, i) }
		value := func(v record.Value) string {
			got := mustGet(t, r, dsKey(string(v.Key[1:1+slices.Index(v.Key[1:], '/')]), string(v.Key)))
			if string(got) != string(v.Raw) {
				t.Errorf("%s has Raw %q, want %q", v.Key, v.Raw, got)
			}
			return string(v.Key)
		}
		provider := func(p record.Provider) string { return fmt.Sprintf("%s %s", p.Key, string(p.Peer)) }
		for _, test := range []struct {
			name string
			got  []string
			want []string
		}{
			{"pk", texts(t, r.ValuesIn(ctx, "pk"), value), []string{"/pk/a", "/pk/b", "/pk/odd"}},
			{"users", texts(t, r.ValuesIn(ctx, "blog.user"), value), []string{user(0), user(1), user(2)}},
			{"none", texts(t, r.ValuesIn(ctx, "p"), value), nil},
			{"by time", texts(t, r.ValuesReceived(ctx, time.Time{}, time.Time{}), value), []string{"/pk/odd", "/pk/b", user(0), "/ipns/a", user(1), "/pk/a", user(2)}},
			{"in time", texts(t, r.ValuesReceived(ctx, at(1), at(4)), value), []string{user(0), "/ipns/a", user(1)}},
			{"expiring", texts(t, r.ValuesExpiring(ctx, at(24+3)), value), []string{"/pk/b", user(0), "/ipns/a"}},
			{"k2", texts(t, r.ProvidersOf(ctx, []byte("k2")), provider), []string{"k2 p1", "k2 p2"}},
			{"p1", slices.Sorted(slices.Values(texts(t, r.ProvidedBy(ctx, "p1"), provider))), []string{"k1 p1", "k2 p1"}},
			{"providers by time", texts(t, r.ProvidersReceived(ctx, time.Time{}, at(10)), provider), []string{"k3 p3", "k2 p2", "k2 p1"}},
			{"providers expiring", texts(t, r.ProvidersExpiring(ctx, at(24+9)), provider), []string{"k3 p3", "k2 p2"}},
		} {
			if !slices.Equal(test.got, test.want) {
				t.Errorf("%s: %q, want %q", test.name, test.got, test.want)
			}
		}
		for namespace, want := range map[string]int{"pk": 3, "ipns": 1, "blog.user": 3, "blog.note": 0} {
			if n, err := r.CountValues(ctx, namespace); err != nil || n != want {
				t.Errorf("%s has %d values, %v; want %d", namespace, n, err, want)
			}
		}
		for v, err := range r.ValuesIn(ctx, "blog.user") {
			if u, decodeErr := Users.Decode(models.Uint64.AppendLast(nil, 0), v.Data); err != nil || decodeErr != nil || u.Email != "mail0" || !v.Received.Equal(at(1)) {
				t.Errorf("the first user is %+v at %v, %v, %v", u, v.Received, err, decodeErr)
			}
			break
		}
	})
}

// A view writes to nothing it holds open, ends with the Records and with its
// context, and may be left early.
func TestViewsEnd(t *testing.T) {
	r, _ := openRecords(t, memory.Engine(), aDay)
	for i := range 50 {
		putAll(t, r, i, time.Now())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range r.ValuesReceived(ctx, time.Time{}, time.Time{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled view yields %v", err)
		}
	}
	n := 0
	for v, err := range r.ValuesReceived(context.Background(), time.Time{}, time.Time{}) {
		if n++; err != nil {
			if !errors.Is(err, models.ErrClosed) || n != 6 {
				t.Errorf("item %d: %v", n, err)
			}
			continue
		}
		mustPut(t, r, providerKey("more", string(v.Key)), providerTime(time.Now()))
		if n == 5 {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, err := range r.ProvidedBy(context.Background(), peer.ID("peer1")) {
		if !errors.Is(err, models.ErrClosed) {
			t.Errorf("a closed view yields %v", err)
		}
	}
	if _, err := r.CountValues(context.Background(), "pk"); !errors.Is(err, models.ErrClosed) {
		t.Errorf("CountValues: %v", err)
	}
}
