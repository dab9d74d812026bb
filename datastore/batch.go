package datastore

import (
	"bytes"
	"context"
	"sync"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/models"
)

// Batch returns an empty batch. It copies keys and values, so that the caller
// may reuse their memory. It commits in one transaction if the engine can take
// it, otherwise in several. It may be used from several goroutines.
func (f *Face) Batch(ctx context.Context) (ds.Batch, error) {
	if f.closed.Load() {
		return nil, models.ErrClosed
	}
	if err := f.store.usable(ctx); err != nil {
		return nil, err
	}
	return &batch{face: f}, nil
}

type batch struct {
	face *Face
	mu   sync.Mutex
	ops  []batchOp
}

// batchOp is a put, or a delete where value is nil.
type batchOp struct {
	target
	value []byte
}

func (b *batch) Put(ctx context.Context, key ds.Key, value []byte) error {
	return b.add(ctx, key, append(make([]byte, 0, len(value)), value...))
}

func (b *batch) Delete(ctx context.Context, key ds.Key) error { return b.add(ctx, key, nil) }

func (b *batch) add(ctx context.Context, key ds.Key, value []byte) error {
	if err := b.face.store.usable(ctx); err != nil {
		return err
	}
	if b.face.closed.Load() {
		return models.ErrClosed
	}
	t, err := b.face.findRow(key)
	if err != nil {
		return err
	}
	t.key = bytes.Clone(t.key)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ops = append(b.ops, batchOp{t, value})
	return nil
}

// Commit applies the batch and empties it. On an error it keeps what it has not
// applied, and Commit may be called again.
func (b *batch) Commit(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.face.closed.Load() {
		return models.ErrClosed
	}
	if err := b.face.store.checkNested(ctx); err != nil || len(b.ops) == 0 {
		return err
	}
	return paging.Each(len(b.ops), func(most int) (done bool, err error) {
		most = min(most, len(b.ops))
		if err := b.apply(ctx, b.ops[:most]); err != nil {
			return false, err
		}
		b.ops = b.ops[most:]
		return len(b.ops) == 0, nil
	})
}

func (b *batch) apply(ctx context.Context, ops []batchOp) error {
	return b.face.store.Update(ctx, func(ctx context.Context, tx *WriteTx) error {
		for _, op := range ops {
			var err error
			if op.value == nil {
				err = op.raw.Delete(ctx, tx, op.key)
			} else {
				err = op.raw.Put(ctx, tx, op.key, op.value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
