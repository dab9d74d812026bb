package record

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/finish"
	"github.com/newsnet-africa/netabase-go/internal/sweep"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/later"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
)

// Records makes a store the datastore of a kad-dht node. It keeps the records of kad-dht
// in typed trees. Every other key goes to the store's own go-datastore face, so that one
// store can hold all the data of a libp2p program.
//
// A value of a registered model is a row of its tree. It reads as the record that was
// put, with the time at which it came last. Everything else reads byte for byte as it
// was put.
//
// All methods may be called concurrently. A returned value belongs to the caller, and
// Records does not keep a value that is passed in. No transaction is open while the
// caller goes through the results of a query, so the caller may write meanwhile. For an
// absent key the error is go-datastore's ErrNotFound itself. After Close every call
// returns models.ErrClosed.
//
// The methods of go-datastore treat contexts as those of [datastore.Face] do: a write that
// was asked for is done also if its context has ended, and a batch or transaction in the
// context takes the reads and writes.
type Records struct {
	store     *datastore.Store
	ownsStore bool
	claim     *ownership
	// plain takes the keys that are neither record nor provider.
	plain *datastore.Face
	// trees are the registered trees, by full name.
	trees map[string]*modelTree
	// topics are those of the registered trees, by full name.
	topics   map[string]*syncTopic
	maxValue int
	ages     ages
	bounds   Bounds
	// providers keeps the provider records.
	providers *providers.Store
	// records is how many records there are that came from the DHT.
	records  total
	counting counting
	// foreign is set once there may be plain keys beneath "/providers", which are not
	// those of provider records. While there are none, one read finds the providers.
	foreign atomic.Bool
	// counted is set once the totals have changed, and Close is to write them.
	counted atomic.Bool
	// interval is Options.RepublishInterval, and ending ends with the Records.
	interval time.Duration
	ending   context.Context
	shutdown context.CancelFunc
	// node is that of the DHT, once it has been joined.
	joining      sync.Mutex
	node         *Node
	republishing atomic.Bool
	// wake makes Republish look for records that are due.
	wake chan struct{}
	// responder answers other peers that sync topics.
	responder *responder
	// gossips are the topics that are gossiped.
	gossips gossips
	// answered is Options.Answered.
	answered func(SyncReport, error)
	// syncs makes the records of other peers durable.
	syncs *later.Task
	// sweeper removes expired records.
	sweeper *sweep.Sweeper
	metrics metrics
	closed  atomic.Bool
}

var _ ds.Batching = (*Records)(nil)

