package record

import (
	"context"
	"errors"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Check verifies the whole store, and that each provider record is found by its
// peer and by its time. For damage it returns a *datastore.DamageError.
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

// Scrub repairs the whole store, and has provider records be found by peer and by
// time again where they are not. For damage it could not mend, and for rows that it
// has set aside because nobody can read them, it returns a *datastore.DamageError.
// It counts anew what the bounds are for.
func (r *Records) Scrub(ctx context.Context) error {
	if r.closed.Load() {
		return models.ErrClosed
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
