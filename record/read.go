package record

import (
	"context"
	"slices"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/finish"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Get returns the value of key.
func (r *Records) Get(ctx context.Context, key ds.Key) (value []byte, err error) {
	if r.closed.Load() {
		return nil, models.ErrClosed
	}
	if t := r.reading(ctx); t != nil {
		return t.Get(ctx, key)
	}
	defer r.metrics.took(ctx, opGet, time.Now())
	p, err := r.find(key.String())
	switch {
	case err != nil:
		return nil, r.absent(ctx)
	case p.isPlain():
		return r.plain.Get(ctx, key)
	}
	err = finish.Do(ctx, func(ctx context.Context) (err error) {
		value, err = r.get(ctx, r.store, &p, nil)
		return err
	})
	return value, err
}

// get reads a value that is not the plain face's, with pending changes of provider
// records on top.
func (r *Records) get(ctx context.Context, from models.Reader, p *place, pending []providers.Change) ([]byte, error) {
	switch {
	case p.tree != nil:
		return r.record(ctx, from, p)
	case p.isProvider():
		found, err := r.providers.Of(ctx, from, []byte(p.provided), pending, nil)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(found, func(r providers.Record) bool { return r.Peer == p.peer })
		if at < 0 {
			return nil, ds.ErrNotFound
		}
		return found[at].Raw, nil
	}
	stored, found, err := p.raw.Find(ctx, from, p.key)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ds.ErrNotFound
	}
	value, err := versioned.Cut(stored)
	if err == nil && isSpentValue(value) {
		return nil, ds.ErrNotFound
	}
	return value, p.fail("get", err)
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
func (r *Records) GetSize(ctx context.Context, key ds.Key) (size int, err error) {
	if r.closed.Load() {
		return -1, models.ErrClosed
	}
	if t := r.reading(ctx); t != nil {
		return t.GetSize(ctx, key)
	}
	p, err := r.find(key.String())
	switch {
	case err != nil:
		return -1, r.absent(ctx)
	case p.isPlain():
		return r.plain.GetSize(ctx, key)
	}
	err = finish.Do(ctx, func(ctx context.Context) (err error) {
		size, err = r.size(ctx, r.store, &p, nil)
		return err
	})
	return size, err
}

// size is the length of what get reads.
func (r *Records) size(ctx context.Context, from models.Reader, p *place, pending []providers.Change) (int, error) {
	value, err := r.get(ctx, from, p, pending)
	if err != nil {
		return -1, err
	}
	return len(value), nil
}

// record builds the record of a row as kad-dht has put it. Row and receipt come
// from one snapshot.
func (r *Records) record(ctx context.Context, from models.Reader, p *place) (data []byte, err error) {
	err = r.snapshot(ctx, from, func(tx models.Reader) error {
		s, err := p.tree.rowState(ctx, tx, p.key)
		if err != nil {
			return err
		}
		if !s.served() {
			return ds.ErrNotFound
		}
		value, err := p.tree.rules.Data(p.recordKey, &s.Stored)
		if err != nil {
			return err
		}
		w := wire.Record{
			Key: []byte(p.recordKey), Value: value,
			Received: wire.AppendTime(nil, s.receipt.Received), More: s.receipt.More,
		}
		data = w.Append(make([]byte, 0, w.Size()))
		return nil
	})
	return data, err
}

// snapshot calls fn with one snapshot: that of a transaction, or a new one if from is the
// store.
func (r *Records) snapshot(ctx context.Context, from models.Reader, fn func(models.Reader) error) error {
	if from != models.Reader(r.store) {
		return fn(from)
	}
	return r.store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error { return fn(tx) })
}

// absent returns ds.ErrNotFound for a key that can have no value, unless the
// store cannot be read at all.
func (r *Records) absent(ctx context.Context) error {
	return finish.Do(ctx, func(ctx context.Context) error {
		return r.store.View(ctx, func(context.Context, *datastore.ReadTx) error { return ds.ErrNotFound })
	})
}
