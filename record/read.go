package record

import (
	"context"
	"errors"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Get returns the value of key.
func (r *Records) Get(ctx context.Context, key ds.Key) ([]byte, error) {
	if r.closed.Load() {
		return nil, models.ErrClosed
	}
	defer r.metrics.took(ctx, opGet, time.Now())
	p, err := r.find(key.String())
	switch {
	case err != nil:
		return nil, r.absent(ctx)
	case p.tree != nil:
		return r.record(ctx, p)
	case p.isProvider():
		o, err := r.offer(ctx, p.provided, p.peer)
		return o.Raw, err
	case p.raw != nil:
		value, err := p.raw.Get(ctx, r.store, p.key)
		return value, notFound(err)
	}
	return r.plain.Get(ctx, key)
}

// Has reports whether key has a value.
func (r *Records) Has(ctx context.Context, key ds.Key) (bool, error) {
	_, err := r.GetSize(ctx, key)
	if err == ds.ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// GetSize returns the length of key's value.
func (r *Records) GetSize(ctx context.Context, key ds.Key) (int, error) {
	if r.closed.Load() {
		return -1, models.ErrClosed
	}
	p, err := r.find(key.String())
	switch {
	case err != nil:
		return -1, r.absent(ctx)
	case p.tree != nil:
		value, err := r.record(ctx, p)
		if err != nil {
			return -1, err
		}
		return len(value), nil
	case p.isProvider():
		o, err := r.offer(ctx, p.provided, p.peer)
		if err != nil {
			return -1, err
		}
		return len(o.Raw), nil
	case p.raw != nil:
		size, err := p.raw.Size(ctx, r.store, p.key)
		if err != nil {
			return -1, notFound(err)
		}
		return size, nil
	}
	return r.plain.GetSize(ctx, key)
}

// record builds the record of a row as kad-dht has put it. Row and receipt come
// from one snapshot.
func (r *Records) record(ctx context.Context, p place) (data []byte, err error) {
	err = r.store.View(ctx, func(tx *datastore.ReadTx) error {
		s, err := p.tree.standing(ctx, tx, p.key)
		if err != nil {
			return err
		}
		if !s.served() {
			return ds.ErrNotFound
		}
		value, err := p.tree.data(&s, p.recordKey)
		if err != nil {
			return err
		}
		w := wireRecord{key: []byte(p.recordKey), value: value, received: appendTime(nil, s.receipt.Received)}
		data = w.append(make([]byte, 0, len(w.key)+len(w.value)+len(w.received)+16))
		return nil
	})
	return data, err
}

// absent returns ds.ErrNotFound for a key that can have no value, unless the
// store cannot be read at all.
func (r *Records) absent(ctx context.Context) error {
	return r.store.View(ctx, func(*datastore.ReadTx) error { return ds.ErrNotFound })
}

// notFound turns absence into the one error that go-datastore has for it, which
// kad-dht compares with ==.
func notFound(err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return ds.ErrNotFound
	}
	return err
}
