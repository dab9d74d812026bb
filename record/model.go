package record

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// modelTree is a registered tree. Its rows hold the values of the records of its
// namespace.
type modelTree struct {
	raw  *models.Raw
	core *session.Tree
	// total is how many of its records came from the DHT.
	total total
	// place is where the tree lives in the store.
	place *session.Place
	// namespace is the beginning of the record keys of its rows, "/blog.user/".
	namespace string
	maxValue  int
	// age is how old records get, negative for ever.
	age    time.Duration
	policy models.Policy
	// paired says that the owner is the first half of the key, in a signed tree.
	paired bool
}

// candidate is a checked record of a tree, for a row or one already in it.
type candidate struct {
	key []byte
	// data is the record's value, and value that of the row. The two differ only if the
	// record is signed. A tombstone has no row.
	data, value []byte
	retracted   bool
	// clock is the model's, or the sequence number of a signed record.
	clock, expires uint64
	signature      *receipts.Signature
}

// compare orders candidates for one key: the better one is the greater. Two
// compare equal where their bytes are.
func (c *candidate) compare(other *candidate) int {
	retracted := 0
	if c.retracted != other.retracted {
		retracted = -1
		if c.retracted {
			retracted = 1
		}
	}
	return cmp.Or(cmp.Compare(c.clock, other.clock), retracted,
		cmp.Compare(c.expires, other.expires), bytes.Compare(c.data, other.data))
}

