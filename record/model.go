package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// modelTree is a registered tree. Its rows hold the values of the records of its
// namespace.
type modelTree struct {
	tree models.AnyTree
	raw  *models.Raw
	core *session.Tree
	// schema is what other peers are told of the tree.
	schema shape.Schema
	// total is how many of its records came from the DHT.
	total total
	// place is where the tree lives in the store.
	place *session.Place
	// namespace is the beginning of the record keys of its rows, "/blog.user/".
	namespace string
	maxValue  int
	// rules are those of its policy.
	rules policy.Rules
}

// parseKey returns the primary key that the last part of a record key stands
// for.
func (t *modelTree) parseKey(text string) ([]byte, error) {
	key, err := t.raw.ParsePathText(text)
	if err != nil {
		return nil, &models.Error{Op: "check", Tree: t.raw.Name(), Key: shorten(text), Err: err}
	}
	return key, checkKeySize(t.raw, text, len(key))
}

// checkRecord checks a value that another peer puts under a record key.
func (t *modelTree) checkRecord(recordKey string, value []byte) (policy.Candidate, error) {
	text, ok := strings.CutPrefix(recordKey, t.namespace)
	if !ok {
		return policy.Candidate{}, &models.Error{
			Op: "check", Tree: t.raw.Name(),
			Err: fmt.Errorf("%w: the record key %q is not in its namespace", models.ErrInvalid, shorten(recordKey)),
		}
	}
	key, err := t.parseKey(text)
	if err != nil {
		return policy.Candidate{}, err
	}
	return t.check(key, value, 0)
}

// check checks the value of a record that is said to belong under key.
// More is the length of its further fields.
func (t *modelTree) check(key, data []byte, more int) (c policy.Candidate, err error) {
	if size := len(data) + more; size > t.maxValue {
		return c, failAt("check", t.raw, key, tooLarge(size, t.maxValue))
	}
	c, err = t.rules.Check(key, data)
	return c, failAt("check", t.raw, key, err)
}

// rowState is the state of a row in the DHT.
type rowState struct {
	policy.Stored
	// receipt is the one written for this very row; its Origin is zero where
	// there is none, for a row that is the program's own.
	receipt receipts.Receipt
	// filed is the receipt as it is stored, for whatever row; its Origin is
	// zero where there is none.
	filed receipts.Receipt
	// stale reports that it was written for another row.
	stale bool
	// taken is when the row was deleted whose tombstone there is, in an open tree.
	taken time.Time
}

// served reports whether the DHT is given the row, or the tombstone.
func (s *rowState) served() bool {
	return (s.Value != nil || s.Tombstone()) && s.receipt.Origin != 0 && s.receipt.Origin != receipts.Withdrawn &&
		!isSpent(s.receipt.Received, s.receipt.TTL())
}

func (t *modelTree) receiptKey(key []byte) receipts.Key { return models.MakePair(t.raw.Name(), key) }

// rowState reads the state of the row under key.
func (t *modelTree) rowState(ctx context.Context, r models.Reader, key []byte) (s rowState, err error) {
	receipt, err := receipts.Tree.Get(ctx, r, t.receiptKey(key))
	hasReceipt := err == nil
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return s, err
	}
	value, err := t.raw.Get(ctx, r, key)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return s, err
	}
	if err == nil {
		s.Value = value
	}
	if t.rules.Policy() == models.Signed {
		signature, err := receipts.Signatures.Get(ctx, r, t.receiptKey(key))
		if err == nil {
			s.Signature = &signature.Signature
		} else if !errors.Is(err, models.ErrNotFound) {
			return s, err
		}
	}
	if err := t.readTombstone(ctx, r, key, &s); err != nil {
		return s, err
	}
	if hasReceipt {
		s.filed = receipt
		isWhole := t.rules.Policy() != models.Signed || s.Signature != nil
		if isWhole && (s.Value != nil || s.Tombstone()) && receipt.Hash == t.hash(&s.Stored) {
			s.receipt, s.Whole = receipt, true
		} else {
			s.stale = true
		}
	}
	return s, nil
}

