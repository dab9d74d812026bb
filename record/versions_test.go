package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned/versionedtest"
)

// A row of a newer version is neither damage nor changed, whatever is asked of the records.
func TestRowsOfANewerVersion(t *testing.T) {
	ctx := context.Background()
	opts := market()
	opts.Models = append(opts.Models, Blog)
	opts.SyncInterval = -1
	r, filled := openRecords(t, memory.Engine(), opts)
	fill := func(r *record.Records, at time.Time) error {
		var errs []error
		for i := range 5 {
			pk, follow := fmt.Sprint("/pk/", i), User{ID: uint64(i), Username: fmt.Sprint(i), Version: uint64(at.Unix())}
			user := record.Key(Users, follow.ID)
			errs = append(errs,
				r.Put(ctx, providerKey(fmt.Sprint("key", i%2), fmt.Sprint("peer", i)), providerTime(at)),
				r.Put(ctx, dsKey("pk", pk), kadRecord(t, pk, []byte("x"), at)),
				r.Put(ctx, dsKey("blog.user", user), kadRecord(t, user, encode(t, &follow), at)))
		}
		return errors.Join(errs...)
	}
	ada := newTrader(t)
	err := fill(r, time.Now())
	for i := range uint64(5) {
		err = errors.Join(err, take(t, r, ada.recordKey(i), offer(t, ada, i, 1, "one")))
	}
	if err != nil {
		t.Fatal(err)
	}
	// Half of the references are filed, the others are in the log.
	if err := errors.Join(r.Sync(ctx, dsKey("", "")), fill(r, time.Now().Add(2*time.Minute))); err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	if _, err := filled.Backup(ctx, &backup); err != nil {
		t.Fatal(err)
	}
	for _, tree := range record.Definition.Trees() {
		t.Run(tree.Name(), func(t *testing.T) {
			eng := memory.Engine()
			if _, err := datastore.Restore(ctx, eng, bytes.NewReader(backup.Bytes())); err != nil {
				t.Fatal(err)
			}
			store, err := datastore.Open(ctx, eng, record.Definition, Market, Blog)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			if tree.Name() == "libp2p.total" { // only Close writes it
				opened, err := record.New(ctx, store, opts)
				if err != nil {
					t.Fatal(err)
				}
				opened.WaitForCount()
				if err := opened.Close(); err != nil {
					t.Fatal(err)
				}
			}
			for key, value := range versionedtest.Rows(t, store, tree) {
				if len(value) == 0 || value[0] != 1 {
					t.Errorf("row %x is %x", key, value)
				}
			}
			versionedtest.Set(t, store, tree, 2)
			before := versionedtest.Rows(t, store, tree)
			if len(before) == 0 {
				t.Fatal("it has no rows")
			}
			report, err := record.Verify(ctx, store)
			if err != nil && !errors.Is(err, models.ErrVersion) || !report.Clean() || report.Unknown == 0 {
				t.Errorf("Verify says %+v, %v", report, err)
			}
			for _, age := range []time.Duration{24 * time.Hour, time.Nanosecond} {
				opts.MaxRecordAge, opts.ProviderValidity, opts.RepublishInterval = age, age, -1
				err := useAll(t, store, opts, fill, ada)
				if !errors.Is(err, models.ErrVersion) || errors.Is(err, models.ErrCorrupt) {
					t.Errorf("using it: %v", err)
				}
			}
			if _, err := record.Repair(ctx, store); err != nil && !errors.Is(err, models.ErrVersion) {
				t.Errorf("Repair: %v", err)
			}
			after := versionedtest.Rows(t, store, tree)
			maps.DeleteFunc(after, func(key string, _ []byte) bool { return before[key] == nil }) // which are new
			if !maps.EqualFunc(before, after, bytes.Equal) {
				t.Errorf("%d rows of %d are the same", len(after), len(before))
			}
		})
	}
}

// useAll reads, puts, expires, evicts, repairs and deletes all records of a store, and returns all
// errors.
func useAll(
	t *testing.T, store *datastore.Store, opts record.Options, fill func(*record.Records, time.Time) error, ada trader,
) error {
	ctx := t.Context()
	opts.Bounds = record.Bounds{Records: 2, Providers: 2}
	r, err := record.New(ctx, store, opts)
	if err != nil {
		return err
	}
	r.WaitForCount()
	var errs []error
	found, err := r.Query(ctx, dsq.Query{})
	if err == nil {
		_, err = found.Rest()
	}
	errs = append(errs, err, fill(r, time.Now().Add(5*time.Minute)))
	for i := range uint64(5) {
		_, err := r.Get(ctx, dsKey("pk", fmt.Sprint("/pk/", i)))
		errs = append(errs, err, take(t, r, ada.recordKey(i), offer(t, ada, i, 9, "two")))
	}
	_, err = r.Expire(ctx)
	errs = append(errs, err, r.Scrub(ctx), Offers.Clear(ctx, session.Trusted{Writer: store}))
	for i := range uint64(5) {
		errs = append(errs, r.Delete(ctx, dsKey("pk", fmt.Sprint("/pk/", i))),
			r.Delete(ctx, dsKey("market.offer", ada.recordKey(i))),
			r.Delete(ctx, dsKey("blog.user", record.Key(Users, i))),
			r.Delete(ctx, providerKey(fmt.Sprint("key", i%2), fmt.Sprint("peer", i))))
	}
	errs = append(errs, r.Sync(ctx, dsKey("", "")), r.Close())
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool {
		return errors.Is(err, record.ErrOldRecord) || errors.Is(err, ds.ErrNotFound)
	})...)
}
