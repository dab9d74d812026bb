package models

import (
	"context"
	"fmt"
	"iter"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Errors that end watches.
var (
	// ErrLagging ends a watch whose loop has not kept up: more changes waited for it than its
	// buffer holds. It is always a [*LaggingError]. A watch of trees with feeds does not lag.
	ErrLagging = session.ErrLagging
	// ErrCompacted is returned for a watch that is to begin behind a commit after which changes are
	// no longer kept, or never were.
	ErrCompacted = session.ErrCompacted
)

// LaggingError says up to which commit a watch that has not kept up has given all changes. It
// matches ErrLagging.
type LaggingError = session.LaggingError

// Origin says who has made a change.
type Origin = session.Origin

// The origins of changes. Their texts are program, dht, sync, expiry and eviction.
const (
	// OriginProgram is the program itself, which has written or deleted the row, or its record by path.
	OriginProgram = session.Program
	// OriginDHT is a peer that has put a record into the DHT, or has retracted it.
	OriginDHT = session.DHT
	// OriginSync is a peer with which a topic was synced, or that has gossiped the row.
	OriginSync = session.Synced
	// OriginExpiry says that the row, or its record, was as old as it may become.
	OriginExpiry = session.Expired
	// OriginEviction says that there were more records than a bound allows.
	OriginEviction = session.Evicted
)

// ChangeKind says what a watch yields.
type ChangeKind uint8

const (
	// RowChanged is a row that a commit has written or deleted.
	RowChanged ChangeKind = iota
	// SnapshotRow is a row of the snapshot that the watch begins with: New is the row.
	SnapshotRow
	// SnapshotDone says that the snapshot is complete. It has nothing but Seq.
	SnapshotDone
)

func (k ChangeKind) String() string {
	return [...]string{"changed", "snapshot row", "snapshot done"}[k]
}

// Change is what a watch yields: see [Tree.Watch].
type Change[M, K any] struct {
	Kind ChangeKind
	// Seq is the number of the commit that has made the change. Numbers rise from commit to commit
	// of a store, and some are left out. Of a row of a snapshot, and of the end of the snapshot, it
	// is the number of a commit up to which all that was yielded is true.
	Seq uint64
	// Key is the primary key of the row.
	Key K
	// Old and New are the row before and after, nil where there was or is none. They are the
	// caller's. Old is nil as well if it was damaged.
	Old, New *M
	// Was and Is say whether the row was among the watched ones before, and is afterwards: a row
	// can come to lie in the range of an index, or leave it. One of them is true.
	Was, Is bool
	// Origin says who has made the change.
	Origin Origin
	// Last says that the watch yields no more changes of this commit.
	Last bool
}

// WatchOptions are options of a watch. The zero value is a watch of what changes from now on.
type WatchOptions struct {
	// Snapshot has the watch begin with the rows that are there.
	Snapshot bool
	// Resume has the watch begin with the first change after the commit with the number After. It
	// needs trees with feeds, see [WithFeed], and returns or yields ErrCompacted if those after the
	// commit are not kept. A watch cannot have both a snapshot and Resume.
	Resume bool
	After  uint64
	// Buffer is how many changes may wait for the loop. One commit may wait whatever its size, and
	// no more than 8 MiB wait. Defaults to 1,024.
	Buffer int
}

// defaultBuffer is how many changes may wait for a watch.
const defaultBuffer = 1024

func (o WatchOptions) check() (WatchOptions, error) {
	switch {
	case o.Buffer < 0:
		return o, fmt.Errorf("%w: a buffer of %d changes", ErrInvalid, o.Buffer)
	case o.Snapshot && o.Resume:
		return o, fmt.Errorf("%w: a watch that resumes has no snapshot", ErrInvalid)
	case o.Buffer == 0:
		o.Buffer = defaultBuffer
	}
	return o, nil
}

// Watchable is where changes are watched: a *datastore.Store. Only this module's types implement
// it.
type Watchable interface {
	BeginWatch(ctx context.Context, r session.WatchRequest) (session.Watch, error)
}

// Watch yields the changes of the rows whose primary keys rng selects, in the order of the commits
// and each after its commit. It begins at the call, so it has every change that is committed after
// Watch has returned:
//
//	changes, err := Users.Watch(ctx, store, models.Range[uint64]{}, models.WatchOptions{})
//	for change, err := range changes { … }
//
// A transaction that writes a row several times makes one change of it, and none if the row is
// absent before and after. Transactions that change several trees have one number in all of them,
// so numbers compare between trees of a store. Writing a row as it was is a change too. The removal
// of an expired row is a change when the store makes it, seconds later; until then the row counts
// as there.
//
// With WatchOptions.Snapshot the rows come first, in the order of their keys, read as [Tree.Range]
// reads them: in pages, with no transaction open while the loop's body runs. Between two pages come
// the changes of the rows that were yielded already, so that these are all as they were after the
// commit with the number Seq of the last item. Until SnapshotDone the rows that are still to come
// count as not watched: they do not appear in changes. A loop that stores New under Key
// where Is is set, and deletes Key where it is not, so has the rows as they are after each change that
// is Last, from SnapshotDone on.
//
// The loop can run once. The watch ends with it, or when ctx ends, with the cause; when the store is
// closed, with ErrClosed; and when the loop has not kept up, with a [*LaggingError]. So it
// never leaves a change out without an error, and holds no more memory than the buffer needs. An
// error is yielded once, as the last item. A watch whose loop never runs lasts until ctx ends.
//
// A range with Reverse, Limit or Offset is refused with ErrInvalid.
func (t *Tree[M, K]) Watch(
	ctx context.Context, store Watchable, rng Range[K], o WatchOptions,
) (iter.Seq2[Change[M, K], error], error) {
	return t.watch(ctx, store, t.watched(rng), o)
}

// watched is how a watch sees the rows that rng selects.
func (t *Tree[M, K]) watched(rng Range[K]) *watched[M] {
	w := t.watchedBy(t.walk(), t.bounds(rng), t.row)
	w.fault = rng.watchFault()
	if w.fault == nil {
		var sp span
		sp, w.fault = rng.rows(t.key, nil, nil)
		w.lower, w.upper = sp.lower, sp.upper
	}
	return w
}

// watchedBy is how a watch sees the rows that it finds by walk.
func (t *Tree[M, K]) watchedBy(w walk, within bounds, read reading[M]) *watched[M] {
	return &watched[M]{
		raw: t.raw, walk: w, within: within, read: read,
		decode: func(p *session.Place, key, stored []byte) (m M, err error) {
			row, err := format.ParseRow(key, stored)
			if err == nil {
				row.Value, err = valueOf(p, row)
			}
			if err != nil {
				return m, err
			}
			return t.decode(key[len(p.Space):], row.Value)
		},
	}
}

// watch begins a watch of the tree.
func (t *Tree[M, K]) watch(
	ctx context.Context, store Watchable, w *watched[M], o WatchOptions,
) (iter.Seq2[Change[M, K], error], error) {
	return watch(ctx, store, []*watched[M]{w}, o, func(e *event[M]) (Change[M, K], error) {
		c := e.change
		out := Change[M, K]{
			Kind: c.Kind, Seq: c.Seq, Old: c.Old, New: c.New, Was: c.Was, Is: c.Is, Origin: c.Origin, Last: c.Last,
		}
		if c.Kind == SnapshotDone {
			return out, nil
		}
		var err error
		if out.Key, err = t.decodeKey(c.Key); err != nil {
			err = w.failAt(c.Key, err)
		}
		return out, err
	})
}

// Watch yields the changes of the rows whose index keys rng selects, before or after the change. Was
// and Is of a [Change] say which. A [Multi] selects a row if it selects one of the row's keys. The
// rows of a snapshot come in the order of the index keys and then of the primary keys, and each of
// them once, also if rng selects several of its keys. A row that moves in this order before
// SnapshotDone, from the part that was yielded to the part that was not, counts as one that has left
// the range, and is yielded again there. See [Tree.Watch] for the rest.
func (ix *shared[M, K, I]) Watch(
	ctx context.Context, store Watchable, rng Range[I], o WatchOptions,
) (iter.Seq2[Change[M, K], error], error) {
	return ix.tree.watch(ctx, store, ix.watched(rng), o)
}

func (ix *shared[M, K, I]) watched(rng Range[I]) *watched[M] {
	w := ix.watchedBy(ix.bounds(rng), func(_ *session.Place, keys *keyList, m *M) { ix.append(keys, m) })
	if w.fault == nil {
		w.fault = rng.watchFault()
	}
	return w
}

func (ix *shared[M, K, I]) watchedBy(
	within bounds, keys func(*session.Place, *keyList, *M),
) *watched[M] {
	w := ix.tree.watchedBy(ix.walk(), within, ix.row)
	w.fault, w.keys = ix.fault, keys
	return w
}

// Watch yields the changes of the rows whose key is key, before or after the change. See
// [Index.Watch].
func (ix *blind[M, K, I]) Watch(
	ctx context.Context, store Watchable, key I, o WatchOptions,
) (iter.Seq2[Change[M, K], error], error) {
	hash := func(p *session.Place, keys *keyList, m *M) { ix.appendKeys(p, keys, m, nil, nil) }
	return ix.hashes.tree.watch(ctx, store, ix.hashes.watchedBy(ix.only(key), hash), o)
}

// RawChange is a change of a row as bytes.
type RawChange struct {
	// Tree is the tree of the row. It is nil where Kind is SnapshotDone.
	Tree *Raw
	Change[RawRow, []byte]
}

// Watch is [Tree.Watch] of rows as bytes.
func (r *Raw) Watch(
	ctx context.Context, store Watchable, rng Range[[]byte], o WatchOptions,
) (iter.Seq2[RawChange, error], error) {
	w := r.watched(rng)
	w.fault = rng.watchFault()
	if w.fault == nil {
		var sp span
		sp, w.fault = rng.rows(Bytes, nil, nil)
		w.lower, w.upper = sp.lower, sp.upper
	}
	return watchRaw(ctx, store, []*watched[RawRow]{w}, o)
}

// WatchTrees watches all rows of some trees of a store as bytes, in one order of commits, as
// [Tree.Watch]. It is for code that copies or follows whole trees. Last says that the watch yields no
// more changes of the commit, of any of the trees. A snapshot has the rows of one tree after the other.
func WatchTrees(
	ctx context.Context, store Watchable, trees []AnyTree, o WatchOptions,
) (iter.Seq2[RawChange, error], error) {
	if len(trees) == 0 {
		return nil, fmt.Errorf("watch: %w: no tree is given", ErrInvalid)
	}
	all := make([]*watched[RawRow], len(trees))
	for i, t := range trees {
		all[i] = t.Raw().watched(Range[[]byte]{})
	}
	return watchRaw(ctx, store, all, o)
}

func (r *Raw) watched(rng Range[[]byte]) *watched[RawRow] {
	return &watched[RawRow]{
		raw: r, walk: r.walk(), within: r.bounds(rng),
		read: func(_ *session.Session, p *session.Place, key, stored []byte) (RawRow, error) {
			row, err := r.tree.parseRaw(p, key, stored)
			return rawRow(key[len(p.Space):], row), err
		},
		decode: func(p *session.Place, key, stored []byte) (RawRow, error) {
			row, err := format.ParseRow(key, stored)
			if err == nil {
				row, err = r.tree.plainRaw(p, row)
			}
			return rawRow(key[len(p.Space):], row), err
		},
	}
}

func watchRaw(
	ctx context.Context, store Watchable, all []*watched[RawRow], o WatchOptions,
) (iter.Seq2[RawChange, error], error) {
	return watch(ctx, store, all, o, func(e *event[RawRow]) (RawChange, error) {
		out := RawChange{Change: e.change}
		if e.of != nil {
			out.Tree = e.of.raw
		}
		return out, nil
	})
}

// watchFault returns why a watch cannot have the range.
func (r Range[K]) watchFault() error {
	if r.reverse || r.limit != 0 || r.offset != 0 {
		return fmt.Errorf("%w: a watch of a range with Reverse, Limit or Offset", ErrInvalid)
	}
	return nil
}
