package record

import (
	"context"
	"errors"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
)

// Verify is datastore.Verify for a store that no Records use. If the store was opened
// with Definition, it also compares references with provider records, as Records.Check
// does. It does not compare them if an earlier process has not filed all references.
// Verify writes nothing, so it also works on a store that is opened read-only.
func Verify(ctx context.Context, store *datastore.Store, options ...datastore.VerifyOptions) (datastore.Report, error) {
	report, err := datastore.Verify(ctx, store, options...)
	if err != nil {
		return report, err
	}
	if !hasRecords(ctx, store) {
		return report, nil
	}
	err = providers.Verify(ctx, store, &report)
	tell(report, options)
	return report, err
}

// Repair is datastore.Repair for a store that no Records use. If the store was opened
// with Definition, it also files the references that an earlier process has not filed,
// and makes all references anew if some are wrong.
func Repair(ctx context.Context, store *datastore.Store, options ...datastore.VerifyOptions) (datastore.Report, error) {
	report, err := datastore.Repair(ctx, store, options...)
	if err != nil || !hasRecords(ctx, store) {
		return report, err
	}
	r, err := New(ctx, store, Options{
		MaxRecordAge: -1, ProviderValidity: -1, SyncInterval: -1,
		Bounds: Bounds{Records: -1, Providers: -1, ProvidersPerKey: -1, KeysPerPeer: -1, Bytes: -1},
	})
	if err != nil {
		return report, err
	}
	if err = r.providers.Repair(ctx, &report); err == nil && report.Repaired > 0 {
		err = r.recount(ctx)
	}
	tell(report, options)
	return report, errors.Join(err, r.Close())
}

// hasRecords reports whether a store was opened with Definition.
func hasRecords(ctx context.Context, store *datastore.Store) bool {
	_, err := totals.IsEmpty(ctx, store)
	return !errors.Is(err, models.ErrUnknownTree)
}

// tell reports the findings once more, with those that only this package knows.
func tell(report datastore.Report, options []datastore.VerifyOptions) {
	for _, o := range options {
		if o.Progress != nil {
			o.Progress(report)
		}
	}
}
