package datastore

import (
	"context"
	"fmt"
	"math"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/internal/finish"
	"github.com/newsnet-africa/netabase-go/models"
)

var _ ds.TTLDatastore = (*Face)(nil)

// PutWithTTL is Put of a value that expires, to the nanosecond, once ttl has
// passed. The ttl must be above zero and end by 11 April 2262, when the
// nanoseconds since 1970 outgrow a signed 64-bit number; for any other ttl it
// returns models.ErrInvalid. Put without a TTL makes the value last.
func (f *Face) PutWithTTL(ctx context.Context, key ds.Key, value []byte, ttl time.Duration) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	expiry, err := expiryIn(key, ttl)
	if err != nil {
		return err
	}
	b, t := f.given(ctx)
	if b != nil {
		return b.put(ctx, f.paths, key, value, expiry)
	}
	w, err := f.writer(t)
	if err != nil {
		return err
	}
	return finish.Do(ctx, func(ctx context.Context) error { return f.putUntil(ctx, w, key, value, expiry) })
}

// SetTTL makes key's value expire once ttl has passed from now, or returns
// go-datastore's ErrNotFound. It takes the ttl that PutWithTTL does. A batch in the
// context does not take it: the value that is stored gets the ttl, at once.
func (f *Face) SetTTL(ctx context.Context, key ds.Key, ttl time.Duration) error {
	expiry, err := expiryIn(key, ttl)
	if err != nil {
		return err
	}
	_, t := f.given(ctx)
	w, err := f.writer(t)
	if err != nil {
		return err
	}
	return f.atRow(ctx, w, key, func(ctx context.Context, t target) error {
		return t.raw.SetExpiry(ctx, w, t.key, expiry)
	})
}

// GetExpiration returns when key's value expires, the zero time if it does not,
// or go-datastore's ErrNotFound.
func (f *Face) GetExpiration(ctx context.Context, key ds.Key) (expiry time.Time, err error) {
	r := f.reader(ctx)
	err = f.atRow(ctx, r, key, func(ctx context.Context, t target) (err error) {
		expiry, err = t.raw.Expiry(ctx, r, t.key)
		return err
	})
	return expiry, err
}

// atRow calls fn with the row that key stands for, in r.
func (f *Face) atRow(
	ctx context.Context, r models.Reader, key ds.Key, fn func(context.Context, target) error,
) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	if t, err := f.find(key); err == nil && t.index != nil {
		return &KeyError{Key: key.String(), Err: ErrIndexKey}
	}
	return finish.Do(ctx, func(ctx context.Context) error {
		return f.read(ctx, r, key, func(t target) error { return fn(ctx, t) })
	})
}

func expiryIn(key ds.Key, ttl time.Duration) (time.Time, error) {
	if ttl <= 0 {
		return time.Time{}, &KeyError{Key: key.String(), Err: fmt.Errorf("%w: a TTL of %v", models.ErrInvalid, ttl)}
	}
	now := time.Now()
	if most := time.Unix(0, math.MaxInt64).Sub(now); ttl > most {
		return time.Time{}, &KeyError{
			Key: key.String(), Err: fmt.Errorf("%w: a TTL of %v, the longest is %v", models.ErrInvalid, ttl, most),
		}
	}
	return now.Add(ttl), nil
}
