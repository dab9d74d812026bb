package record

import (
	"context"
	"errors"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
)

var (
	_ ds.TTLDatastore        = (*Records)(nil)
	_ ds.GCDatastore         = (*Records)(nil)
	_ ds.PersistentDatastore = (*Records)(nil)
	_ ds.CheckedDatastore    = (*Records)(nil)
	_ ds.ScrubbedDatastore   = (*Records)(nil)
)

// PutWithTTL puts a value that expires after ttl. Records and provider records expire by
// their age: under their keys it returns ErrTTL.
func (r *Records) PutWithTTL(ctx context.Context, key ds.Key, value []byte, ttl time.Duration) error {
	if err := r.plainKey(key); err != nil {
		return err
	}
	return r.plain.PutWithTTL(r.forPlain(ctx), key, value, ttl)
}

// SetTTL makes key's value expire after ttl, counted from now. It returns go-datastore's
// ErrNotFound if there is no value, and ErrTTL under the key of a record or a provider
// record.
func (r *Records) SetTTL(ctx context.Context, key ds.Key, ttl time.Duration) error {
	if err := r.plainKey(key); err != nil {
		return err
	}
	return r.plain.SetTTL(r.forPlain(ctx), key, ttl)
}

// plainKey refuses the keys of records.
func (r *Records) plainKey(key ds.Key) error {
	if r.closed.Load() {
		return models.ErrClosed
	}
	p, err := r.find(key.String())
	if err == nil && !p.isPlain() {
		err = &datastore.KeyError{Key: shorten(key.String()), Err: ErrTTL}
	}
	return err
}

// GetExpiration returns the time at which key's value expires, or the zero time if it
// does not expire. A record or a provider record expires when it reaches its greatest
// age. GetExpiration returns go-datastore's ErrNotFound if there is no value.
func (r *Records) GetExpiration(ctx context.Context, key ds.Key) (time.Time, error) {
	if r.closed.Load() {
		return time.Time{}, models.ErrClosed
	}
	p, err := r.find(key.String())
	if err != nil {
		return time.Time{}, r.absent(ctx)
	}
	if p.isPlain() {
		return r.plain.GetExpiration(r.forPlain(ctx), key)
	}
	value, err := r.Get(ctx, key)
	if err != nil {
		return time.Time{}, err
	}
	if p.isProvider() {
		return r.providers.DueOf(providers.ParseTime(value)), nil
	}
	v := parseValue(value)
	return r.end(v.Received, v.TTL), nil
}

// CollectGarbage calls Expire, and then the store's Compact. It gives free space back to
// the file system, as far as the engine can while it is open. It may take minutes.
func (r *Records) CollectGarbage(ctx context.Context) error {
	_, err := r.Expire(ctx)
	if errors.Is(err, models.ErrClosed) {
		return err
	}
	return errors.Join(err, r.store.Compact(ctx))
}

// DiskUsage returns how many bytes the whole store takes.
func (r *Records) DiskUsage(ctx context.Context) (uint64, error) {
	if r.closed.Load() {
		return 0, models.ErrClosed
	}
	return r.plain.DiskUsage(ctx)
}