// recordKey returns the record key of the row under key.
func (t *modelTree) recordKey(key []byte) (string, error) {
	text, err := t.raw.PathText(key)
	return t.namespace + text, err
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
func (t *modelTree) checkRecord(recordKey string, value []byte) (candidate, error) {
	text, ok := strings.CutPrefix(recordKey, t.namespace)
	if !ok {
		return candidate{}, &models.Error{
			Op: "check", Tree: t.raw.Name(),
			Err: fmt.Errorf("%w: the record key %q is not in its namespace", models.ErrInvalid, shorten(recordKey)),
		}
	}
	key, err := t.parseKey(text)
	if err != nil {
		return candidate{}, err
	}
	return t.check(key, value)
}

// check checks the value of a record that is said to belong under key.
func (t *modelTree) check(key, data []byte) (c candidate, err error) {
	if len(data) > t.maxValue {
		return c, failAt("check", t.raw, key, tooLarge(len(data), t.maxValue))
	}
	if len(data) == 0 { // for kad-dht that is none
		return c, failAt("check", t.raw, key, fmt.Errorf("%w: the record is empty", models.ErrInvalid))
	}
	c = candidate{key: key, data: data, value: data}
	switch t.policy {
	case models.Signed:
		err = t.checkSigned(&c)
	case models.Immutable:
		if err = checkHash(key, data); err == nil {
			_, err = t.raw.Validate(key, data)
		}
	default:
		c.clock, err = t.raw.Validate(key, data)
	}
	return c, failAt("check", t.raw, key, err)
}

// checkSigned checks that the owner of its key has signed a record, and takes the record
// apart.
func (t *modelTree) checkSigned(c *candidate) error {
	owner, err := t.owner(c.key)
	if err != nil {
		return err
	}
	s, err := wire.Open(c.data, owner)
	if err != nil {
		return err
	}
	recordKey, err := t.recordKey(c.key)
	switch {
	case err != nil:
		return err
	case s.RecordKey != recordKey:
		return fmt.Errorf("%w: it is signed for %q", models.ErrInvalid, shorten(s.RecordKey))
	}
	if err := t.checkExpiry(s.Expires, time.Now()); err != nil {
		return err
	}
	c.clock, c.expires, c.retracted, c.value = s.Sequence, s.Expires, s.Retracted, s.Value
	c.signature = &receipts.Signature{Tree: t.raw.Name(), Key: c.key, Head: s.Head}
	if c.signature.Envelope, err = wire.CutPayload(c.data); err != nil {
		return err
	}
	if c.retracted {
		c.value = nil
		return nil
	}
	_, err = t.raw.Validate(c.key, c.value)
	return err
}

// clockTolerance is how far the clock of a signer may be ahead of ours.
const clockTolerance = time.Hour

// checkExpiry refuses a record that has expired, and one that would outlive a tombstone:
// a peer that keeps a record for longer than the tombstone that takes it back could
// bring the record back.
func (t *modelTree) checkExpiry(expires uint64, now time.Time) error {
	switch {
	case expires != 0 && uint64(now.Unix()) >= expires:
		return fmt.Errorf("%w: it has expired", models.ErrInvalid)
	case t.age < 0:
		return nil // tombstones are for ever
	case expires == 0:
		return fmt.Errorf("%w: it does not expire, but records are kept for %v", models.ErrInvalid, t.age)
	case expires > uint64(now.Add(t.age+clockTolerance).Unix()):
		return fmt.Errorf("%w: it expires more than %v after the age of records, %v",
			models.ErrInvalid, clockTolerance, t.age)
	}
	return nil
}

// owner returns the peer that a key of a signed tree names.
func (t *modelTree) owner(key []byte) (owner peer.ID, err error) {
	if t.paired {
		owner, _, err = PeerKey.Decode(key)
		return owner, err
	}
	return PeerKey.DecodeLast(key)
}

// rowState is the state of a row in the DHT.
type rowState struct {
	// value is the row's, nil where there is none.
	value []byte
	// receipt is the one written for this very row; its Origin is zero where
	// there is none, for a row that is the program's own.
	receipt receipts.Receipt
	// filed is the receipt as it is stored, for whatever row; its Origin is
	// zero where there is none.
	filed receipts.Receipt
	// stale reports that it was written for another row.
	stale bool
	// signature is that of the last signed record, nil where there is none.
	signature *receipts.Signature
}

// retracted reports whether a tombstone is all there is.
func (s *rowState) retracted() bool {
	return s.value == nil && s.signature != nil && s.signature.Retracted
}

// served reports whether the DHT is given the row, or the tombstone.
func (s *rowState) served() bool {
	return (s.value != nil || s.retracted()) && s.receipt.Origin != 0 && s.receipt.Origin != receipts.Withdrawn
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
		s.value = value
	}
	if t.policy == models.Signed {
		signature, err := receipts.Signatures.Get(ctx, r, t.receiptKey(key))
		if err == nil {
			s.signature = &signature
		} else if !errors.Is(err, models.ErrNotFound) {
			return s, err
		}
	}
	if hasReceipt {
		s.filed = receipt
		isWhole := t.policy != models.Signed || s.signature != nil
		if isWhole && (s.value != nil || s.retracted()) && receipt.Hash == sha256.Sum256(s.value) {
			s.receipt = receipt
		} else {
			s.stale = true
		}
	}
	return s, nil
}

// data returns the value of the record of a row that is served.
func (t *modelTree) data(s *rowState, recordKey string) ([]byte, error) {
	if t.policy != models.Signed {
		return s.value, nil
	}
	signed := wire.Statement{Head: s.signature.Head, RecordKey: recordKey, Value: s.value}
	return wire.WithPayload(s.signature.Envelope, &signed)
}

// holds returns the record that a new one has to be better than, nil if there is none.
func (t *modelTree) holds(s *rowState, key []byte) (*candidate, error) {
	c := candidate{key: key, value: s.value, data: s.value}
	switch {
	case t.policy == models.Signed && s.signature == nil, t.policy != models.Signed && s.value == nil:
		return nil, nil
	case t.policy == models.Open:
		// The tree has checked its own rows, and the program may put rows larger than
		// maxValue: here the row only has to be compared.
		clock, err := t.raw.Validate(key, s.value)
		c.clock = clock
		return &c, err
	case t.policy == models.Immutable:
		return nil, nil // there is but one record for a key
	}
	// A signature counts even if its row is gone: an older record must not come back.
	c.clock, c.expires, c.retracted = s.signature.Sequence, s.signature.Expires, s.signature.Retracted
	recordKey, err := t.recordKey(key)
	if err == nil && s.receipt.Origin != 0 {
		c.data, err = t.data(s, recordKey)
	}
	return &c, err
}

