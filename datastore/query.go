package datastore

import (
	"context"
	"errors"
	"iter"
	"math"
	"path"
	"strings"
	"sync/atomic"

	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/models"
)

// Query returns the keys strictly below q.Prefix: those of rows, those that
// belong to no tree, and, if the prefix names index, those of index entries.
//
// Prefix, order by key, keys-only, sizes, offset and limit are answered by walking
// the engine's keys; filters see one entry after the other; other orders, and an
// offset or limit after such an order or a filter, are applied to entries already
// read. No transaction is open between two results, so that the caller may write
// and delete while it reads: entries written meanwhile may or may not be returned.
//
// Sizes and expirations are there if they are asked for, and otherwise where finding
// them costs nothing; a size is -1 where it is not known. As with go-datastore's own,
// an offset below zero leaves out nothing, and a limit below zero is none.
func (f *Face) Query(ctx context.Context, q dsq.Query) (dsq.Results, error) {
	if f.closed.Load() {
		return nil, models.ErrClosed
	}
	if t := f.reading(ctx); t != nil {
		return f.queryInside(ctx, t, q)
	}
	if err := f.store.usable(ctx); err != nil {
		return nil, err
	}
	return f.query(ctx, f.store, q, &f.closed), nil
}

// query runs a query, which ends with an error once closed is set.
func (p paths) query(ctx context.Context, r models.Reader, q dsq.Query, closed *atomic.Bool) dsq.Results {
	w := &queryWalk{ctx: ctx, from: r, query: q}
	rest := q // what is left to do with the entries read
	rest.Prefix, rest.Offset, rest.Limit = "", max(q.Offset, 0), max(q.Limit, 0)
	if len(q.Orders) > 0 {
		switch q.Orders[0].(type) {
		case dsq.OrderByKey, *dsq.OrderByKey:
			rest.Orders = nil // keys are unique: no second order matters
		case dsq.OrderByKeyDescending, *dsq.OrderByKeyDescending:
			w.reverse, rest.Orders = true, nil
		}
	}
	examined := len(rest.Orders) > 0 || len(q.Filters) > 0
	w.values = !q.KeysOnly || examined
	sources := p.sources(w)
	switch {
	case examined:
	case len(sources) == 1:
		w.skip, w.limit, rest.Offset = rest.Offset, rest.Limit, 0
	case rest.Limit > 0 && rest.Offset < math.MaxInt-rest.Limit:
		w.limit = rest.Offset + rest.Limit // of each source; what is too much is cut off below
	}
	found := dsq.NaiveQueryApply(rest, results(q, merge(sources, w.reverse), closed))
	if q.KeysOnly && w.values {
		return withoutValues(q, found)
	}
	return found
}

// results gives entries the shape that go-datastore wants.
func results(q dsq.Query, entries source, closed *atomic.Bool) dsq.Results {
	next, stop := iter.Pull2(entries)
	return dsq.ResultsFromIterator(q, dsq.Iterator{
		Next: func() (dsq.Result, bool) {
			e, err, ok := next()
			if ok && err == nil && closed.Load() {
				e, err = dsq.Entry{}, models.ErrClosed
			}
			if err != nil {
				stop() // the last result; many callers do not close after one
			}
			return dsq.Result{Entry: e, Error: err}, ok
		},
		Close: func() error { stop(); return nil },
	})
}

// withoutValues drops the values that only filters or orders asked for.
func withoutValues(q dsq.Query, found dsq.Results) dsq.Results {
	return dsq.ResultsFromIterator(q, dsq.Iterator{
		Next: func() (dsq.Result, bool) {
			r, ok := found.NextSync()
			r.Value = nil
			return r, ok
		},
		Close: found.Close,
	})
}

// queryWalk is what all sources of one query have in common.
type queryWalk struct {
	ctx     context.Context
	from    models.Reader
	query   dsq.Query
	reverse bool
	// values says that values are to be read.
	values bool
	// skip is how many entries of each source to leave out first, and limit how many
	// more are enough, zero for all. They are set before the first entry is read.
	skip, limit int
}

