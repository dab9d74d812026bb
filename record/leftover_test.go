package record_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// Records of a model that is no longer registered leave the bounds to others, also
// where they have to be counted anew, and expire once the model is registered again.
func TestModelThatIsNotRegistered(t *testing.T) {
	for name, crash := range map[string]bool{"closed": false, "not closed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				store := datastore.Temp(t, memory.Engine(), record.Definition, Blog)
				with := record.Options{Models: []*models.Definition{Blog}, Bounds: record.Bounds{Records: 10}, MaxRecordAge: time.Hour}
				without := with
				without.Models = nil
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
				time.Sleep(2 * time.Hour)
				shut(r)

				r = open(with)
				if n := r.RecordUsage().Rows; n != 10 {
					t.Errorf("%d records are counted, want those of the model", n)
				}
				expire(t, r, 10)
				if n := r.RecordUsage(); n != (record.Usage{}) {
					t.Errorf("%+v are left", n)
				}
				if n, err := Users.Count(ctx, store, models.Range[uint64]{}); err != nil || n != 0 {
					t.Errorf("%d rows are left, %v", n, err)
				}
				shut(r)
			})
		})
	}
}
