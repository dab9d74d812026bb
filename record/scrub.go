package record

import (
	"context"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Check verifies the whole store, and that each provider record is found by its
// peer and by its time. For damage it returns a *datastore.DamageError.
func (r *Records) Check(ctx context.Context) error {
	if r.closed.Load() {
		return models.ErrClosed
	}
	err := r.plain.Check(ctx)
	if err != nil && !isDamage(err) {
		return err
	}
	var report datastore.Report
	refsErr := r.checkRefs(ctx, &report)
	if refsErr == nil && !report.Clean() {
		refsErr = &datastore.DamageError{Report: report}
	}
	return errors.Join(err, refsErr)
}

// Scrub repairs the whole store, and has provider records be found by peer and by
// time again where they are not. For damage it could not mend, and for rows that it
// has set aside because nobody can read them, it returns a *datastore.DamageError.
// It counts anew what the bounds are for.
func (r *Records) Scrub(ctx context.Context) error {
	if r.closed.Load() {
		return models.ErrClosed
	}
	damage := r.plain.Scrub(ctx)
	if damage != nil && !isDamage(damage) {
		return damage
	}
	err := r.mendRefs(ctx, &datastore.Report{})
	return errors.Join(damage, err, r.recount(ctx))
}

// mendRefs makes references anew if any are wrong, and adds to a report.
func (r *Records) mendRefs(ctx context.Context, report *datastore.Report, options ...datastore.VerifyOptions) error {
	before := report.Left()
	if err := r.checkRefs(ctx, report, options...); err != nil {
		return err
	}
	wrong := report.Left() - before
	if wrong == 0 {
		return nil
	}
	if err := r.makeRefs(ctx); err != nil {
		return err
	}
	report.Repaired += wrong
	return nil
}

func isDamage(err error) bool {
	var damage *datastore.DamageError
	return errors.As(err, &damage)
}

// atRest calls fn with a snapshot in which all references are filed. In a store
// opened to be read, in which an earlier process has left some, there is none.
func (r *Records) atRest(ctx context.Context, fn func(models.Reader) error) error {
	for {
		switch err := r.file(ctx); {
		case errors.Is(err, models.ErrReadOnly):
			return nil
		case err != nil:
			return err
		}
		filer := &r.pending.filer
		filer.Lock()
		held, resting := true, r.owed.isNone()
		err := r.store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
			filer.Unlock() // the snapshot is there
			held = false
			if !resting {
				return errBusy
			}
			return fn(tx)
		})
		if held {
			filer.Unlock()
		}
		if !errors.Is(err, errBusy) {
			return err
		}
	}
}

// checkRefs compares the references with the provider records, and adds what it
// finds to a report. Bad rows have been counted, or are counted here for what only
// Records know.
func (r *Records) checkRefs(ctx context.Context, report *datastore.Report, options ...datastore.VerifyOptions) error {
	return r.atRest(ctx, func(tx models.Reader) error {
		offers := int64(0)
		for s, err := range Providers.All(ctx, tx) {
			if err != nil {
				return err
			}
			if r.seed.hash(s.Key) != s.Hash {
				report.BadRows++
				describe(report, datastore.BadRow, Providers.Name(), Providers.EncodeKey(models.MakePair(s.Hash, s.Shard)), "key has another hash")
			}
			offers += int64(len(s.Offers))
		}
		of := func(o *FiledOffer) uint32 { return uint32(o.Peer) }
		if err := r.checkTree(ctx, tx, Shares, offers, of, report); err != nil {
			return err
		}
		of = func(o *FiledOffer) uint32 { return uint32(o.minute()) }
		if err := r.checkTree(ctx, tx, Arrivals, offers, of, report); err != nil {
			return err
		}
		for _, o := range options {
			if o.Progress != nil {
				o.Progress(*report)
			}
		}
		return nil
	})
}

// checkTree compares a tree of references with the offers there are, of each of
// which group tells the group. If each reference is of an offer, and there are as
// many of either, there is one for each.
func (r *Records) checkTree(ctx context.Context, tx models.Reader, tree *refTree, offers int64, group func(*FiledOffer) uint32, report *datastore.Report) error {
	found := int64(0)
	var head RefSet
	check := func() { // when a group is over
		if head.Count != 0 {
			report.BadRows++
			describe(report, datastore.BadRow, tree.Name(), refKey(&head), "another number of references is counted")
		}
	}
	for s, err := range tree.Range(ctx, tx, models.Range[RefKey]{}) {
		if err != nil {
			return err
		}
		if s.Part == 0 {
			check()
			head = s
		}
		if s.Group != head.Group || uint64(len(s.Refs)) > head.Count {
			report.BadRows++
			describe(report, datastore.BadRow, tree.Name(), refKey(&s), "more references than are counted")
			continue
		}
		head.Count -= uint64(len(s.Refs))
		report.Entries += int64(len(s.Refs))
		if tree == Shares && s.Part == 0 {
			if id, err := r.idOf(ctx, tx, PeerNumber(s.Group)); err != nil || id == "" {
				report.BadRows++
				describe(report, datastore.BadRow, tree.Name(), refKey(&s), "references of a peer that is not known")
			}
		}
		for len(s.Refs) > 0 {
			n := int64(1)
			for int(n) < len(s.Refs) && s.Refs[n] == s.Refs[0] {
				n++
			}
			set, err := r.setOf(ctx, tx, s.Refs[0], nil)
			if err != nil && !errors.Is(err, models.ErrCorrupt) {
				return err
			}
			there := int64(0)
			for i := range set.Offers {
				if group(&set.Offers[i]) == s.Group {
					there++
				}
			}
			found += min(n, there)
			if n > there {
				report.Orphans += n - there
				describe(report, datastore.Orphan, tree.Name(), refKey(&s), "reference to no provider record")
			}
			s.Refs = s.Refs[n:]
		}
	}
	check()
	if found < offers {
		report.Missing += offers - found
		describe(report, datastore.Missing, tree.Name(), nil, "provider records have no reference")
	}
	return nil
}

