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

	"github.com/newsnet-africa/netabase-go/models"
)

// modelTree is a registered tree: its rows are what the records of its
// namespace hold.
type modelTree struct {
	raw *models.Raw
	// namespace is what the record keys of its rows begin with, "/blog.user/".
	namespace string
	maxValue  int
}

// candidate is a checked value of a tree, for a row or one already in it.
type candidate struct {
	key, value []byte
	clock      uint64
}

// compare orders candidates for one key: the better one is the greater. Two
// compare equal where their bytes are.
func (c candidate) compare(other candidate) int {
	return cmp.Or(cmp.Compare(c.clock, other.clock), bytes.Compare(c.value, other.value))
}

// recordKey returns the record key of the row under key.
func (t *modelTree) recordKey(key []byte) (string, error) {
	text, err := t.raw.KeyText(key)
	return t.namespace + text, err
}

// parseKey returns the primary key that the last part of a record key stands
// for.
func (t *modelTree) parseKey(text string) ([]byte, error) {
	key, err := t.raw.ParseKeyText(text)
	if err != nil {
		return nil, &models.Error{Op: "check", Tree: t.raw.Name(), Key: shorten(text), Err: err}
	}
	return key, checkKeySize(t.raw, text, len(key))
}

// checkRecord checks a value that a stranger says belongs under a record key.
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

// check checks a value that is said to belong under key.
func (t *modelTree) check(key, value []byte) (candidate, error) {
	if len(value) > t.maxValue {
		return candidate{}, failAt("check", t.raw, key, tooLarge(len(value), t.maxValue))
	}
	clock, err := t.raw.Check(key, value)
	return candidate{key: key, value: value, clock: clock}, err
}

// standing is how a row stands in the DHT.
type standing struct {
	// value is the row's, nil where there is none.
	value []byte
	// receipt is the one written for this very row; its Origin is zero where
	// there is none, for a row that is the program's own.
	receipt Receipt
	// filed is the receipt as it is stored, for whatever row; its Origin is
	// zero where there is none.
	filed Receipt
	// stale reports that it was written for another row.
	stale bool
}

// served reports whether the DHT is given the row.
func (s standing) served() bool {
	return s.value != nil && s.receipt.Origin != 0 && s.receipt.Origin != Withdrawn
}

func (t *modelTree) receiptKey(key []byte) ReceiptKey { return models.MakePair(t.raw.Name(), key) }

// standing reads how the row under key stands.
func (t *modelTree) standing(ctx context.Context, r models.Reader, key []byte) (s standing, err error) {
	receipt, err := Receipts.Get(ctx, r, t.receiptKey(key))
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
	if hasReceipt {
		s.filed = receipt
		if s.value != nil && receipt.Hash == sha256.Sum256(s.value) {
			s.receipt = receipt
		} else {
			s.stale = true
		}
	}
	return s, nil
}

// accept puts the row of a record and its receipt, in place of a row that is
// not better. Origin is Published for what this peer publishes and Stranger for
// what comes from the DHT.
func (t *modelTree) accept(l *ledger, c candidate, received time.Time, origin Origin) error {
	old, err := t.standing(l.ctx, l.tx, c.key)
	if err != nil {
		return err
	}
	same := bytes.Equal(old.value, c.value) && old.value != nil
	if old.value != nil && !same {
		// What the tree holds has been checked by the tree, and is more than
		// maxValue where the program says so: it only has to be compared.
		clock, err := t.raw.Check(c.key, old.value)
		if err != nil {
			return err
		}
		if c.compare(candidate{value: old.value, clock: clock}) < 0 {
			return failAt("put", t.raw, c.key, ErrOldRecord)
		}
	}
	if origin == Stranger && old.value != nil {
		switch old.receipt.Origin {
		case Published, Withdrawn:
			origin = Kept
			if same {
				origin = Published
			}
		case Kept, 0: // 0 is a row that the program has put
			origin = Kept
		}
	}
	if !same {
		if err := t.raw.Put(l.ctx, l.tx, c.key, c.value); err != nil {
			return err
		}
	}
	return l.putReceipt(&old.filed, &Receipt{
		Tree: t.raw.Name(), Key: c.key,
		Origin: origin, Received: received, Hash: sha256.Sum256(c.value), Size: uint64(len(c.value)),
	})
}

// drop takes the row under key out of the DHT, and deletes it where it came from
// there.
func (t *modelTree) drop(l *ledger, key []byte) error {
	s, err := t.standing(l.ctx, l.tx, key)
	if err != nil {
		return err
	}
	switch {
	case s.receipt.Origin == Published:
		s.receipt.Origin = Withdrawn
		return l.putReceipt(&s.filed, &s.receipt)
	case s.receipt.Origin == Stranger:
		if err := t.raw.Delete(l.ctx, l.tx, key); err != nil {
			return err
		}
	case s.receipt.Origin != Kept && !s.stale:
		return nil
	}
	return l.deleteReceipt(&s.filed)
}
