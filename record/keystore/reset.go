package keystore

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/models"
)

// errOvertaken is the error of a reset whose target is no longer that of the key store.
var errOvertaken = errors.New("the key store has been opened again, which ended the reset")

// ResetCids replaces all keys by those of the CIDs that the channel gives until it is closed.
// See the package documentation. It returns when the old keys are removed from the store, or
// when ctx ends after the new ones are in place; then the removal goes on in the background.
// If it fails or ctx ends before, the old keys are as they were. It returns ErrResetInProgress
// while another reset is running. A nil channel is no reset.
func (k *Keystore) ResetCids(ctx context.Context, cids <-chan cid.Cid) error {
	if cids == nil {
		return nil
	}
	if err := k.begin(); err != nil {
		return err
	}
	defer k.calls.Done()
	if !k.resetting.CompareAndSwap(false, true) {
		return ErrResetInProgress
	}
	err := k.reset(ctx, cids)
	k.resetting.Store(false)
	swept := k.sweepBehind()
	if err != nil {
		return k.fail("reset", err)
	}
	select {
	case err = <-swept:
	case <-ctx.Done():
	}
	if err != nil {
		return k.fail("reset", fmt.Errorf("the new keys are in place, but old ones are not removed: %w", err))
	}
	return nil
}

// reset makes the keys of the channel the current generation.
func (k *Keystore) reset(ctx context.Context, cids <-chan cid.Cid) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(k.life, func() { cancel(ErrClosed) })()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}()
	select {
	case k.sweeping <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-k.sweeping }()

	var target uint64
	err = k.update(ctx, func(_ context.Context, _ *datastore.WriteTx, s *state) error {
		target = s.begin()
		s.Target, s.TargetSize = target, 0
		return nil
	})
	if err != nil {
		return err
	}
	if err = k.fill(ctx, target, cids); err == nil {
		err = k.update(ctx, func(_ context.Context, _ *datastore.WriteTx, s *state) error {
			if s.Target != target {
				return errOvertaken
			}
			s.Current, s.Size, s.Target, s.TargetSize, s.Leftover = target, s.TargetSize, 0, 0, true
			return nil
		})
	}
	if err == nil {
		return k.store.Sync(context.WithoutCancel(ctx)) // the reset has taken place
	}
	lasting := context.WithoutCancel(ctx)
	return errors.Join(err, k.update(lasting, func(_ context.Context, _ *datastore.WriteTx, s *state) error {
		s.abandon(target)
		return nil
	}))
}

// fill adds the keys of the channel to the target.
func (k *Keystore) fill(ctx context.Context, target uint64, cids <-chan cid.Cid) error {
	batch := make([]multihash.Multihash, 0, BatchSize)
	for open := true; open; {
		select {
		case c, more := <-cids:
			if open = more; more {
				if !c.Defined() {
					return fmt.Errorf("%w: an undefined CID", models.ErrInvalid)
				}
				batch = append(batch, c.Hash())
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if len(batch) < BatchSize && open || len(batch) == 0 {
			continue
		}
		overtaken := false
		entries := entriesOf(k.name, batch)
		_, err := k.change(ctx, entries, func(s *state, page []entry, found []*row) (rows []row, gone []key) {
			if overtaken = s.Target != target; overtaken {
				return nil, nil
			}
			for i, e := range page {
				if r := s.fill(found[i], e.multihash); r != nil {
					rows = append(rows, *r)
				}
			}
			return rows, nil
		})
		if overtaken {
			return errOvertaken
		}
		if err != nil {
			return err
		}
		batch = batch[:0]
	}
	return nil
}

// Empty removes all keys. It returns when they are removed from the store, or when ctx ends
// after they are out of sight; then the removal goes on in the background. During a reset it
// empties the old set alone, and the removal follows the reset.
func (k *Keystore) Empty(ctx context.Context) error {
	if err := k.begin(); err != nil {
		return err
	}
	defer k.calls.Done()
	err := k.update(ctx, func(_ context.Context, _ *datastore.WriteTx, s *state) error {
		s.Current, s.Size, s.Leftover = s.begin(), 0, true
		return nil
	})
	if err == nil {
		err = k.store.Sync(ctx)
	}
	if err != nil {
		return k.fail("empty", err)
	}
	select {
	case err = <-k.sweepBehind():
	case <-ctx.Done():
	}
	return k.fail("empty", err)
}

// sweepBehind removes in the background the rows that are left over. It ends early when the
// Keystore is closed, which is no error: the next New goes on. A call under way, or New, has to
// call it.
func (k *Keystore) sweepBehind() <-chan error {
	done := make(chan error, 1)
	k.calls.Go(func() {
		err := k.sweepUnlessBusy()
		if k.life.Err() != nil {
			err = nil
		}
		done <- err
	})
	return done
}

// sweepUnlessBusy removes the rows that are left over. If a reset or another sweep is under
// way it leaves them to that one, which looks again when it has ended.
func (k *Keystore) sweepUnlessBusy() error {
	for {
		select {
		case k.sweeping <- struct{}{}:
		default:
			return nil
		}
		err := k.sweep(k.life)
		<-k.sweeping
		if err != nil {
			return err
		}
		s, err := states.Get(k.life, k.store, k.name)
		if err != nil || !s.Leftover {
			return err
		}
	}
}

// sweep goes over all rows once and removes those that are in no generation.
func (k *Keystore) sweep(ctx context.Context) error {
	s, err := states.Get(ctx, k.store, k.name)
	if err != nil || !s.Leftover {
		return err
	}
	begun := s.Last
	rng, _, err := within(k.name, "")
	if err != nil {
		return err
	}
	err = paging.Each(pageSize, func(most int) (done bool, err error) {
		var last key
		err = k.update(ctx, func(ctx context.Context, tx *datastore.WriteTx, s *state) error {
			var gone []key
			seen := 0
			for r, err := range keys.Range(ctx, tx, rng.Limit(most)) {
				if err != nil {
					return err
				}
				seen++
				last = models.MakePair(k.name, kademlia(r.Multihash))
				if !r.in(s.Current) && !r.in(s.Target) {
					gone = append(gone, last)
				}
			}
			done = seen < most
			return keys.DeleteMany(ctx, tx, gone)
		})
		if err == nil && !done {
			rng = rng.After(last)
		}
		return done, err
	})
	if err != nil {
		return err
	}
	return k.update(ctx, func(_ context.Context, _ *datastore.WriteTx, s *state) error {
		if s.Last == begun { // otherwise there may be new ones among the rows gone over
			s.Leftover = false
		}
		return nil
	})
}