func refKey(s *RefSet) []byte { return Shares.EncodeKey(models.MakePair(s.Group, s.Part)) }

// describe adds what is wrong to a report, unless that has enough.
func describe(report *datastore.Report, kind datastore.DamageKind, tree string, key []byte, what string) {
	const enough = 100
	if len(report.Damage) < enough {
		report.Damage = append(report.Damage, datastore.Damage{
			Kind: kind, Tree: tree, Key: key, Err: fmt.Errorf("%w: %s", models.ErrCorrupt, what),
		})
	}
}

// makeRefs makes all references anew. What is put meanwhile gets its own.
func (r *Records) makeRefs(ctx context.Context) error {
	if err := errors.Join(Shares.Clear(ctx, r.store), Arrivals.Clear(ctx, r.store)); err != nil {
		return err
	}
	for key, err := range Providers.Keys(ctx, r.store, models.Range[ProviderKey]{}) {
		if err != nil {
			return err
		}
		if key.Second != 0 {
			continue // its key has been done
		}
		for from, most := 0, sweepPage; from >= 0; {
			next := 0
			err := r.changeResting(ctx, func(l *ledger) (err error) {
				next, err = l.makeRefs(key.First, from, most)
				return err
			})
			switch {
			case errors.Is(err, models.ErrTooLarge) && most > 1:
				most /= 2
			case err != nil:
				return err
			default:
				from = next
			}
		}
	}
	return r.dropIdlePeers(ctx)
}

// makeRefs has the references of some of a key's offers be there, from one on, and
// returns where to go on, -1 at the end. Offers of a peer that nothing is known of
// go; those of a key that another seed has hashed, and that nobody could find, are
// filed where they belong now.
func (l *ledger) makeRefs(hash uint64, from, most int) (next int, err error) {
	s, err := l.wholeSet(hash)
	if err != nil {
		return 0, err
	}
	lost := l.records.seed.hash(s.Key) != hash
	at, gone := map[uint32]int{}, map[PeerNumber]bool{}
	var moved []OfferChange
	for i := range s.Offers {
		o := &s.Offers[i]
		at[uint32(o.minute())]++
		if i < from || i >= from+most {
			continue
		}
		id, err := l.records.idOf(l.ctx, l.tx, o.Peer)
		if err != nil {
			return 0, err
		}
		if err := l.setRef(Shares, &l.shares, uint32(o.Peer), hash, 1); err != nil {
			return 0, err
		}
		if lost || id == "" {
			gone[o.Peer] = true
		}
		if lost && id != "" {
			moved = append(moved, OfferChange{Key: string(s.Key), Peer: string(id), Raw: string(o.appendRaw(nil))})
		}
	}
	for minute, n := range at {
		if err := l.setRef(Arrivals, &l.arrived, minute, hash, n); err != nil {
			return 0, err
		}
	}
	if next = from + most - len(gone); next >= len(s.Offers)-len(gone) {
		next = -1
	}
	if _, err = l.deleteOffers(hash, func(o *FiledOffer) bool { return gone[o.Peer] }); err == nil && len(moved) > 0 {
		_, err = l.changeProviders(l.records.seed.hash(s.Key), moved)
	}
	return next, err
}

// setRef has a reference be there a number of times.
func (l *ledger) setRef(tree *refTree, changes *refChanges, group uint32, ref uint64, n int) error {
	had, err := l.timesRef(tree, group, ref)
	changes.add(group, ref, n-had)
	return err
}

// dropIdlePeers drops the peers that provide nothing.
func (r *Records) dropIdlePeers(ctx context.Context) error {
	for n, err := range Peers.Keys(ctx, r.store, models.Range[PeerNumber]{}) {
		if err != nil {
			return err
		}
		shares, err := countRefs(ctx, r.store, Shares, uint32(n))
		if err == nil && shares == 0 {
			err = r.changeResting(ctx, func(l *ledger) error {
				left, err := countRefs(ctx, l.tx, Shares, uint32(n))
				if err == nil && left == 0 {
					err = l.dropPeer(n)
				}
				return err
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
