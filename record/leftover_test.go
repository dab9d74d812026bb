package record_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// Records of a model that is no longer registered leave the bounds to others, also
// where they have to be counted anew, and expire, index entries included. A row that
// the program has put stays.
func TestModelThatIsNotRegistered(t *testing.T) {
	for name, crash := range map[string]bool{"closed": false, "not closed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				store := datastore.Temp(t, memory.Engine(), record.Definition, Blog)
				with := record.Options{Models: []*models.Definition{Blog}, MaxRecordAge: time.Hour}
				without := with
				without.Models, without.Bounds.Records = nil, 10
				open := func(opts record.Options) *record.Records {
					t.Helper()
					if crash {
						forgetTotals(t, store)
					}
					r, err := record.New(ctx, store, opts)
					if err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					return r
				}
				shut := func(r *record.Records) {
					t.Helper()
					if err := r.Close(); err != nil {
						t.Fatal(err)
					}
				}

				r := open(with)
				for i := range uint64(10) {
					mustPut(t, r, dsKey("blog.user", record.Key(Users, i)), receivedAt(t, User{ID: i, Username: fmt.Sprint(i)}, time.Now()))
				}
				shut(r)

				r = open(without)
				if n := r.RecordUsage().Rows; n != 0 {
					t.Errorf("%d records are counted", n)
				}
				putValue(t, r, "new", time.Now())
				if mustGet(t, r, dsKey("pk", "/pk/new")) == nil {
					t.Error("a new record is evicted at once")
				}
				shut(r)

				r = open(with) // who comes back before they are old has them
				if n := r.RecordUsage().Rows; n != 11 {
					t.Errorf("%d records are counted, want those of the model and the new one", n)
				}
				if n, err := Users.Count(ctx, store, models.Range[uint64]{}); err != nil || n != 10 {
					t.Errorf("%d rows are there, %v", n, err)
				}
				mine := User{ID: 3, Username: "mine"}
				if err := Users.Put(ctx, store, &mine); err != nil {
					t.Fatal(err)
				}
				shut(r)

				r = open(without)
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				var left []User
				for u, err := range Users.All(ctx, store) {
					if err != nil {
						t.Fatal(err)
					}
					left = append(left, u)
				}
				if !slices.Equal(left, []User{mine}) {
					t.Errorf("left are %+v", left)
				}
				verify(t, store)
				shut(r)

				r = open(with)
				if n := r.RecordUsage(); n != (record.Usage{}) {
					t.Errorf("%+v are counted", n)
				}
				shut(r)
			})
		})
	}
}
