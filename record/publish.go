package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/routing"

	"github.com/newsnet-africa/netabase-go/models"
)

// Key returns the record key of the row with the primary key: "/", the tree's
// full name, "/", and the key as text. "/blog.user/00000000000000000001", say.
func Key[M, K any](t *models.Tree[M, K], key K) string { return "/" + t.Name() + "/" + t.KeyText(key) }

// Publish stores m as a row of t and puts it into the DHT as this peer's own
// record. The row and its receipt are durable before the DHT hears of it. r has
// to be the datastore of d, as DHTOptions make it, and to have t registered;
// otherwise Publish returns models.ErrUnknownTree.
//
// It returns ErrOldRecord, with nothing stored, where the row that is there is
// better, and what makes peers refuse a record: models.ErrInvalid, ErrTooLarge,
// ErrKeySize, ErrUnique. Every other error comes from the DHT, after the row has
// been stored: kbucket.ErrLookupFailure where no peer is known, for example.
// The row stays, and Publish may be called again with the same model.
//
// That no error is returned says that the record has been sent to the peers
// closest to its key, not that any has taken it.
func Publish[M, K any](ctx context.Context, d *dht.IpfsDHT, r *Records, t *models.Tree[M, K], m *M) error {
	tree, err := r.registered(t)
	if err != nil {
		return err
	}
	key, value, err := t.Encode(m)
	if err != nil {
		return err
	}
	recordKey, err := tree.recordKey(key)
	if err != nil {
		return err
	}
	// What other peers would refuse is refused here.
	c, err := tree.checkRecord(recordKey, value)
	if err != nil {
		return err
	}
	now := time.Now()
	err = r.change(ctx, r.store.Update, func(l *ledger) error {
		return tree.accept(l, c, now, Published)
	})
	if err != nil {
		return failAt("publish", tree.raw, key, err)
	}
	r.sweeper.arm(r.ages.due(false, now))
	if err := d.PutValue(ctx, recordKey, value); err != nil {
		if row, rowErr := tree.raw.Get(ctx, r.store, key); rowErr == nil && !bytes.Equal(row, value) {
			// A better record has come in between. kad-dht has no error to
			// tell that by.
			err = fmt.Errorf("%w: %w", ErrOldRecord, err)
		}
		return failAt("publish", tree.raw, key, err)
	}
	return nil
}

// Resolve gets the row with the primary key from the DHT: the best of the
// records that the peers closest to it hold, and this peer, if it serves it. It
// returns models.ErrNotFound where none has a valid one, or none could be asked.
//
// Resolve stores nothing: kad-dht places records by their keys, not on those who
// ask for them.
func Resolve[M, K any](ctx context.Context, d *dht.IpfsDHT, r *Records, t *models.Tree[M, K], key K) (M, error) {
	tree, err := r.registered(t)
	if err != nil {
		return *new(M), err
	}
	value, err := d.GetValue(ctx, Key(t, key))
	if err != nil {
		if errors.Is(err, routing.ErrNotFound) {
			err = fmt.Errorf("%w: %w", models.ErrNotFound, err)
		}
		return *new(M), &models.Error{Op: "resolve", Tree: t.Name(), Key: t.KeyText(key), Err: err}
	}
	c, err := tree.checkRecord(Key(t, key), value)
	if err != nil {
		return *new(M), err
	}
	return t.Decode(c.key, value)
}

// registered returns a tree of Options.Models.
func (r *Records) registered(t models.AnyTree) (*modelTree, error) {
	if r.closed.Load() {
		return nil, models.ErrClosed
	}
	tree := r.trees[t.Name()]
	if tree == nil || tree.raw != t.Raw() {
		return nil, &models.Error{
			Op: "find", Tree: t.Name(),
			Err: fmt.Errorf("%w: it is not one of the models that the records were made with", models.ErrUnknownTree),
		}
	}
	return tree, nil
}
