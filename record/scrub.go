package record

import (
	"context"
	"errors"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Check verifies the whole store, and that each provider record is found by its
// peer and by its time. It returns a *datastore.DamageError if it finds damage.
func (r *Records) Check(ctx context.Context) error {
	if r.closed.Load() {
		return models.ErrClosed
	}
	err := r.plain.Check(ctx)
	if err != nil && !isDamage(err) {
		return err
	}
	var report datastore.Report
	refsErr := r.providers.Check(ctx, &report)
	if refsErr == nil && !report.Clean() {
		refsErr = &datastore.DamageError{Report: report}
	}
	return errors.Join(err, refsErr)
}

// Scrub repairs the whole store, and makes provider records that were not found by peer
// or by time found again. It returns a *datastore.DamageError for damage that it could
// not repair, and for rows that it has set aside because nobody can read them. It counts
// the records and bytes for the bounds anew.
func (r *Records) Scrub(ctx context.Context) error {
	if r.closed.Load() {
		return models.ErrClosed
	}
	if err := r.checkInside(ctx); err != nil {
		return err
	}
	damage := r.plain.Scrub(ctx)
	if damage != nil && !isDamage(damage) {
		return damage
	}
	err := r.providers.Repair(ctx, &datastore.Report{})
	return errors.Join(damage, err, r.recount(ctx))
}

func isDamage(err error) bool {
	var damage *datastore.DamageError
	return errors.As(err, &damage)
}
