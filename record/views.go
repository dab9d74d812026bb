package record

import (
	"context"
	"iter"
	"time"

	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// The views below show the records that this store holds for the DHT. All are lazy: they
// read in pages as the loop goes on, no transaction is open while its body runs, and
// rows written meanwhile may or may not be seen. An error is yielded once, as the last
// item. A view by time goes from the oldest to the newest, starts at the first instant
// and ends before the second; a zero time leaves that end open. A value that kad-dht did
// not write has no time, and counts as older than all others.
//
// kad-dht's provider manager keeps the provider records that it takes to itself until it
// has 256, or is closed, and has no call that writes them earlier. Until then the views
// and counts of provider records, and queries of the datastore, do not have them. kad-dht
// answers other peers with them, and so does DHT().ProviderStore().GetProviders.

// Provider is a provider record: a peer has announced, at some time, that it provides
// the content of a key.
type Provider struct {
	// Key is the multihash of the content.
	Key []byte
	// Peer is the provider.
	Peer peer.ID
	// Received is the time at which kad-dht took the record, zero if Raw is not a time.
	Received time.Time
	// Raw is the value that kad-dht has put, byte for byte.
	Raw []byte
}

// ValuesIn yields the records of a namespace, "pk" or "blog.user", say, in the
// order of their keys. For a registered model, Data is the row's value, nil for a
// tombstone, and Raw is the record as it is served.
func (r *Records) ValuesIn(ctx context.Context, namespace string) iter.Seq2[Value, error] {
	if tree := r.trees[namespace]; tree != nil {
		receipts := receipts.Tree.Keys(ctx, r.store, models.FirstIs(receipts.Tree, namespace))
		return untilClosed(r, r.served(ctx, r.store, receipts))
	}
	return untilClosed(r, valueTree.Range(ctx, r.store, inNamespace(namespace)))
}

// ValuesReceived yields the records of every namespace by the time they came.
func (r *Records) ValuesReceived(ctx context.Context, from, before time.Time) iter.Seq2[Value, error] {
	sources := []iter.Seq2[Value, error]{valuesByReceived.Range(ctx, r.store, between(from, before))}
	for _, origin := range []receipts.Origin{receipts.Stranger, receipts.Kept, receipts.Published} {
		receipts := receipts.ByOrigin.Keys(ctx, r.store, originBetween(origin, from, before))
		sources = append(sources, r.served(ctx, r.store, primaries(receipts)))
	}
	return untilClosed(r, merge(sources, func(a, b *Value) bool { return a.Received.Before(b.Received) }))
}

// ValuesExpiring yields the records that expire before an instant, in the order in which
// they expire. If records do not expire, it yields those with a TTL.
func (r *Records) ValuesExpiring(ctx context.Context, before time.Time) iter.Seq2[Value, error] {
	byAge := r.ValuesReceived(ctx, firstTime, receivedBefore(before, r.ages.record))
	ends := models.Before(before)
	byTTL := merge([]iter.Seq2[Value, error]{
		valuesByExpiry.Range(ctx, r.store, ends),
		r.served(ctx, r.store, primaries(receipts.ByExpiry.Keys(ctx, r.store, ends))),
	}, r.endsFirst)
	sources := []iter.Seq2[Value, error]{
		filter(byAge, func(v *Value) bool { return !r.hasShortTTL(v) }), filter(byTTL, r.hasShortTTL),
	}
	return untilClosed(r, merge(sources, r.endsFirst))
}

func (r *Records) endsFirst(a, b *Value) bool {
	return r.end(a.Received, a.TTL).Before(r.end(b.Received, b.TTL))
}

// hasShortTTL reports whether a record expires because of its TTL.
func (r *Records) hasShortTTL(v *Value) bool {
	return v.TTL > 0 && (r.ages.record < 0 || v.TTL < r.ages.record)
}

// filter yields the items that are to be kept, up to the first error.
func filter[T any](items iter.Seq2[T, error], keep func(*T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range items {
			if err == nil && !keep(&item) {
				continue
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// CountValues returns how many records of a namespace there are. It reads no values, so
// it also counts a model's records whose rows the program has changed since they came.
func (r *Records) CountValues(ctx context.Context, namespace string) (n int, err error) {
	if r.closed.Load() {
		return 0, models.ErrClosed
	}
	if r.trees[namespace] == nil {
		return valueTree.Count(ctx, r.store, inNamespace(namespace))
	}
	for receipt, err := range receipts.Tree.Range(ctx, r.store, models.FirstIs(receipts.Tree, namespace)) {
		if err != nil {
			return 0, err
		}
		if receipt.Origin != receipts.Withdrawn {
			n++
		}
	}
	return n, nil
}

// ProvidersOf yields the providers of a key, from one snapshot. It leaves out up to 255
// provider records that kad-dht has not put yet: the GetProviders of the DHT's
// ProviderStore returns the peers of those as well.
func (r *Records) ProvidersOf(ctx context.Context, key []byte) iter.Seq2[Provider, error] {
	return untilClosed(r, func(yield func(Provider, error) bool) {
		of, err := r.providers.Of(ctx, r.store, key, nil, nil)
		if err != nil {
			yield(Provider{}, err)
			return
		}
		for _, p := range of {
			if !yield(Provider(p), nil) {
				return
			}
		}
	})
}

// CountProvidersOf returns how many provider records ProvidersOf yields.
func (r *Records) CountProvidersOf(ctx context.Context, key []byte) (int, error) {
	if r.closed.Load() {
		return 0, models.ErrClosed
	}
	of, err := r.providers.Of(ctx, r.store, key, nil, nil)
	return len(of), err
}

// ProvidedBy yields the provider records of a peer, in no particular order. It leaves out
// up to 255 provider records, of all peers, that kad-dht has not put yet.
func (r *Records) ProvidedBy(ctx context.Context, p peer.ID) iter.Seq2[Provider, error] {
	return untilClosed(r, asProviders(r.providers.By(ctx, p)))
}

// CountProvidedBy returns how many provider records ProvidedBy yields. It reads a row or
// two.
func (r *Records) CountProvidedBy(ctx context.Context, p peer.ID) (int, error) {
	if r.closed.Load() {
		return 0, models.ErrClosed
	}
	return r.providers.CountBy(ctx, p)
}

// ProvidersReceived yields the provider records by the time they came, to the minute.
// Within one minute the order means nothing.
func (r *Records) ProvidersReceived(ctx context.Context, from, before time.Time) iter.Seq2[Provider, error] {
	return untilClosed(r, asProviders(r.providers.Received(ctx, from, before)))
}

func asProviders(records iter.Seq2[providers.Record, error]) iter.Seq2[Provider, error] {
	return func(yield func(Provider, error) bool) {
		for p, err := range records {
			if !yield(Provider(p), err) {
				return
			}
		}
	}
}

// ProvidersExpiring yields the provider records that expire before an instant, in the
// order in which they expire. It yields none if provider records do not expire.
func (r *Records) ProvidersExpiring(ctx context.Context, before time.Time) iter.Seq2[Provider, error] {
	return r.ProvidersReceived(ctx, firstTime, receivedBefore(before, r.ages.provider))
}

func inNamespace(namespace string) models.Range[[]byte] {
	return models.StartingWith([]byte("/" + namespace + "/"))
}

// firstTime is the first instant that counts as a time of receipt.
var firstTime = time.Time{}.Add(1)

// receivedBefore returns the instant before which the records came that expire before t.
func receivedBefore(t time.Time, age time.Duration) time.Time {
	if age < 0 {
		return firstTime // nothing has
	}
	return t.Add(-age)
}

func between(from, before time.Time) models.Range[time.Time] {
	rng := models.From(from)
	if !before.IsZero() {
		rng = rng.Before(before)
	}
	return rng
}

func originBetween(
	origin receipts.Origin, from, before time.Time,
) models.Range[models.Pair[receipts.Origin, time.Time]] {
	rng := models.FirstIs(receipts.ByOrigin, origin).From(models.MakePair(origin, from))
	if before.IsZero() {
		return rng
	}
	return rng.Before(models.MakePair(origin, before))
}

// primaries yields the primary keys of index entries.
func primaries[I, K any](entries iter.Seq2[models.Entry[I, K], error]) iter.Seq2[K, error] {
	return func(yield func(K, error) bool) {
		for e, err := range entries {
			if !yield(e.Primary, err) {
				return
			}
		}
	}
}

// served yields the records of the receipts that are served. It leaves out those of trees
// that are not registered.
func (r *Records) served(
	ctx context.Context, from models.Reader, receipts iter.Seq2[receipts.Key, error],
) iter.Seq2[Value, error] {
	return func(yield func(Value, error) bool) {
		for key, err := range receipts {
			var v Value
			if err == nil {
				v, err = r.valueAt(ctx, from, key)
			}
			if err == ds.ErrNotFound {
				continue // not served, or gone since
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// valueAt reads the record of a receipt, or returns ds.ErrNotFound.
func (r *Records) valueAt(ctx context.Context, from models.Reader, key receipts.Key) (v Value, err error) {
	tree := r.trees[key.First]
	if tree == nil {
		return v, ds.ErrNotFound
	}
	recordKey, err := tree.rules.RecordKey(key.Second)
	if err != nil {
		return v, err
	}
	data, err := r.record(ctx, from, &place{raw: tree.raw, key: key.Second, tree: tree, recordKey: recordKey})
	if err != nil {
		return v, err
	}
	v = parseValue(data)
	v.Key = []byte(recordKey)
	if tree.rules.Policy() == models.Signed {
		v.Data, err = wire.SignedValue(v.Data)
	}
	if tree.buries() && wire.IsTombstone(v.Data) {
		v.Data = nil
	}
	return v, err
}

// merge yields the items of several sources in order. Each source must be in order. It
// ends with the first error.
func merge[T any](sources []iter.Seq2[T, error], less func(a, b *T) bool) iter.Seq2[T, error] {
	type head struct {
		item T
		next func() (T, error, bool)
	}
	return func(yield func(T, error) bool) {
		var heads []*head
		for _, source := range sources {
			next, stop := iter.Pull2(source)
			defer stop()
			item, err, ok := next()
			if err != nil {
				yield(item, err)
				return
			}
			if ok {
				heads = append(heads, &head{item, next})
			}
		}
		for len(heads) > 0 {
			first := 0
			for i, h := range heads {
				if less(&h.item, &heads[first].item) {
					first = i
				}
			}
			h := heads[first]
			if !yield(h.item, nil) {
				return
			}
			item, err, ok := h.next()
			switch {
			case err != nil:
				yield(item, err)
				return
			case ok:
				h.item = item
			default:
				heads = append(heads[:first], heads[first+1:]...)
			}
		}
	}
}

// untilClosed yields what items does until the Records are closed.
func untilClosed[T any](r *Records, items iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if r.closed.Load() {
			yield(*new(T), models.ErrClosed)
			return
		}
		for item, err := range items {
			if err == nil && r.closed.Load() {
				item, err = *new(T), models.ErrClosed
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}
