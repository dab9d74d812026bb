package record

import (
	"context"
	"iter"
	"path"
	"strings"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// Query returns the keys strictly below q.Prefix. It reads only the keys in the range of
// the prefix, and counts offset and limit as it reads. It sorts entries after it has read
// them, since base 32 does not sort like the bytes it stands for. Below a prefix that has
// no records and no provider records, Query works like the store's own go-datastore face.
//
// Other keys beneath the provider records of one key are found if they were put through
// these Records, or before these Records were made.
//
// No transaction is open between two results: entries written meanwhile may or
// may not be returned. A record whose TTL has passed may be, until it is removed. With KeysOnly, Query reads values only if sizes, filters or orders
// need them, and for records of models, whose rows tell whether they are served.
func (r *Records) Query(ctx context.Context, q dsq.Query) (dsq.Results, error) {
	if r.closed.Load() {
		return nil, models.ErrClosed
	}
	if t := r.reading(ctx); t != nil {
		return t.Query(ctx, q)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer r.metrics.took(ctx, opQuery, time.Now())
	return r.query(ctx, r.store, r.plain, nil, q)
}

// query answers a Query with the records in from and the pending changes of provider
// records, and with the other data in plain.
func (r *Records) query(
	ctx context.Context, from models.Reader, plain ds.Read, pending []providers.Change, q dsq.Query,
) (dsq.Results, error) {
	w := walk{records: r, ctx: ctx, from: from, plain: plain, pending: pending, prefix: q.Prefix}
	if !strings.HasPrefix(w.prefix, "/") {
		w.prefix = "/" + w.prefix
	}
	w.prefix = path.Clean(w.prefix)
	if isPlain, err := w.isPlain(); err != nil {
		return nil, err
	} else if isPlain {
		return plain.Query(ctx, q)
	}
	w.values, w.sizes = !q.KeysOnly || len(q.Filters) > 0 || len(q.Orders) > 0, q.ReturnsSizes
	rest := q // what is left to do with the entries read
	rest.Prefix = ""
	results, err := w.results(q)
	if err != nil {
		return nil, err
	}
	found := dsq.NaiveQueryApply(rest, results)
	if q.KeysOnly && w.values {
		return withoutValues(q, found), nil
	}
	return found, nil
}

// isPlain reports whether nothing but the plain face has keys below the prefix. The
// face answers orders, offsets and limits from the engine.
func (w *walk) isPlain() (bool, error) {
	space, _, deeper := strings.Cut(w.prefix[1:], "/")
	if space == "" || space == providerSpace || space == escapedProviderSpace || w.records.reserved(w.prefix) {
		return false, nil
	}
	if deeper {
		return true, nil
	}
	n, err := valueTree.Count(w.ctx, w.from, inNamespace(space).Limit(1))
	return n == 0, err
}

// withoutValues drops the values that only filters or orders asked for.
func withoutValues(q dsq.Query, found dsq.Results) dsq.Results {
	return dsq.ResultsFromIterator(q, dsq.Iterator{
		Next: func() (dsq.Result, bool) {
			entry, ok := found.NextSync()
			entry.Value = nil
			return entry, ok
		},
		Close: found.Close,
	})
}

// entries are the entries that a walk yields.
type entries = iter.Seq2[dsq.Entry, error]

// walk is one query on its way through the trees.
type walk struct {
	records *Records
	ctx     context.Context
	// from has the records, and plain everything else.
	from    models.Reader
	plain   ds.Read
	pending []providers.Change
	// prefix is the query's, cleaned: "/", or without a slash at its end.
	prefix string
	// values says that values are to be read, and sizes that their lengths are.
	values, sizes bool
}

// results gives the entries the shape that go-datastore wants. Those that kad-dht
// asks for most often, of one provided key, are read at once.
func (w *walk) results(q dsq.Query) (dsq.Results, error) {
	if text, ok := strings.CutPrefix(w.prefix, "/"+providerSpace+"/"); ok && !w.records.foreign.Load() {
		var room [128]byte
		if key, ok := parseKeyText(room[:], text); ok {
			return w.resultsOf(q, key)
		}
	}
	next, stop := iter.Pull2(w.all())
	return dsq.ResultsFromIterator(q, dsq.Iterator{
		Next: func() (dsq.Result, bool) {
			e, err, ok := next()
			if err != nil {
				stop() // nothing follows, and callers of Rest may not close
			}
			return dsq.Result{Entry: e, Error: err}, ok
		},
		Close: func() error { stop(); return nil },
	}), nil
}

// resultsOf returns the provider records of a key.
func (w *walk) resultsOf(q dsq.Query, key []byte) (dsq.Results, error) {
	var few [8]providers.Record
	of, err := w.records.providers.Of(w.ctx, w.from, key, w.pending, few[:0])
	if err != nil {
		return nil, err
	}
	entries := make([]dsq.Entry, len(of))
	if len(of) == 0 {
		return &found{query: q, entries: entries}, nil
	}
	// All their names are written together: the prefix of the query, and a peer id.
	size := 0
	for i := range of {
		size += len(w.prefix) + 1 + keyText.EncodedLen(len(of[i].Peer))
	}
	var names strings.Builder
	names.Grow(size)
	var room [128]byte
	for i := range of {
		names.WriteString(w.prefix)
		names.WriteByte('/')
		names.Write(keyText.AppendEncode(room[:0], []byte(of[i].Peer)))
	}
	all := names.String()
	for i := range of {
		p := &of[i]
		size := len(w.prefix) + 1 + keyText.EncodedLen(len(p.Peer))
		entries[i] = dsq.Entry{Key: all[:size], Size: len(p.Raw)}
		all = all[size:]
		if w.values {
			entries[i].Value = p.Raw
		}
	}
	return &found{query: q, entries: entries}, nil
}

// all yields the entries of every source, up to the first error.
func (w walk) all() entries {
	return func(yield func(dsq.Entry, error) bool) {
		for _, source := range w.sources() {
			for e, err := range source {
				if err == nil && w.records.closed.Load() {
					err = models.ErrClosed
				}
				if err != nil {
					yield(dsq.Entry{}, err)
					return
				}
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// sources returns the walks that together give the keys below the prefix. Keys
// of records have two parts and those of providers three.
func (w *walk) sources() []entries {
	r := w.records
	if w.prefix == "/" {
		sources := []entries{w.providers(), w.valuesIn(models.Range[[]byte]{})}
		for _, tree := range r.trees {
			sources = append(sources, w.recordsOf(tree))
		}
		return append(sources, w.others())
	}
	space, rest, deeper := strings.Cut(w.prefix[1:], "/")
	switch {
	case r.trees[space] != nil:
		if deeper {
			return nil
		}
		return []entries{w.recordsOf(r.trees[space])}
	case space == providerSpace && !deeper:
		return []entries{w.providers(), w.others()}
	case space == providerSpace:
		if key, ok := parseKeyText(nil, rest); ok {
			return []entries{w.providersOf(key), w.others()}
		}
	case !deeper:
		sources := []entries{w.valuesIn(models.StartingWith([]byte("/" + space + "/"))), w.others()}
		if space == escapedProviderSpace {
			sources = append(sources, w.valuesIn(models.StartingWith([]byte("/"+providerSpace+"/"))))
		}
		return sources
	}
	return []entries{w.others()}
}

// providers walks all provider records.
func (w *walk) providers() entries {
	return func(yield func(dsq.Entry, error) bool) {
		for p, err := range w.records.providers.All(w.ctx, w.from, w.pending) {
			if !yield(w.providerEntry(&p), err) || err != nil {
				return
			}
		}
	}
}

// providersOf has the provider records of one key.
func (w *walk) providersOf(key []byte) entries {
	return func(yield func(dsq.Entry, error) bool) {
		of, err := w.records.providers.Of(w.ctx, w.from, key, w.pending, nil)
		if err != nil {
			yield(dsq.Entry{}, err)
			return
		}
		for i := range of {
			if !yield(w.providerEntry(&of[i]), nil) {
				return
			}
		}
	}
}

func (w *walk) providerEntry(p *providers.Record) dsq.Entry {
	e := dsq.Entry{Key: providerKey(p.Key, []byte(p.Peer)), Size: len(p.Raw)}
	if w.values {
		e.Value = p.Raw
	}
	return e
}

// valuesIn walks the records of namespaces that no model has.
func (w *walk) valuesIn(rng models.Range[[]byte]) entries {
	name := func(recordKey []byte) (string, error) {
		namespace, _, _ := splitRecordKey(string(recordKey))
		return valueKey(namespace, recordKey), nil
	}
	raw := valueTree.Raw()
	return func(yield func(dsq.Entry, error) bool) {
		if !w.values && !w.sizes {
			for key, err := range raw.Keys(w.ctx, w.from, rng) {
				if !emit(yield, key, dsq.Entry{Size: -1}, name, err) {
					return
				}
			}
			return
		}
		for row, err := range raw.Scan(w.ctx, w.from, rng) {
			var value []byte
			if err == nil {
				value, err = versioned.Cut(row.Value)
				err = failAt("range", raw, row.Key, err)
			}
			e := dsq.Entry{Size: len(value)}
			if w.values {
				e.Value = value
			}
			if !emit(yield, row.Key, e, name, err) {
				return
			}
		}
	}
}

func emit(
	yield func(dsq.Entry, error) bool, key []byte, e dsq.Entry, name func([]byte) (string, error), err error,
) bool {
	if err == nil {
		e.Key, err = name(key)
	}
	if err != nil {
		return yield(dsq.Entry{}, err)
	}
	return yield(e, nil)
}

// recordsOf walks the records of a registered tree by their receipts. Each is
// then read just as Get reads it.
func (w *walk) recordsOf(tree *modelTree) entries {
	return func(yield func(dsq.Entry, error) bool) {
		receipts := receipts.Tree.Keys(w.ctx, w.from, models.FirstIs(receipts.Tree, tree.raw.Name()))
		for v, err := range w.records.served(w.ctx, w.from, receipts) {
			e := dsq.Entry{Size: len(v.Raw)}
			if w.values {
				e.Value = v.Raw
			}
			more := emit(yield, v.Key, e, func(recordKey []byte) (string, error) {
				return valueKey(tree.raw.Name(), recordKey), nil
			}, err)
			if !more {
				return
			}
		}
	}
}

// lookForForeign sets r.foreign if there are plain keys beneath "/providers".
func (r *Records) lookForForeign(ctx context.Context) error {
	w := walk{records: r, ctx: ctx, from: r.store, plain: r.plain, prefix: "/" + providerSpace}
	for _, err := range w.others() {
		if err != nil {
			return err
		}
		r.foreign.Store(true)
		break
	}
	return nil
}

// others walks the other data below the prefix, with the plain face.
func (w *walk) others() entries {
	return func(yield func(dsq.Entry, error) bool) {
		found, err := w.plain.Query(w.ctx, dsq.Query{Prefix: w.prefix, KeysOnly: !w.values, ReturnsSizes: w.sizes})
		if err != nil {
			yield(dsq.Entry{}, err)
			return
		}
		defer found.Close()
		for {
			result, ok := found.NextSync()
			if !ok {
				return
			}
			if result.Error == nil && w.records.reserved(result.Key) {
				continue
			}
			if !yield(result.Entry, result.Error) {
				return
			}
		}
	}
}