// accept puts the row of a record and its receipt, in place of a row that is not better, or
// the merge of the two in a tree that merges. It returns the record that is stored.
// Origin is Published for a record that this peer publishes, and Stranger for one that
// comes from the DHT, which may have more fields.
func (t *modelTree) accept(
	l *ledger, c policy.Candidate, received time.Time, more []byte, origin receipts.Origin,
) (policy.Candidate, error) {
	old, err := t.rowState(l.ctx, l.tx, c.Key)
	if err != nil {
		return c, err
	}
	held, err := t.rules.Held(c.Key, &old.Stored)
	if err != nil {
		return c, err
	}
	arrived := origin == receipts.Stranger
	switch {
	case held == nil && arrived:
		outlived, err := t.outlived(l, c.Sequence)
		if err == nil && outlived {
			err = errOutlived
		}
		if err != nil {
			return c, failAt("put", t.raw, c.Key, err)
		}
	case held == nil:
	case t.raw.Merges():
		came := c.Value
		if c, err = t.merge(&c, held); err != nil {
			return c, err
		}
		if !bytes.Equal(c.Value, came) {
			more = nil // which is of what came
			if arrived && bytes.Equal(c.Value, held.Value) {
				return c, nil // the stored row has all of it
			}
		}
	case c.Compare(held) < 0:
		return c, failAt("put", t.raw, c.Key, ErrOldRecord)
	}
	same := bytes.Equal(old.Value, c.Value) && (old.Value == nil) == (c.Value == nil)
	taken, buries := received, t.buries() && c.Retracted
	if buries {
		// Its age is the store's to know. It stays for that, whatever the publisher wants.
		received, more = time.Now(), nil
		same = old.Tombstone() && old.Signature.Sequence == c.Sequence
	}
	receipt := receipts.Receipt{
		Tree: t.raw.Name(), Key: c.Key,
		Origin: origin, Received: received, More: more,
		Hash: t.hash(&policy.Stored{Value: c.Value, Signature: &c.Signature}),
	}
	if arrived && (old.Value != nil || old.Tombstone() && (buries || !t.buries())) {
		again := same && (held == nil || c.Compare(held) == 0)
		t.ownedBefore(l.records, &old, &receipt, same, again)
	}
	receipt.Size = uint64(len(c.Data) + len(receipt.More))
	switch {
	case same:
	case c.Retracted:
		err = t.raw.Delete(l.ctx, l.trusted(), c.Key)
		if err == nil && buries {
			err = t.bury(l, &c, taken)
		}
	default:
		err = t.raw.PutValid(l.ctx, l.trusted(), c.Valid)
	}
	if err == nil && t.rules.Policy() == models.Signed {
		err = receipts.Signatures.Put(l.ctx, l.tx,
			&receipts.Signature{Tree: t.raw.Name(), Key: c.Key, Signature: c.Signature})
	}
	if err != nil {
		return c, err
	}
	return c, l.putReceipt(&old.filed, &receipt)
}

// merge returns the merge of a record and the stored row, as a record.
func (t *modelTree) merge(c, held *policy.Candidate) (policy.Candidate, error) {
	value, err := t.raw.Merge(c.Key, c.Value, held.Value)
	if err != nil {
		return *c, err
	}
	if bytes.Equal(value, held.Value) {
		return *held, nil // which the program may have put, larger than records are
	}
	merged, err := t.check(c.Key, value, 0)
	if err != nil {
		return *c, failAt("merge", t.raw, c.Key, fmt.Errorf("%w: %w", models.ErrMerge, err))
	}
	return merged, nil
}

// ownedBefore corrects the receipt of a record from the DHT whose key has a row already;
// same says that the row is the same, and again that the record is. A record that this
// peer has published stays its own, without the fields that others add, as long as nobody
// else can have written the one that came: it is the same, or signed by the owner, or the
// merge of both. A peer that sends it does not delay when it is published again.
func (t *modelTree) ownedBefore(r *Records, old *rowState, receipt *receipts.Receipt, same, again bool) {
	kept := same || t.raw.Merges() // the row has what this peer has published
	if old.filed.Origin.IsOwn() && (kept || t.rules.Policy() == models.Signed) {
		receipt.Origin, receipt.More = receipts.Published, nil
		switch {
		case kept && old.receipt.Origin == receipts.Published:
			receipt.Received = old.receipt.Received
		case kept:
			receipt.Received = receipt.Received.Add(-max(r.interval, 0)) // which is due
		}
		return
	}
	if old.receipt.Origin != receipts.Stranger {
		receipt.Origin = receipts.Kept // over a row that the program has put
	}
	stored := &old.receipt
	if again && stored.Origin != 0 && r.outlives(stored.Received, stored.TTL(), receipt.Received, receipt.TTL()) {
		receipt.Received, receipt.More = stored.Received, stored.More
	}
}

// drop takes the row under key out of the DHT, and deletes it if it came from there. The
// tombstone of a signed row is removed with its receipt: the records it has taken back have
// expired by then. That of another row stays if it is the program's own.
func (t *modelTree) drop(l *ledger, key []byte) error {
	s, err := t.rowState(l.ctx, l.tx, key)
	if err != nil {
		return err
	}
	switch {
	case t.buries() && s.Tombstone():
		if s.filed.Origin == 0 {
			return nil
		}
		if s.receipt.Origin == receipts.Stranger {
			err = t.unbury(l, key)
		}
		return errors.Join(err, l.deleteReceipt(&s.filed))
	case s.stale && s.Value != nil && s.filed.Origin.IsOwn():
		if s.filed.Origin == receipts.Changed {
			return nil // it is not in the DHT
		}
		changed := s.filed
		changed.Origin = receipts.Changed
		return l.putReceipt(&s.filed, &changed)
	case s.receipt.Origin == receipts.Published && !s.Tombstone():
		s.receipt.Origin = receipts.Withdrawn
		return l.putReceipt(&s.filed, &s.receipt)
	case s.receipt.Origin == receipts.Stranger && !s.Tombstone():
		if err := t.raw.Delete(l.ctx, l.trusted(), key); err != nil {
			return err
		}
	case s.receipt.Origin != receipts.Kept && !s.stale && !s.Tombstone():
		return nil
	}
	if s.Signature != nil {
		if err := receipts.Signatures.Delete(l.ctx, l.tx, t.receiptKey(key)); err != nil {
			return err
		}
	}
	return l.deleteReceipt(&s.filed)
}
