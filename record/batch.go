package record

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/internal/finish"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
)

// Batch returns an empty batch. The batch copies the keys and values it is given, and
// several goroutines may use it.
func (r *Records) Batch(ctx context.Context) (ds.Batch, error) {
	if r.closed.Load() {
		return nil, models.ErrClosed
	}
	plain, err := r.plain.Batch(ctx)
	if err != nil {
		return nil, err
	}
	return &batch{records: r, plain: plain}, nil
}

// batch is a list of changes, and beside it a batch of the plain face.
type batch struct {
	records *Records
	plain   ds.Batch

	mu      sync.Mutex
	changes []change
	// provided are the changes of provider records.
	provided []providers.Change
}

// Put adds a put. It refuses a record that could never be taken, whatever is stored, as
// Records.Put does. Such a record is not part of the batch.
func (b *batch) Put(ctx context.Context, key ds.Key, value []byte) error {
	if b.records.closed.Load() {
		return models.ErrClosed
	}
	p, err := b.records.find(key.String())
	switch {
	case err != nil:
		b.records.metrics.refused(ctx, err)
		return err
	case p.isPlain():
		return b.plain.Put(ctx, key, value)
	}
	if !p.isProvider() { // whose bytes become a string
		value = bytes.Clone(value)
	}
	c, err := b.records.put(ctx, p, value)
	if err == nil {
		b.add(&c)
	}
	return err
}

// Delete adds a delete.
func (b *batch) Delete(ctx context.Context, key ds.Key) error {
	if b.records.closed.Load() {
		return models.ErrClosed
	}
	p, err := b.records.find(key.String())
	switch {
	case err != nil:
		return nil // nothing can be there
	case p.isPlain():
		return b.plain.Delete(ctx, key)
	}
	b.add(&change{place: p, delete: true})
	return nil
}

func (b *batch) add(c *change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.isProvider() {
		b.provided = append(b.provided, c.providerChange())
	} else {
		b.changes = append(b.changes, *c)
	}
}

// Commit applies the batch and empties it. It writes records and provider records in one
// transaction if the engine can take it, otherwise in several, and then the rest in the
// same way. On an error the batch keeps the changes that are not applied, and Commit may
// be called again.
//
// Commit leaves out records that are worse than the stored ones, and records that an
// index of the model does not take. It applies all others, and returns an error that
// names the ones left out and matches ErrOldRecord, models.ErrUnique or
// models.ErrKeySize. Commit leaves out provider records that a bound refuses without an
// error: for an error kad-dht would write the whole batch again, each time it sends it.
func (b *batch) Commit(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.records.closed.Load() {
		return models.ErrClosed
	}
	if err := b.records.checkInside(ctx); err != nil {
		return err
	}
	defer b.records.metrics.took(ctx, opCommit, time.Now())
	var refused error
	for size := max(len(b.changes), len(b.provided)); len(b.changes)+len(b.provided) > 0; {
		n, m := min(size, len(b.changes)), min(size, len(b.provided))
		var left []error
		err := finish.Do(ctx, func(ctx context.Context) (err error) {
			left, _, err = b.records.applyBatch(ctx, b.changes[:n], b.provided[:m])
			return err
		})
		switch {
		case errors.Is(err, models.ErrTooLarge) && size > 1:
			size /= 2
			continue
		case err != nil:
			return errors.Join(err, refused)
		}
		refused = errors.Join(append(left, refused)...)
		b.changes, b.provided = b.changes[n:], b.provided[m:]
	}
	return errors.Join(refused, b.plain.Commit(ctx))
}
