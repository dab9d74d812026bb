package record

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Key returns the record key of the row with the primary key: "/", the tree's
// full name, "/", and the key as text. "/blog.user/00000000000000000001", say.
func Key[M, K any](t *models.Tree[M, K], key K) string { return "/" + t.Name() + "/" + t.PathText(key) }

// Publish stores m as a row of t and puts it into the DHT as this peer's own record. It
// sends the record to the peers closest to its key, and the report says which of them
// took it. The row and its receipt are durable before the record is sent. t has to be in
// the Options.Models of the node's records; otherwise Publish returns
// models.ErrUnknownTree.
//
// If the DHT knows no peer yet, Publish waits for one until ctx's deadline, and not at
// all if ctx has no deadline; then it returns ErrNoPeers. If no peer took the record, it
// returns ErrNotTaken, with a reason. In both cases the row stays, [Node.Republish] tries
// again, and the caller may call Publish again with the same model.
//
// Publish returns ErrOldRecord if the stored row is better, ErrNotOwner if t is signed
// and m belongs to another peer, and models.ErrInvalid, ErrTooLarge or ErrKeySize if
// other peers would refuse the record. Then it has stored nothing.
func Publish[M, K any](ctx context.Context, n *Node, t *models.Tree[M, K], m *M) (PublishReport, error) {
	tree, err := n.records.registered(t)
	if err != nil {
		return PublishReport{}, err
	}
	key, value, err := t.Encode(m)
	if err != nil {
		return PublishReport{}, err
	}
	if value == nil {
		value = []byte{} // for nil is a tombstone's
	}
	return n.publish(ctx, tree, key, func(*rowState) ([]byte, error) { return value, nil })
}

// Retract takes back this peer's own record with the primary key. It deletes the row,
// and puts a tombstone into the DHT that is better than every earlier record. The peers
// that hold the record delete its row, and keep the tombstone as long as they would keep
// a record. t has to be signed, or Retract returns models.ErrPolicy: only a record that
// has an owner can be taken back. The report and the other errors are those of Publish.
// A missing row is no error.
func Retract[M, K any](ctx context.Context, n *Node, t *models.Tree[M, K], key K) (PublishReport, error) {
	tree, err := n.records.registered(t)
	if err != nil {
		return PublishReport{}, err
	}
	encoded := t.EncodeKey(key)
	if tree.policy != models.Signed {
		err = fmt.Errorf("%w: it is %v", models.ErrPolicy, tree.policy)
		return PublishReport{}, failAt("retract", tree.raw, encoded, err)
	}
	return n.publish(ctx, tree, encoded, func(*rowState) ([]byte, error) { return nil, nil })
}

// publish stores a record of this peer and puts it into the DHT. Value gets the state of
// the stored row, and returns the new row's value, nil for a tombstone.
func (n *Node) publish(
	ctx context.Context, tree *modelTree, key []byte, value func(*rowState) ([]byte, error),
) (report PublishReport, err error) {
	r := n.records
	recordKey, err := tree.recordKey(key)
	if err != nil {
		return report, err
	}
	now := time.Now()
	defer r.metrics.took(ctx, opPublish, now)
	var c candidate
	err = r.change(ctx, r.store.Update, func(l *ledger) error {
		old, err := tree.rowState(l.ctx, l.tx, key)
		if err != nil {
			return err
		}
		v, err := value(&old)
		if err != nil {
			return err
		}
		data, err := n.own(tree, &old, key, v, now)
		if err != nil {
			return err
		}
		// Refuse here what other peers would refuse.
		if c, err = tree.check(key, data); err != nil {
			return err
		}
		return tree.accept(l, c, now, receipts.Published)
	})
	if err != nil {
		return report, failAt("publish", tree.raw, key, err)
	}
	r.sweeper.Arm(soon(r.due(&place{}, now)))
	if err = n.awaitPeer(ctx); err == nil {
		if row, rowErr := tree.raw.Get(ctx, r.store, key); rowErr == nil && !bytes.Equal(row, c.value) {
			err = ErrOldRecord // has come in between
		} else {
			report, err = n.send(ctx, tree, recordKey, &c)
		}
	}
	return report, failAt("publish", tree.raw, key, err)
}

// own returns the record's value for a row of this peer; in a signed tree it signs the
// record. A record that is signed again unchanged keeps its sequence number, and a
// tombstone also its expiry. Every other record gets a number above the last, and at
// least the time in milliseconds, so that other peers accept the records of a peer that
// has lost its store.
func (n *Node) own(tree *modelTree, old *rowState, key, value []byte, now time.Time) ([]byte, error) {
	if tree.policy != models.Signed {
		return value, nil
	}
	owner, err := tree.owner(key)
	if err != nil {
		return nil, err
	}
	if owner != n.dht.PeerID() {
		return nil, fmt.Errorf("%w: %s", ErrNotOwner, owner)
	}
	private := n.dht.Host().Peerstore().PrivKey(owner)
	if private == nil {
		return nil, fmt.Errorf("the host has no private key of %s", owner)
	}
	s := wire.Statement{Value: value, Head: wire.Head{Retracted: value == nil, Expires: n.records.ages.expiresAt(now)}}
	if s.RecordKey, err = tree.recordKey(key); err != nil {
		return nil, err
	}
	s.Sequence = uint64(now.UnixMilli())
	if last := old.signature; last != nil {
		same := old.receipt.Origin != 0 && last.Retracted == s.Retracted && bytes.Equal(old.value, value)
		if same && s.Retracted && n.records.outlasts(last, now) {
			s.Expires = last.Expires
		}
		if same && s.Expires >= last.Expires {
			s.Sequence = last.Sequence
		} else {
			s.Sequence = max(s.Sequence, last.Sequence+1)
		}
	}
	return s.Sign(private)
}

// outlasts reports whether a tombstone still has time to go, and no more than one that is
// made now: when it expires, all the records that it has taken back have expired. A
// tombstone that was made while the clock ran ahead has more time, and other peers refuse
// it.
func (r *Records) outlasts(tombstone *receipts.Signature, now time.Time) bool {
	latest := r.ages.expiresAt(now)
	return latest != 0 && tombstone.Expires != 0 && tombstone.Expires <= latest && !tombstone.Expired(now)
}

// expiresAt returns when a signed record that is made now expires, as in a wire.Head.
func (a ages) expiresAt(now time.Time) uint64 {
	if a.record < 0 {
		return 0
	}
	return uint64(now.Add(a.record).Unix())
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
