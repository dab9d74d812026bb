package datastore

import (
	"context"
	"fmt"
	"math"
	"time"

	ds "github.com/ipfs/go-datastore"

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
	t, err := f.findRow(key)
	if err != nil {
		return err
	}
	expiry, err := expiryIn(key, ttl)
	if err != nil {
		return err
	}
	return t.raw.PutUntil(ctx, f.store, t.key, value, expiry)
}

// SetTTL makes key's value expire once ttl has passed from now, or returns
// go-datastore's ErrNotFound. It takes the ttl that PutWithTTL does.
func (f *Face) SetTTL(ctx context.Context, key ds.Key, ttl time.Duration) error {
	expiry, err := expiryIn(key, ttl)
	if err != nil {
		return err
	}
	return f.atRow(ctx, key, func(t target) error {
		return t.raw.SetExpiry(ctx, f.store, t.key, expiry)
	})
}

// GetExpiration returns when key's value expires, the zero time if it does not,
// or go-datastore's ErrNotFound.
func (f *Face) GetExpiration(ctx context.Context, key ds.Key) (expiry time.Time, err error) {
	err = f.atRow(ctx, key, func(t target) error {
		expiry, err = t.raw.Expiry(ctx, f.store, t.key)
		return err
	})
	return expiry, err
}

// atRow calls fn with the row that key stands for.
func (f *Face) atRow(ctx context.Context, key ds.Key, fn func(target) error) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	if t, err := f.find(key); err == nil && t.index != nil {
		return &KeyError{Key: key.String(), Err: ErrIndexKey}
	}
	return f.read(ctx, f.store, key, fn)
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
