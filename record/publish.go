package record

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// Key returns the record key of the row with the primary key: "/", the tree's
// full name, "/", and the key as text. "/blog.user/00000000000000000001", say.
func Key[M, K any](t *models.Tree[M, K], key K) string { return "/" + t.Name() + "/" + t.PathText(key) }

// Publish stores m as a row of t and puts it into the DHT as this peer's own record. It
// sends the record to the peers closest to its key, and the report says which of them
// took it. If the stored row has fields that M does not have, which a newer version of the
// program has written, they are kept.
// The row and its receipt are durable before the record is sent. t has to be in
// the Options.Models of the node's records; otherwise Publish returns
// models.ErrUnknownTree.
//
// In a tree with models.WithMerge, Publish stores and sends the merge of m and the stored row. A peer
// that holds another row takes it only if it is the better one, since kad-dht can only choose, and
// then merges. If the report says that peers hold a better record, publish the row that [Resolve]
// returns, with a higher clock.
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
	return n.publish(ctx, tree, key, func(old *rowState) ([]byte, error) {
		if old.Value == nil || tree.rules.Policy() == models.Immutable {
			return value, nil
		}
		return tree.raw.WithUnknown(key, value, old.Value)
	})
}

// Retract takes back this peer's own record with the primary key. It deletes the row,
// and puts a tombstone into the DHT that is better than every earlier record. The peers
// that hold the record delete its row, and keep the tombstone as long as they would keep
// a record. t has to be signed or to have models.WithTombstones, or Retract returns
// models.ErrPolicy: otherwise only a record that has an owner can be taken back. The report
// and the other errors are those of Publish. A missing row is no error.
//
// In a tree with models.WithTombstones the tombstone has the clock of the row, or that of now
// if there is neither a row nor a tombstone. Peers keep it for the age that the tree declares.
func Retract[M, K any](ctx context.Context, n *Node, t *models.Tree[M, K], key K) (PublishReport, error) {
	tree, err := n.records.registered(t)
	if err != nil {
		return PublishReport{}, err
	}
	encoded := t.EncodeKey(key)
	if p := tree.rules.Policy(); p != models.Signed && !tree.buries() {
		err = fmt.Errorf("%w: it is %v", models.ErrPolicy, p)
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
	recordKey, err := tree.rules.RecordKey(key)
	if err != nil {
		return report, err
	}
	now := time.Now()
	defer r.metrics.took(ctx, opPublish, now)
	var c policy.Candidate
	err = r.change(ctx, r.store.Update, func(l *ledger) error {
		old, err := tree.rowState(l.ctx, l.tx, key)
		if err != nil {
			return err
		}
		v, err := value(&old)
		if err != nil {
			return err
		}
		data, err := n.own(tree, recordKey, &old, key, v, now)
		if err != nil {
			return err
		}
		// Refuse here what other peers would refuse.
		if c, err = tree.check(key, data, 0); err != nil {
			return err
		}
		c, err = tree.accept(l, c, now, nil, receipts.Published)
		return err
	})
	if err != nil {
		return report, failAt("publish", tree.raw, key, err)
	}
	r.sweeper.Arm(soon(r.end(now, 0)))
	if err = n.awaitPeer(ctx); err == nil {
		row, rowErr := tree.raw.Get(ctx, r.store, key)
		switch came := rowErr == nil && !bytes.Equal(row, c.Value); { // in between
		case came && tree.raw.Merges():
			c, err = tree.check(key, row, 0)
		case came:
			err = ErrOldRecord
		}
		if err == nil {
			report, err = n.send(ctx, tree, recordKey, &c)
		}
	}
	return report, failAt("publish", tree.raw, key, err)
}

// own returns the record's value for a row of this peer; in a signed tree it signs the
// record.
func (n *Node) own(
	tree *modelTree, recordKey string, old *rowState, key, value []byte, now time.Time,
) ([]byte, error) {
	if tree.rules.Policy() != models.Signed {
		if value == nil {
			return tree.retraction(key, old, now)
		}
		return value, nil
	}
	owner, err := tree.rules.Owner(key)
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
	s := tree.rules.Next(recordKey, value, &old.Stored, now)
	return s.Sign(private)
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