// accept puts the row of a record and its receipt, in place of a row that is not better.
// Origin is Published for a record that this peer publishes, and Stranger for one that
// comes from the DHT.
func (t *modelTree) accept(l *ledger, c candidate, received time.Time, origin receipts.Origin) error {
	old, err := t.rowState(l.ctx, l.tx, c.key)
	if err != nil {
		return err
	}
	held, err := t.holds(&old, c.key)
	if err != nil {
		return err
	}
	if held != nil && c.compare(held) < 0 {
		return failAt("put", t.raw, c.key, ErrOldRecord)
	}
	same := bytes.Equal(old.value, c.value) && (old.value == nil) == (c.value == nil)
	arrived := origin == receipts.Stranger
	if arrived && (old.value != nil || old.retracted()) {
		origin, received = t.ownedBefore(l.records, &old, same, received)
	}
	switch {
	case same:
	case c.retracted:
		err = t.raw.Delete(l.ctx, l.trusted(), c.key)
	default:
		err = t.raw.Put(l.ctx, l.trusted(), c.key, c.value)
	}
	if err == nil && c.signature != nil {
		err = receipts.Signatures.Put(l.ctx, l.tx, c.signature)
	}
	if err != nil {
		return err
	}
	if arrived && !same {
		l.arrivals = append(l.arrivals, arrival{t, c.key, c.value})
	}
	return l.putReceipt(&old.filed, &receipts.Receipt{
		Tree: t.raw.Name(), Key: c.key,
		Origin: origin, Received: received, Hash: sha256.Sum256(c.value), Size: uint64(len(c.data)),
	})
}

// ownedBefore returns the origin and the time of a record from the DHT whose key has a
// row already. A record that this peer has published stays its own as long as nobody else
// can have written the one that came: it is the same, or signed by the owner. A peer that
// sends it does not delay when it is published again.
func (t *modelTree) ownedBefore(r *Records, old *rowState, same bool, received time.Time) (receipts.Origin, time.Time) {
	switch own := old.filed.Origin.IsOwn(); {
	case own && same && old.receipt.Origin == receipts.Published:
		return receipts.Published, old.receipt.Received
	case own && same:
		return receipts.Published, received.Add(-max(r.interval, 0)) // which is due
	case own && t.policy == models.Signed:
		return receipts.Published, received
	case old.receipt.Origin == receipts.Stranger:
		return receipts.Stranger, received
	}
	return receipts.Kept, received // over a row that the program has put
}

// drop takes the row under key out of the DHT, and deletes it if it came from there. A
// tombstone is removed with its receipt: the records it has taken back have expired by
// then.
func (t *modelTree) drop(l *ledger, key []byte) error {
	s, err := t.rowState(l.ctx, l.tx, key)
	if err != nil {
		return err
	}
	switch {
	case s.stale && s.value != nil && s.filed.Origin.IsOwn():
		if s.filed.Origin == receipts.Changed {
			return nil // it is not in the DHT
		}
		changed := s.filed
		changed.Origin = receipts.Changed
		return l.putReceipt(&s.filed, &changed)
	case s.receipt.Origin == receipts.Published && !s.retracted():
		s.receipt.Origin = receipts.Withdrawn
		return l.putReceipt(&s.filed, &s.receipt)
	case s.receipt.Origin == receipts.Stranger && !s.retracted():
		if err := t.raw.Delete(l.ctx, l.trusted(), key); err != nil {
			return err
		}
	case s.receipt.Origin != receipts.Kept && !s.stale && !s.retracted():
		return nil
	}
	if s.signature != nil {
		if err := receipts.Signatures.Delete(l.ctx, l.tx, t.receiptKey(key)); err != nil {
			return err
		}
	}
	return l.deleteReceipt(&s.filed)
}
