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
// better, ErrNotOwner where t is signed and m another peer's, and what makes
// peers refuse a record: models.ErrInvalid, ErrTooLarge, ErrKeySize, ErrUnique.
// Every other error comes from the DHT, after the row has been stored:
// kbucket.ErrLookupFailure where no peer is known, for example. The row stays,
// and Publish may be called again with the same model.
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
	if value == nil {
		value = []byte{} // for nil is a tombstone's
	}
	return r.publish(ctx, d, tree, key, func(*standing) ([]byte, error) { return value, nil })
}

// Retract takes back the record with the primary key, which is this peer's own:
// it deletes the row, and puts a tombstone into the DHT that is better than every
// earlier record. The peers that hold the record delete its row, and keep the
// tombstone as long as they would a record. t has to be signed, or Retract
// returns ErrPolicy: what nobody owns nobody can take back. Its other errors are
// those of Publish. That there is no such row is no error.
func Retract[M, K any](ctx context.Context, d *dht.IpfsDHT, r *Records, t *models.Tree[M, K], key K) error {
	tree, err := r.registered(t)
	if err != nil {
		return err
	}
	encoded := t.EncodeKey(key)
	if tree.policy != SignedPolicy {
		return failAt("retract", tree.raw, encoded, fmt.Errorf("%w: it is %v", ErrPolicy, tree.policy))
	}
	return r.publish(ctx, d, tree, encoded, func(*standing) ([]byte, error) { return nil, nil })
}

// publish files a record of this peer and puts it into the DHT. Value is given
// what there is, and returns the row's value, nil for a tombstone.
func (r *Records) publish(ctx context.Context, d *dht.IpfsDHT, tree *modelTree, key []byte, value func(*standing) ([]byte, error)) error {
	recordKey, err := tree.recordKey(key)
	if err != nil {
		return err
	}
	now := time.Now()
	defer r.metrics.took(ctx, opPublish, now)
	var c candidate
	err = r.change(ctx, r.store.Update, func(l *ledger) error {
		old, err := tree.standing(l.ctx, l.tx, key)
		if err != nil {
			return err
		}
		v, err := value(&old)
		if err != nil {
			return err
		}
		data, err := r.own(d, tree, &old, key, v, now)
		if err != nil {
			return err
		}
		// What other peers would refuse is refused here.
		if c, err = tree.check(key, data); err != nil {
			return err
		}
		return tree.accept(l, c, now, Published)
	})
	if err != nil {
		return failAt("publish", tree.raw, key, err)
	}
	r.sweeper.arm(soon(r.due(&place{}, now)))
	if err := d.PutValue(ctx, recordKey, c.data); err != nil {
		if row, rowErr := tree.raw.Get(ctx, r.store, key); rowErr == nil && !bytes.Equal(row, c.value) {
			// A better record has come in between. kad-dht has no error to
			// tell that by.
			err = fmt.Errorf("%w: %w", ErrOldRecord, err)
		}
		return failAt("publish", tree.raw, key, err)
	}
	return nil
}

// own returns the record's value for a row of this peer: of a signed tree, what it
// signs. What is signed anew as it was keeps its sequence number, and a tombstone
// also its expiry; everything else has a number above the last, and at least the
// time in milliseconds, so that a peer that has lost its store is believed again.
func (r *Records) own(d *dht.IpfsDHT, tree *modelTree, old *standing, key, value []byte, now time.Time) ([]byte, error) {
	if tree.policy != SignedPolicy {
		return value, nil
	}
	owner, err := tree.owner(key)
	if err != nil {
		return nil, err
	}
	if owner != d.PeerID() {
		return nil, fmt.Errorf("%w: %s", ErrNotOwner, owner)
	}
	private := d.Host().Peerstore().PrivKey(owner)
	if private == nil {
		return nil, fmt.Errorf("the host has no private key of %s", owner)
	}
	s := statement{value: value, retracted: value == nil, expires: r.ages.expiresAt(now)}
	if s.recordKey, err = tree.recordKey(key); err != nil {
		return nil, err
	}
	s.sequence = uint64(now.UnixMilli())
	if last := old.seal; last != nil {
		same := old.receipt.Origin != 0 && last.Retracted == s.retracted && bytes.Equal(old.value, value)
		if same && s.retracted && r.outlasts(last, now) {
			s.expires = last.Expires
		}
		if same && s.expires >= last.Expires {
			s.sequence = last.Sequence
		} else {
			s.sequence = max(s.sequence, last.Sequence+1)
		}
	}
	return s.sign(private)
}

// outlasts reports whether a tombstone still has time to go, and no more than one
// that is made now: when it expires, so has all that it has taken back. One that a
// clock has made that ran ahead has more, and is refused by other peers.
func (r *Records) outlasts(tombstone *Seal, now time.Time) bool {
	latest := r.ages.expiresAt(now)
	return latest != 0 && tombstone.Expires != 0 && tombstone.Expires <= latest && !tombstone.expired(now)
}

// Resolve gets the row with the primary key from the DHT: the best of the
// records that the peers closest to it hold, and this peer, if it serves it. It
// returns models.ErrNotFound where none has a valid one, none could be asked, or
// the owner has retracted it.
//
// Resolve stores nothing: kad-dht places records by their keys, not on those who
// ask for them.
func Resolve[M, K any](ctx context.Context, d *dht.IpfsDHT, r *Records, t *models.Tree[M, K], key K) (M, error) {
	tree, err := r.registered(t)
	if err != nil {
		return *new(M), err
	}
	defer r.metrics.took(ctx, opResolve, time.Now())
	fail := func(err error) (M, error) {
		return *new(M), &models.Error{Op: "resolve", Tree: t.Name(), Key: t.KeyText(key), Err: err}
	}
	data, err := d.GetValue(ctx, Key(t, key))
	if err != nil {
		if errors.Is(err, routing.ErrNotFound) {
			err = fmt.Errorf("%w: %w", models.ErrNotFound, err)
		}
		return fail(err)
	}
	c, err := tree.checkRecord(Key(t, key), data)
	if err != nil {
		return *new(M), err
	}
	if c.retracted {
		return fail(fmt.Errorf("%w: its owner has retracted it", models.ErrNotFound))
	}
	return t.Decode(c.key, c.value)
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