// New returns Records in store. The store must have been opened with Definition and
// opts.Models; otherwise New returns models.ErrUnknownTree. The caller still owns the
// store, and closes it after the Records. A store can have one Records at a time: until
// it is closed, New returns [ErrInUse].
//
// New takes the same time however much the store holds, after a crash too.
func New(ctx context.Context, store *datastore.Store, opts Options) (_ *Records, err error) {
	opts, err = opts.normalize()
	if err != nil {
		return nil, err
	}
	r := &Records{
		store: store, plain: store.Datastore(),
		trees: map[string]*modelTree{}, topics: map[string]*syncTopic{}, maxValue: opts.MaxValueBytes,
		bounds:   opts.Bounds,
		interval: opts.RepublishInterval, answered: opts.Answered, wake: make(chan struct{}, 1),
		ages: ages{record: opts.MaxRecordAge, provider: opts.ProviderValidity},
	}
	r.ending, r.shutdown = context.WithCancel(context.WithoutCancel(ctx))
	r.responder = newResponder(r, defaultSyncLimits)
	r.syncs = later.New(opts.SyncInterval, store.Sync)
	trees := Definition.Trees()
	for _, d := range opts.Models {
		for _, t := range d.Trees() {
			r.trees[t.Name()] = &modelTree{
				tree: t, raw: t.Raw(), core: t.Core(), schema: t.Schema(), namespace: "/" + t.Name() + "/", maxValue: opts.MaxValueBytes,
				rules: policy.For(t, opts.MaxRecordAge),
			}
			for _, topic := range t.Raw().Topics() {
				r.topics[topic.Name()] = &syncTopic{topic, r.trees[t.Name()]}
			}
		}
		trees = append(trees[:len(trees):len(trees)], d.Trees()...)
	}
	if r.claim, err = claim(ctx, store); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	defer func() {
		if err == nil {
			return
		}
		r.shutdown()
		r.endCount()
		if r.metrics.stop != nil {
			err = errors.Join(err, r.metrics.stop.Unregister())
		}
		if r.providers != nil {
			err = errors.Join(err, r.providers.Close())
		}
		r.claim.release()
	}()
	err = store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		for _, t := range trees {
			if _, err := t.Raw().Has(ctx, tx, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		r.providers, err = providers.New(ctx, store, opts.providers())
	}
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	if err := r.lookForForeign(ctx); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	if r.metrics, err = newMetrics(opts.Meters, opts.Log, r); err != nil {
		return nil, err
	}
	r.sweeper = sweep.New(sweepPause, sweepPause, r.sweepDue)
	due, err := r.nextDue(ctx, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	if err := r.loadTotals(ctx); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	if err := r.listen(ctx); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	r.sweeper.Arm(soon(due))
	return r, nil
}

// Sync makes everything durable that was put before the call, under any prefix.
func (r *Records) Sync(ctx context.Context, _ ds.Key) error {
	if r.closed.Load() {
		return models.ErrClosed
	}
	return finish.Do(ctx, r.flush)
}

// flush files the references of provider records, and makes everything durable.
func (r *Records) flush(ctx context.Context) error {
	if err := r.providers.File(ctx); err != nil {
		return err
	}
	return r.store.Sync(ctx)
}

// Close makes everything durable that was put, and waits for the background work of
// Records to end. It closes the store only if Open has opened it. Later calls do nothing
// and return nil.
func (r *Records) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	r.shutdown()
	r.leaveHost()
	r.responder.close()
	r.sweeper.Stop()
	r.deaf()
	r.endCount()
	unregistered := r.metrics.stop.Unregister()
	err := errors.Join(r.providers.Close(), r.leaveTotals(), r.syncs.Close(), unregistered)
	if errors.Is(err, models.ErrClosed) {
		err = nil // the store was closed before, which made everything durable
	}
	r.claim.release()
	if r.ownsStore {
		err = errors.Join(err, r.store.Close())
	}
	return err
}

// place is where the value of a datastore key lies.
type place struct {
	// raw and key are a tree and the encoded primary key of a row in it. Raw is nil for
	// a provider record, and for a key that is the plain face's.
	raw *models.Raw
	key []byte
	// tree is set, and is raw's, where the value is a record of a model.
	tree *modelTree
	// recordKey is the DHT's key of such a record.
	recordKey string
	// provided and peer are set where the value is a provider record.
	provided string
	peer     peer.ID
}

func (p *place) isProvider() bool { return p.provided != "" }

// isPlain reports whether the key is the plain face's.
func (p *place) isPlain() bool { return p.raw == nil && !p.isProvider() }

// fail names the place that err concerns, where that does not.
func (p *place) fail(op string, err error) error {
	if p.isProvider() {
		return failAtKey(providerKey([]byte(p.provided), []byte(p.peer)), err)
	}
	return failAt(op, p.raw, p.key, err)
}

// find says where the value of a datastore key lies. It returns an error for a key that
// can have no value: ErrNoRecord or models.ErrInvalid for a key in the namespace of a
// tree that is not a record's, models.ErrKeySize for a key that is too long.
func (r *Records) find(path string) (place, error) {
	if key, p, ok := parseProviderKey(path); ok {
		return place{provided: key, peer: p}, checkProviderKeySize(path, len(key)+len(p))
	}
	if recordKey, ok := parseValueKey(path); ok {
		namespace, text, _ := splitRecordKey(recordKey)
		tree := r.trees[namespace]
		if tree == nil {
			return place{raw: valueTree.Raw(), key: []byte(recordKey)},
				checkKeySize(valueTree.Raw(), recordKey, len(recordKey))
		}
		key, err := tree.parseKey(text)
		return place{raw: tree.raw, key: key, tree: tree, recordKey: recordKey}, err
	}
	if r.reserved(path) {
		return place{}, &datastore.KeyError{Key: shorten(path), Err: ErrNoRecord}
	}
	if strings.HasPrefix(path, "/"+providerSpace+"/") {
		r.foreign.Store(true) // it may be put
	}
	return place{}, nil
}

// reserved reports whether path lies in the namespace of a registered tree or of
// one of Records' own. The plain face would show their rows there, which Records
// shows as records.
func (r *Records) reserved(path string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if r.trees[name] != nil {
		return true
	}
	for _, t := range Definition.Trees() {
		if t.Name() == name {
			return true
		}
	}
	return false
}
