package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/newsnet-africa/netabase-go/internal/negentropy"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/syncing"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// travelling returns the record of a row, or the tombstone, as this peer gives it to others in a
// sync, and whether there is one. Rows of an open or immutable tree need not have been published.
func (r *Records) travelling(ctx context.Context, from models.Reader, tree *modelTree, key []byte) (
	row syncing.Row, found bool, err error,
) {
	s, err := tree.rowState(ctx, from, key)
	switch {
	case versioned.Unreadable(err):
		return row, false, nil // damage is for Scrub
	case err != nil:
		return row, false, err
	case s.Value == nil && !s.Tombstone(), tree.rules.Policy() == models.Signed && !s.Whole:
		return row, false, nil
	}
	now := time.Now()
	if s.Signature != nil && s.Signature.Expired(now) {
		return row, false, nil
	}
	switch {
	case tree.buries() && s.Tombstone():
		age := now.Sub(s.taken)
		if age >= tree.core.Tombstones.Age {
			return row, false, nil
		}
		row.Age = max(age, 0).Truncate(time.Second)
	case s.receipt.Origin == receipts.Stranger:
		end := r.end(s.receipt.Received, s.receipt.TTL())
		if !end.IsZero() && !end.After(now) {
			return row, false, nil
		}
		row.Age = max(now.Sub(s.receipt.Received), 0).Truncate(time.Second)
	}
	if row.Key, err = tree.raw.PathText(key); err != nil {
		return row, false, err
	}
	if row.Value, err = tree.rules.Data(tree.namespace+row.Key, &s.Stored); err != nil {
		return row, false, err
	}
	row.More = s.receipt.More
	return row, len(row.Value)+len(row.More) <= tree.maxValue, nil
}

// arriving is a record that comes in a sync.
type arriving struct {
	syncing.Row
	// wanted is the id that it was asked for by, or nil.
	wanted *negentropy.ID
	// better says that the other peer has sent it knowing what this peer has.
	better    bool
	candidate policy.Candidate
	received  time.Time
	ttl       time.Duration
	// refused is why it is not taken. It is nil if it is.
	refused error
	// merged says that this peer now has another row, which has that of the record in it.
	merged bool
}

// errExpired refuses a record that has expired.
var errExpired = errors.New("the record has expired")

// errNotWanted is a record that has another id than the one it was asked for by.
var errNotWanted = errors.New("the record has another id")

// check checks a record that has come, as far as that needs no look at the store.
func (a *arriving) check(r *Records, topic *syncTopic, now time.Time) error {
	tree := topic.tree
	key, err := tree.parseKey(a.Key)
	if err != nil {
		return err
	}
	if a.candidate, err = tree.check(key, a.Value, len(a.More)); err != nil {
		return err
	}
	if a.wanted != nil && models.TopicID(key, a.candidate.Value) != *a.wanted {
		return failAt("sync", tree.raw, key, errNotWanted)
	}
	if !a.candidate.Retracted {
		belongs, err := topic.Belongs(key, a.candidate.Value)
		if err == nil && !belongs && !a.better {
			err = fmt.Errorf("%w: the row does not belong to the topic", models.ErrInvalid)
		}
		if err != nil {
			return failAt("sync", tree.raw, key, err)
		}
	}
	if a.ttl, err = wire.TTLOf(a.More); err != nil {
		return failAt("sync", tree.raw, key, err)
	}
	if a.received = now.Add(-a.Age); a.received.Before(firstTime) {
		a.received = firstTime
	}
	end := r.end(a.received, a.ttl)
	if a.candidate.Retracted && tree.buries() {
		end = a.received.Add(tree.core.Tombstones.Age)
	}
	if !end.IsZero() && !end.After(now) {
		return failAt("sync", tree.raw, key, errExpired)
	}
	return nil
}

// take takes records that have come, and sets refused of each one that it does not take. It commits
// many of them together.
func (r *Records) take(ctx context.Context, topic *syncTopic, all []*arriving) error {
	now := time.Now()
	var checking errgroup.Group
	checking.SetLimit(runtime.GOMAXPROCS(0))
	const some = 32
	for start := 0; start < len(all); start += some {
		part := all[start:min(start+some, len(all))]
		checking.Go(func() error {
			for _, a := range part {
				a.refused = a.check(r, topic, now)
			}
			return nil
		})
	}
	_ = checking.Wait() // it has no errors
	good := make([]*arriving, 0, len(all))
	for _, a := range all {
		if a.refused == nil {
			good = append(good, a)
		}
	}
	// They come in the order of their ids, and an engine works faster in that of the keys.
	slices.SortStableFunc(good, func(a, b *arriving) int { return bytes.Compare(a.candidate.Key, b.candidate.Key) })
	for size := len(good); len(good) > 0; {
		part := good[:min(size, len(good))]
		err := r.commit(ctx, topic.tree, part)
		switch {
		case errors.Is(err, models.ErrTooLarge) && len(part) > 1:
			size = len(part) / 2
			continue
		case err != nil && reasonOf(err) != "" && len(part) > 1:
			size = 1 // one row is damaged, say, and must not keep the others away
			continue
		case err != nil && reasonOf(err) != "":
			part[0].refused = err
		case err != nil:
			return err
		}
		good = good[len(part):]
	}
	for _, a := range all {
		if a.refused != nil {
			r.metrics.refused(ctx, a.refused)
		}
	}
	return nil
}

// commit puts the rows of records that have been checked, in one transaction.
func (r *Records) commit(ctx context.Context, tree *modelTree, all []*arriving) error {
	var due time.Time
	err := r.changeRelaxed(ctx, func(l *ledger) error {
		l.by = session.Synced
		for _, a := range all {
			a.refused = nil // the transaction may run more than once
			stored, err := tree.accept(l, a.candidate, a.received, a.More, receipts.Stranger)
			a.merged = err == nil && !bytes.Equal(stored.Value, a.candidate.Value)
			switch {
			case isRefusal(err):
				a.refused = err
			case err != nil:
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.refused == nil {
			due = earlier(due, r.end(a.received, a.ttl))
		}
	}
	r.syncs.Ask()
	r.sweeper.Arm(soon(due))
	return nil
}

// reasons are the names of the reasons why a record is refused in a sync.
var reasons = map[syncing.Reason]struct {
	name string
	err  error
}{
	syncing.Old:      {"old", ErrOldRecord},
	syncing.Full:     {"full", ErrFull},
	syncing.Unique:   {"unique", models.ErrUnique},
	syncing.TooLarge: {"too_large", models.ErrTooLarge},
	syncing.KeySize:  {"key_size", models.ErrKeySize},
	syncing.Invalid:  {"invalid", models.ErrInvalid},
	syncing.Expired:  {"expired", errExpired},
}

// reasonFor returns the reason for which a record is refused, as other peers are told, and its name.
func reasonFor(err error) (syncing.Reason, string) {
	if err == nil {
		return syncing.Taken, ""
	}
	for reason := syncing.Old; reason < syncing.Other; reason++ {
		if errors.Is(err, reasons[reason].err) {
			return reason, reasons[reason].name
		}
	}
	return syncing.Other, "other"
}

// refusedBy returns the error for a record that another peer has refused.
func refusedBy(reason syncing.Reason) (name string, err error) {
	if reason == syncing.Taken {
		return "", nil
	}
	if known, ok := reasons[reason]; ok {
		return known.name, fmt.Errorf("%w: %w", ErrRefused, known.err)
	}
	return "other", ErrRefused
}