// source yields entries in the order of their keys.
type source = iter.Seq2[dsq.Entry, error]

// sources returns the walks that together give the keys below the query's
// prefix.
func (p paths) sources(w *queryWalk) []source {
	prefix := path.Clean("/" + w.query.Prefix)
	if prefix == "/" {
		prefix = ""
	}
	name, rest, inTree := strings.Cut(strings.TrimPrefix(prefix, "/"), "/")
	if raw := p.lookup(name); raw != nil {
		return p.treeSources(w, raw, rest)
	}
	switch {
	case p.tree != nil && prefix == "":
		return []source{p.rows(w, p.tree)}
	case p.tree != nil:
		return nil
	}
	sources := []source{p.others(w, prefix+"/")}
	if prefix == "" && !inTree {
		for _, tree := range p.trees {
			if tree.Name() != plain.Name() {
				sources = append(sources, p.rows(w, tree.Raw()))
			}
		}
	}
	return sources
}

// treeSources returns the walks for what lies below path inside a tree.
func (p paths) treeSources(w *queryWalk, raw *models.Raw, path string) []source {
	if path == "" || path == primaryPart {
		return []source{p.rows(w, raw)}
	}
	parts := strings.Split(path, "/")
	if parts[0] != indexPart || len(parts) > 3 {
		return nil
	}
	if len(parts) == 1 {
		var sources []source
		for _, ix := range raw.Indexes() {
			sources = append(sources, p.entries(w, raw, ix, models.Range[[]byte]{}))
		}
		return sources
	}
	ix := findIndex(raw, parts[1])
	if ix == nil {
		return nil
	}
	var only models.Range[[]byte]
	if len(parts) == 3 {
		key, err := ix.ParsePathText(parts[2])
		if err != nil {
			return nil // no entry has such a key
		}
		only = models.Only(key)
	}
	return []source{p.entries(w, raw, *ix, only)}
}

// others walks the keys that belong to no typed tree.
func (p paths) others(w *queryWalk, prefix string) source {
	rng := models.StartingWith([]byte(prefix))
	return p.walkRows(w, plain.Raw(), rng, func(key []byte) (string, error) { return string(key), nil })
}

// rows walks the rows of a typed tree.
func (p paths) rows(w *queryWalk, raw *models.Raw) source {
	base := "/" + raw.Name() + "/" + primaryPart + "/"
	return p.walkRows(w, raw, models.Range[[]byte]{}, func(key []byte) (string, error) {
		text, err := raw.PathText(key)
		return base + text, err
	})
}

func ranged(w *queryWalk, rng models.Range[[]byte]) models.Range[[]byte] {
	if w.reverse {
		rng = rng.Reverse()
	}
	return rng
}

// behind returns what is left of a range behind its first n rows, of which it reads
// no values, and whether there were as many.
func behind(w *queryWalk, raw *models.Raw, rng models.Range[[]byte], n int) (models.Range[[]byte], bool, error) {
	var last []byte
	for row, err := range w.rows(raw, rng.Limit(n)) {
		if err != nil {
			return rng, false, err
		}
		last, n = row.Key, n-1
	}
	if w.reverse {
		return rng.Before(last), n == 0, nil
	}
	return rng.After(last), n == 0, nil
}

// rows yields the rows of a range without their values.
func (w *queryWalk) rows(raw *models.Raw, rng models.Range[[]byte]) iter.Seq2[models.RawSize, error] {
	return func(yield func(models.RawSize, error) bool) {
		if w.query.ReturnsSizes || w.query.ReturnExpirations {
			raw.Sizes(w.ctx, w.from, rng)(yield)
			return
		}
		raw.Keys(w.ctx, w.from, rng)(func(key []byte, err error) bool {
			return yield(models.RawSize{Key: key, Size: -1}, err)
		})
	}
}

