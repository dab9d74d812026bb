package record

import (
	"context"
	"errors"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Verify is datastore.Verify of a store that was opened with Definition and that
// no Records use, and compares references with provider records as Records.Check
// does. It writes nothing, so that it serves a store that is opened to be read. What
// an earlier process has not filed it leaves out of the comparison.
func Verify(ctx context.Context, store *datastore.Store, options ...datastore.VerifyOptions) (datastore.Report, error) {
	report, err := datastore.Verify(ctx, store, options...)
	if err != nil {
		return report, err
	}
	r := &Records{store: store}
	if err := r.numbers.init(); err != nil {
		return report, err
	}
	for _, isEmpty := range []func(context.Context, models.Reader) (bool, error){Journal.IsEmpty, OwedRefs.IsEmpty} {
		if idle, err := isEmpty(ctx, store); err != nil || !idle {
			return report, err
		}
	}
	seed, err := Seeds.Get(ctx, store, ofKeys)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return report, nil // there are no provider records
	case errors.Is(err, models.ErrCorrupt):
		return report, nil // counted already
	case err != nil:
		return report, err
	}
	r.seed = seed
	err = r.checkRefs(ctx, &report, options...)
	return report, err
}

// Repair is datastore.Repair of a store that was opened with Definition and that no
// Records use, and files what an earlier process has not, and makes references anew
// where they are wrong.
func Repair(ctx context.Context, store *datastore.Store, options ...datastore.VerifyOptions) (datastore.Report, error) {
	report, err := datastore.Repair(ctx, store, options...)
	if err != nil {
		return report, err
	}
	r, err := New(store, Options{
		MaxRecordAge: -1, ProviderValidity: -1, SyncInterval: -1,
		Bounds: Bounds{Records: -1, Providers: -1, ProvidersPerKey: -1, KeysPerPeer: -1, Bytes: -1},
	})
	if err != nil {
		return report, err
	}
	if err = r.mendRefs(ctx, &report, options...); err == nil && report.Repaired > 0 {
		err = r.recount(ctx)
	}
	return report, errors.Join(err, r.Close())
}
