package providers

import (
	"context"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// errBusy says that another transaction has noted references.
var errBusy = errors.New("provider records are being changed")

// Check compares the references with the provider records, and adds its findings to report.
// Rows that cannot be read must already be counted. In a store opened read-only it compares
// nothing if an earlier process has left references in the log.
func (s *Store) Check(ctx context.Context, report *datastore.Report) error {
	_, err := s.check(ctx, report)
	return err
}

// check is Check. It returns the counted usage minus the usage in memory.
func (s *Store) check(ctx context.Context, report *datastore.Report) (wrong Usage, err error) {
	for {
		switch err := s.File(ctx); {
		case errors.Is(err, models.ErrReadOnly):
			return Usage{}, nil
		case err != nil:
			return Usage{}, err
		}
		s.writing.Lock()
		locked := true
		unlock := func() {
			if locked {
				locked = false
				s.writing.Unlock()
			}
		}
		err := s.store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
			isFiled, known := s.log.isEmpty(), s.cache.usageNow()
			unlock() // the snapshot is taken
			if !isFiled {
				return errBusy
			}
			counted, err := s.compare(ctx, tx, report)
			wrong = Usage{counted.Rows - known.Rows, counted.Bytes - known.Bytes}
			return err
		})
		unlock()
		if !errors.Is(err, errBusy) {
			return wrong, err
		}
	}
}

// compare compares references with records, and counts the records.
func (s *Store) compare(ctx context.Context, tx models.Reader, report *datastore.Report) (counted Usage, err error) {
	for r, err := range rows.All(ctx, tx) {
		if err != nil {
			return counted, err
		}
		if s.seed.hash(r.Key) != r.Hash {
			report.BadRows++
			key := rows.EncodeKey(models.MakePair(r.Hash, r.Shard))
			describe(report, datastore.BadRow, rows.Name(), key, "key has another hash")
		}
		ids, err := s.idsOf(ctx, tx, r.Providers, nil)
		if err != nil {
			return counted, err
		}
		for i := range r.Providers {
			counted.Rows++
			counted.Bytes += int64(len(r.Key) + len(ids[i]) + r.Providers[i].size())
		}
	}
	group := func(p *provider) uint32 { return uint32(p.Peer) }
	if err := s.checkTree(ctx, tx, shares, counted.Rows, group, report); err != nil {
		return counted, err
	}
	group = func(p *provider) uint32 { return uint32(p.minute()) }
	return counted, s.checkTree(ctx, tx, arrivals, counted.Rows, group, report)
}

// checkTree compares a tree of references with the records. Group returns the group of a
// record. If each reference has a record, and there are as many references as records, then
// each record has its reference.
func (s *Store) checkTree(
	ctx context.Context, tx models.Reader, tree *refTree, records int64, group func(*provider) uint32,
	report *datastore.Report,
) error {
	found := int64(0)
	var head refRow
	checkHead := func() { // called at the end of a group
		if head.Count != 0 {
			report.BadRows++
			describe(report, datastore.BadRow, tree.Name(), encodeRefKey(&head),
				"another number of references is counted")
		}
	}
	for refs, err := range tree.Range(ctx, tx, models.Range[refKey]{}) {
		if err != nil {
			return err
		}
		if refs.Part == 0 {
			checkHead()
			head = refs
		}
		if refs.Group != head.Group || uint64(len(refs.Refs)) > head.Count {
			report.BadRows++
			describe(report, datastore.BadRow, tree.Name(), encodeRefKey(&refs), "more references than are counted")
			continue
		}
		head.Count -= uint64(len(refs.Refs))
		report.Entries += int64(len(refs.Refs))
		if tree == shares && refs.Part == 0 {
			id, err := s.idOf(ctx, tx, &provider{Peer: peerNumber(refs.Group)})
			if err != nil && !versioned.Unreadable(err) {
				return err
			}
			if err != nil || id == "" {
				report.BadRows++
				describe(report, datastore.BadRow, tree.Name(), encodeRefKey(&refs),
					"references of a peer that is not known")
			}
		}
		for len(refs.Refs) > 0 {
			n := int64(1)
			for int(n) < len(refs.Refs) && refs.Refs[n] == refs.Refs[0] {
				n++
			}
			r, err := s.rowOf(ctx, tx, refs.Refs[0], nil)
			if err != nil && !versioned.Unreadable(err) {
				return err
			}
			there := int64(0)
			for i := range r.Providers {
				if group(&r.Providers[i]) == refs.Group {
					there++
				}
			}
			found += min(n, there)
			if n > there {
				report.Orphans += n - there
				describe(report, datastore.Orphan, tree.Name(), encodeRefKey(&refs), "reference to no provider record")
			}
			refs.Refs = refs.Refs[n:]
		}
	}
	checkHead()
	if found < records {
		report.Missing += records - found
		describe(report, datastore.Missing, tree.Name(), nil, "provider records have no reference")
	}
	return nil
}

func encodeRefKey(r *refRow) []byte { return shares.EncodeKey(models.MakePair(r.Group, r.Part)) }

// describe adds a fault to a report, unless the report already has enough faults.
func describe(report *datastore.Report, kind datastore.DamageKind, tree string, key []byte, wrong string) {
	const enough = 100
	if len(report.Damage) < enough {
		report.Damage = append(report.Damage, datastore.Damage{
			Kind: kind, Tree: tree, Key: key, Err: fmt.Errorf("%w: %s", models.ErrCorrupt, wrong),
		})
	}
}

// Verify is Check for a store without a Store. It writes nothing. It compares nothing if an
// earlier process has left references in the log.
func Verify(ctx context.Context, store *datastore.Store, report *datastore.Report) error {
	if isFiled, err := refLogs.IsEmpty(ctx, store); err != nil || !isFiled {
		return err
	}
	found, err := seeds.Get(ctx, store, ofKeys)
	switch {
	case errors.Is(err, models.ErrNotFound): // there are no provider records
		return nil
	case versioned.Damaged(err): // counted already
		return nil
	case err != nil:
		return err
	}
	s := &Store{store: store, cache: newCache(0), seed: found}
	return store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		_, err := s.compare(ctx, tx, report)
		return err
	})
}