func (p paths) walkRows(
	w *queryWalk, raw *models.Raw, rng models.Range[[]byte], name func([]byte) (string, error),
) source {
	return func(yield func(dsq.Entry, error) bool) {
		rng := ranged(w, rng)
		if w.skip > 0 {
			left, more, err := behind(w, raw, rng, w.skip)
			if err != nil {
				yield(dsq.Entry{}, err)
			}
			if !more {
				return
			}
			rng = left
		}
		rng = rng.Limit(w.limit)
		if !w.values {
			for row, err := range w.rows(raw, rng) {
				if !emit(yield, row, nil, name, err) {
					return
				}
			}
			return
		}
		for row, err := range raw.Scan(w.ctx, w.from, rng) {
			if !emit(yield, withoutValue(row), row.Value, name, err) {
				return
			}
		}
	}
}

func withoutValue(row models.RawRow) models.RawSize {
	return models.RawSize{Key: row.Key, Size: len(row.Value), Expiry: row.Expiry}
}

// emit yields a row as an entry, or the error that ended the walk.
func emit(
	yield func(dsq.Entry, error) bool, row models.RawSize, value []byte, name func([]byte) (string, error), err error,
) bool {
	e := dsq.Entry{Value: value, Size: row.Size, Expiration: row.Expiry}
	if err == nil {
		e.Key, err = name(row.Key)
	}
	if err != nil {
		return yield(dsq.Entry{}, err)
	}
	return yield(e, nil)
}

// entries walks an index. Each entry reads as the row it points to.
func (p paths) entries(w *queryWalk, raw *models.Raw, ix models.RawIndex, rng models.Range[[]byte]) source {
	base := "/" + raw.Name() + "/" + indexPart + "/" + ix.Name() + "/"
	return func(yield func(dsq.Entry, error) bool) {
		skip := w.skip
		for entry, err := range ix.Scan(w.ctx, w.from, ranged(w, rng)) {
			row := models.RawRow{Key: entry.Primary}
			if err == nil {
				row, err = raw.Row(w.ctx, w.from, entry.Primary)
				if errors.Is(err, models.ErrNotFound) {
					continue // deleted since the entry was read, or expired
				}
			}
			if err == nil && skip > 0 {
				skip--
				continue
			}
			value := row.Value
			if !w.values {
				value = nil
			}
			more := emit(yield, withoutValue(row), value, func(primary []byte) (string, error) {
				index, err := ix.PathText(entry.Index)
				if err != nil {
					return "", err
				}
				text, err := raw.PathText(primary)
				return base + index + "/" + text, err
			}, err)
			if !more {
				return
			}
		}
	}
}

// merge yields the entries of all sources in the order of their keys.
func merge(sources []source, reverse bool) source {
	if len(sources) == 1 {
		return sources[0]
	}
	return func(yield func(dsq.Entry, error) bool) {
		var heads []*head
		defer func() {
			for _, h := range heads {
				h.stop()
			}
		}()
		for _, s := range sources {
			h := &head{}
			h.next, h.stop = iter.Pull2(s)
			heads = append(heads, h)
			h.advance()
		}
		for {
			var first *head
			for _, h := range heads {
				if h.ok && (first == nil || h.before(first, reverse)) {
					first = h
				}
			}
			if first == nil || !yield(first.entry, first.err) {
				return
			}
			first.advance()
		}
	}
}

// head is the next entry of a source.
type head struct {
	next  func() (dsq.Entry, error, bool)
	stop  func()
	entry dsq.Entry
	err   error
	ok    bool
}

func (h *head) advance() { h.entry, h.err, h.ok = h.next() }

// before reports whether h comes first. Errors come before entries.
func (h *head) before(other *head, reverse bool) bool {
	if h.err != nil || other.err != nil {
		return other.err == nil
	}
	return (h.entry.Key < other.entry.Key) != reverse
}
