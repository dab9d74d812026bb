package record

import (
	"context"
	"errors"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/internal/finish"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Put stores value under key. A value under the key of a record or a provider record is
// soft state: the package comment says when it is durable.
//
// Under the record key of a registered model, value has to be a record as kad-dht writes
// it, and its row may not be worse than the stored one. A refused record changes nothing;
// the package comment lists the reasons.
func (r *Records) Put(ctx context.Context, key ds.Key, value []byte) error {
	if r.closed.Load() {
		return models.ErrClosed
	}
	if w := r.given(ctx); w != nil {
		return w.Put(ctx, key, value)
	}
	defer r.metrics.took(ctx, opPut, time.Now())
	p, err := r.find(key.String())
	switch {
	case err != nil:
		r.metrics.refused(ctx, err)
		return err
	case p.isPlain():
		return r.plain.Put(ctx, key, value)
	}
	c, err := r.put(ctx, p, value)
	if err != nil {
		return err
	}
	refused, err := r.applyNow(ctx, c)
	return errors.Join(append(refused, err)...)
}

// Delete removes key. An absent key is no error. If the program has put or published the
// row of a record, the row stays and is only no longer served.
func (r *Records) Delete(ctx context.Context, key ds.Key) error {
	if r.closed.Load() {
		return models.ErrClosed
	}
	if w := r.given(ctx); w != nil {
		return w.Delete(ctx, key)
	}
	defer r.metrics.took(ctx, opDelete, time.Now())
	p, err := r.find(key.String())
	switch {
	case err != nil:
		_, err := r.Has(ctx, key) // nothing can be there, but the store may be closed
		return err
	case p.isPlain():
		return r.plain.Delete(ctx, key)
	}
	_, err = r.applyNow(ctx, change{place: p, delete: true})
	return err
}

// change is a put or delete that has passed every check that needs no look at
// the store.
type change struct {
	place
	delete bool
	value  []byte
	// received is when the value came, or the zero time if the value does not say. Data, TTL
	// and more are what else the record says: see Value and receipts.Receipt.
	received time.Time
	data     []byte
	ttl      time.Duration
	more     []byte
	// record is set for the put of a model's record.
	record policy.Candidate
}

// put checks a put, and keeps value.
func (r *Records) put(ctx context.Context, p place, value []byte) (c change, err error) {
	c = change{place: p, value: value}
	switch {
	case p.tree != nil:
		var w wire.Record
		if w, c.received, err = wire.ParseExact(p.recordKey, value); err == nil {
			c.ttl, c.more = w.TTL, w.More
			c.record, err = p.tree.check(p.key, w.Value, len(w.More))
		}
	case len(value) > r.maxValue:
		err = tooLarge(len(value), r.maxValue)
	case p.isProvider():
		c.received = providers.ParseTime(value)
	default:
		v := parseValue(value)
		c.data, c.received, c.ttl = v.Data, v.Received, v.TTL
	}
	if err != nil {
		r.metrics.refused(ctx, err)
		err = p.fail("put", err)
	}
	return c, err
}

// applyNow makes a change in a transaction of its own.
func (r *Records) applyNow(ctx context.Context, c change) (refused []error, err error) {
	if !c.isProvider() {
		err = finish.Do(ctx, func(ctx context.Context) error {
			refused, _, err = r.applyBatch(ctx, []change{c}, nil)
			return err
		})
		return refused, err
	}
	err = finish.Do(ctx, func(ctx context.Context) error {
		_, refused, err = r.applyBatch(ctx, nil, []providers.Change{c.providerChange()})
		return err
	})
	for i := range refused {
		refused[i] = c.fail("put", refused[i])
	}
	return refused, err
}

// applyBatch makes changes of records and of provider records in one transaction. It
// returns the refusals of both.
func (r *Records) applyBatch(
	ctx context.Context, changes []change, provided []providers.Change,
) (refused, full []error, err error) {
	err = r.changeRelaxed(ctx, func(l *ledger) (err error) {
		refused = nil // the transaction may run more than once
		if full, err = l.providers.Apply(l.ctx, l.tx, l.tx, provided); err != nil {
			return err
		}
		for i := range changes {
			if err := l.apply(&changes[i], &refused); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	asBoundErrors(full)
	r.applied(ctx, refused)
	r.applied(ctx, full)
	r.armFor(changes...)
	r.armForProviders(provided)
	return refused, full, nil
}

// asBoundErrors turns the errors of provider records that a bound has refused into
// ours.
func asBoundErrors(errs []error) {
	for i, err := range errs {
		if full := (*providers.FullError)(nil); errors.As(err, &full) {
			errs[i] = &BoundError{Bound: full.Bound, Limit: full.Limit}
		}
	}
}

// applied finishes the work after changes have been made. They are durable some time
// later.
func (r *Records) applied(ctx context.Context, refused []error) {
	r.metrics.refused(ctx, refused...)
	r.syncs.Ask()
}

// providerChange is a change of a provider record.
func (c *change) providerChange() providers.Change {
	return providers.Change{Key: c.provided, Peer: string(c.peer), Raw: string(c.value), Delete: c.delete}
}

// armFor makes the sweeper run when the first of the values that were put expires.
func (r *Records) armFor(changes ...change) {
	var due time.Time
	for _, c := range changes {
		if !c.delete {
			due = earlier(due, r.end(c.received, c.ttl))
		}
	}
	r.sweeper.Arm(soon(due))
}

// armForProviders is armFor of provider records.
func (r *Records) armForProviders(changes []providers.Change) {
	var first time.Time
	for i := range changes {
		if !changes[i].Delete {
			first = earlier(first, changes[i].Received())
		}
	}
	r.sweeper.Arm(soon(r.providers.DueOf(first)))
}

// isRefusal reports whether err refuses a record because of a bound, of a stored row, or
// of its entry in an index. Then nothing of the record has been written.
func isRefusal(err error) bool {
	return errors.Is(err, ErrOldRecord) || errors.Is(err, ErrFull) ||
		errors.Is(err, models.ErrUnique) || errors.Is(err, models.ErrMerge) || errors.Is(err, models.ErrKeySize)
}

// apply makes a change of a record, and adds to refused.
func (l *ledger) apply(c *change, refused *[]error) (err error) {
	if l.by = session.DHT; c.delete { // which no peer can ask for
		l.by = session.Program
	}
	switch {
	case c.tree != nil && c.delete:
		err = c.tree.drop(l, c.key)
	case c.tree != nil:
		_, err = c.tree.accept(l, c.record, c.received, c.more, receipts.Stranger)
	case c.delete:
		_, err = l.deleteValue(c.key)
	default:
		err = l.putValueUnlessShorter(c)
	}
	if isRefusal(err) {
		*refused = append(*refused, c.fail("put", err))
		return nil
	}
	return err
}
