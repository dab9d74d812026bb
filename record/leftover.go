package record

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"iter"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// leftoverPage is how many leftovers one transaction removes. Each transaction walks the
// indexes of their tree.
const leftoverPage = 1024

// leftovers removes the records that came from the DHT, are due and belong to trees that
// are not registered: those of models that the program does not have any more. The
// store's catalog knows these trees. It runs after the other records have been removed.
func (s *expiry) leftovers() error {
	if s.records.counting.active.Load() {
		return nil // their totals are not known yet
	}
	store := s.records.store
	due := []iter.Seq2[receipts.Key, error]{
		primaries(receipts.ByExpiry.Keys(s.ctx, store, models.Before(s.now))),
	}
	if age := s.records.ages.record; age >= 0 {
		old := originBetween(receipts.Stranger, time.Time{}, s.now.Add(-age))
		due = append(due, primaries(receipts.ByOrigin.Keys(s.ctx, store, old)))
	}
	tree, page := "", [][]byte(nil)
	for key, err := range inOrder(due...) {
		if err != nil {
			return err
		}
		if s.records.trees[key.First] != nil {
			continue
		}
		if key.First != tree || len(page) == leftoverPage {
			if err := s.removeLeftovers(tree, page); err != nil {
				return err
			}
			tree, page = key.First, nil
		}
		page = append(page, key.Second)
	}
	return s.removeLeftovers(tree, page)
}

// removeLeftovers removes records of one tree, in one transaction or as many as it
// takes. A row that the program has changed since its record came stays.
func (s *expiry) removeLeftovers(tree string, keys [][]byte) error {
	if len(keys) == 0 {
		return nil
	}
	removed := 0
	var unreadable error
	err := s.records.changeRelaxed(s.ctx, func(l *ledger) (err error) {
		l.by = session.Expired
		removed, unreadable, err = l.removeLeftovers(tree, keys)
		return err
	})
	switch {
	case errors.Is(err, models.ErrTooLarge) && len(keys) > 1:
		half := len(keys) / 2
		if err := s.removeLeftovers(tree, keys[:half]); err != nil {
			return err
		}
		return s.removeLeftovers(tree, keys[half:])
	case errors.Is(err, models.ErrDefinition):
		return nil // a codec of keys that only the program knows
	}
	if err == nil {
		s.removed += removed
		s.damage = cmp.Or(s.damage, unreadable)
	}
	return err
}

// removeLeftovers passes over receipts and signatures that cannot be read, and returns the
// error of the last one.
func (l *ledger) removeLeftovers(tree string, primaries [][]byte) (removed int, unreadable, err error) {
	var due []receipts.Receipt
	var keys [][]byte
	var gone amount
	for _, primary := range primaries {
		key := models.MakePair(tree, primary)
		receipt, err := receipts.Tree.Get(l.ctx, l.tx, key)
		if err == nil {
			if _, err = receipts.Signatures.Get(l.ctx, l.tx, key); errors.Is(err, models.ErrNotFound) {
				err = nil
			}
		} else if errors.Is(err, models.ErrNotFound) {
			continue
		}
		if versioned.Unreadable(err) {
			unreadable = err
			continue
		}
		if err != nil {
			return 0, nil, err
		}
		due, keys = append(due, receipt), append(keys, primary)
		gone.add(-1, -receipt.Counted())
		if err = receipts.Tree.Delete(l.ctx, l.tx, key); err == nil {
			err = receipts.Signatures.Delete(l.ctx, l.tx, key)
		}
		if err != nil {
			return 0, nil, err
		}
	}
	err = l.trusted().RunWrite(l.ctx, func(s *session.Session) error {
		_, err := session.DeleteUntyped(s, tree, keys, func(i int, value []byte) bool {
			return sha256.Sum256(value) != due[i].Hash
		})
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	total, err := storedTotalOf(l.ctx, l.tx, tree)
	if err != nil {
		return 0, nil, err
	}
	left := storedTotal{Of: tree, Rows: max(0, total.rows+gone.rows), Bytes: max(0, total.bytes+gone.bytes)}
	return len(due), unreadable, totals.Put(l.ctx, l.tx, &left)
}
