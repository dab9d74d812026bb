package datastore

import (
	"context"
	"sync"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/internal/finish"
	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// Batch returns an empty batch. It copies keys and values, so that the caller
// may reuse their memory; a value that belongs to no tree is copied once, by Put.
// It commits in one transaction if the engine can take it, otherwise in several.
// It may be used from several goroutines.
func (f *Face) Batch(ctx context.Context) (ds.Batch, error) {
	if f.closed.Load() {
		return nil, models.ErrClosed
	}
	if err := f.store.checkNested(ctx); err != nil {
		return nil, err
	}
	return &batch{face: f}, nil
}

type batch struct {
	face *Face
	mu   sync.Mutex
	ops  []batchOp
}

// batchOp is a put or a delete.
type batchOp struct {
	target
	deleted bool
	// row is the row of a value that belongs to no tree. Any other value is put as it is,
	// to expire at expiry, the zero time for never.
	row    session.Row
	value  []byte
	expiry time.Time
	// size is the length of the value.
	size int
}

func (b *batch) Put(ctx context.Context, key ds.Key, value []byte) error {
	return b.put(ctx, b.face.paths, key, value, time.Time{})
}

func (b *batch) Delete(ctx context.Context, key ds.Key) error {
	return b.delete(ctx, b.face.paths, key)
}

func (b *batch) put(ctx context.Context, p paths, key ds.Key, value []byte, expiry time.Time) error {
	t, err := p.findRow(key)
	if err != nil {
		return err
	}
	op := batchOp{target: t, size: len(value)}
	if t.raw == plain.Raw() {
		var nanos int64
		if !expiry.IsZero() {
			nanos = expiry.UnixNano()
		}
		if op.row, err = plain.Core().Encode(b.face.store.places[plain.Core()], t.key, value, nanos); err != nil {
			return t.fail(len(value), err)
		}
	} else {
		op.value, op.expiry = append(make([]byte, 0, len(value)), value...), expiry
	}
	return b.add(ctx, op)
}

func (b *batch) delete(ctx context.Context, p paths, key ds.Key) error {
	t, err := p.findRow(key)
	if err != nil {
		return err
	}
	return b.add(ctx, batchOp{target: t, deleted: true})
}

func (b *batch) add(ctx context.Context, op batchOp) error {
	if err := b.face.store.checkNested(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.face.closed.Load() {
		return models.ErrClosed
	}
	b.ops = append(b.ops, op)
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
	if err := b.face.checkInside(ctx); err != nil || len(b.ops) == 0 {
		return err
	}
	return finish.Do(ctx, func(ctx context.Context) error {
		return paging.Each(len(b.ops), func(most int) (done bool, err error) {
			most = min(most, len(b.ops))
			if err := b.apply(ctx, b.ops[:most]); err != nil {
				return false, err
			}
			b.ops = b.ops[most:]
			return len(b.ops) == 0, nil
		})
	})
}

func (b *batch) apply(ctx context.Context, ops []batchOp) error {
	return b.face.store.Update(ctx, func(ctx context.Context, tx *WriteTx) error {
		for i := range ops {
			if err := ops[i].write(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (op *batchOp) write(ctx context.Context, tx *WriteTx) (err error) {
	switch {
	case op.deleted:
		err = op.raw.Delete(ctx, tx, op.key)
	case op.row.Key != nil:
		err = tx.RunWrite(ctx, func(s *session.Session) error { return plain.Core().PutRow(s, op.row) })
	case !op.expiry.IsZero():
		err = op.raw.PutUntil(ctx, tx, op.key, op.value, op.expiry)
	default:
		err = op.raw.Put(ctx, tx, op.key, op.value)
	}
	return op.fail(op.size, err)
}
