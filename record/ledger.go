package record

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// ledger is a transaction that counts what it changes. Every change of records goes
// through one.
type ledger struct {
	records *Records
	ctx     context.Context
	tx      *datastore.WriteTx
	// shared says that others may change provider records while the transaction
	// is open: it cannot have locks, since it is open for as long as the user likes.
	shared bool
	// resting says that references are to be changed at once, with none that are
	// owed: those of a shared transaction always are.
	resting bool
	locks   *locks
	// owned says that provider records are being changed, in which epoch of the
	// cache and of the peers' numbers.
	owned               bool
	epoch, numbersEpoch uint64
	// providers and strangers are the changes of the totals, peers those of how
	// many keys each peer provides.
	providers, strangers amount
	peers                map[PeerNumber]int
	evicted              int
	// shares and arrived are references that are to be changed, and owes is what
	// has been noted of them.
	shares, arrived refChanges
	owes            *Owed
	// rows is what has become of rows of provider records. Met are peers whose
	// numbers were read, added and dropped what has become of peers.
	rows       map[uint64][]byte
	met, added map[peer.ID]PeerNumber
	dropped    []Peer
	// postings are to be pending, and what the transaction files is not to be any
	// more.
	postings  []*Posting
	files     *part
	filesRefs *owedPart
	// arrivals are the records of models that have come from the DHT.
	arrivals []arrival
}

// locks are those that a transaction has until it has been committed, and which
// its attempts hand on to each other. They are taken within it, so that nobody who
// has one waits for anybody's transaction.
type locks struct{ held []*sync.Mutex }

func (l *locks) take(m *sync.Mutex) {
	if !slices.Contains(l.held, m) {
		m.Lock()
		l.held = append(l.held, m)
	}
}

func (l *locks) release() {
	for _, m := range l.held {
		m.Unlock()
	}
}

// own has the transaction be the only one that changes provider records: by a
// lock, or where there can be none by a conflict. For that each reads and writes
// their total.
func (l *ledger) own() error {
	if l.owned {
		return nil
	}
	if !l.shared {
		l.locks.take(&l.records.pending.filer)
	}
	switch isNone := l.records.owed.isNone(); {
	case l.shared && !isNone:
		return models.ErrConflict
	case l.resting && !isNone:
		return errBusy
	}
	l.owned, l.epoch, l.numbersEpoch = true, l.records.cache.now(), l.records.numbers.now()
	l.peers, l.rows = map[PeerNumber]int{}, map[uint64][]byte{}
	l.met, l.added = map[peer.ID]PeerNumber{}, map[peer.ID]PeerNumber{}
	_, err := Totals.Get(l.ctx, l.tx, AllProviders)
	if errors.Is(err, models.ErrNotFound) || errors.Is(err, models.ErrCorrupt) {
		err = nil // it is written anew
	}
	return err
}

// atRest reports whether the transaction changes references itself.
func (l *ledger) atRest() bool { return l.shared || l.resting }

// amount is a number of records and of their bytes, or a change of both.
type amount struct{ rows, bytes int64 }

func (a *amount) add(rows, bytes int) {
	a.rows += int64(rows)
	a.bytes += int64(bytes)
}

// total is a total that Records keep in memory.
type total struct{ rows, bytes atomic.Int64 }

func (t *total) add(a amount) {
	t.rows.Add(a.rows)
	t.bytes.Add(a.bytes)
}

func (t *total) set(a amount) {
	t.rows.Store(a.rows)
	t.bytes.Store(a.bytes)
}

func (t *total) load() amount { return amount{t.rows.Load(), t.bytes.Load()} }

// change runs fn in a transaction that keeps the counts, and evicts what there is
// too much of afterwards.
func (r *Records) change(ctx context.Context, update func(context.Context, func(context.Context, *datastore.WriteTx) error) error, fn func(*ledger) error) error {
	if err := r.transact(ctx, update, fn); err != nil {
		return err
	}
	return r.keepBounds(ctx)
}

// changeRelaxed is change in a transaction that is durable some time later.
func (r *Records) changeRelaxed(ctx context.Context, fn func(*ledger) error) error {
	return r.change(ctx, r.store.UpdateRelaxed, fn)
}

// transact runs fn in a transaction that keeps the counts.
func (r *Records) transact(ctx context.Context, update func(context.Context, func(context.Context, *datastore.WriteTx) error) error, fn func(*ledger) error) error {
	var held locks
	defer held.release()
	var done *ledger
	err := update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		done = r.newLedger(ctx, tx)
		done.locks = &held
		if err := fn(done); err != nil {
			return err
		}
		return done.finish()
	})
	if err == nil {
		done.committed()
	}
	return err
}

func (r *Records) newLedger(ctx context.Context, tx *datastore.WriteTx) *ledger {
	return &ledger{records: r, ctx: ctx, tx: tx}
}

// finish does what is left to do before the transaction commits.
func (l *ledger) finish() error {
	if err := l.owe(); err != nil {
		return err
	}
	return l.saveTotals()
}

// committed is called once the transaction has been committed.
func (l *ledger) committed() {
	r := l.records
	if l.owned {
		r.numbers.committed(l.numbersEpoch, l.met, l.added, l.dropped)
		r.cache.changed(l.epoch, l.rows)
	}
	if len(l.postings) > 0 {
		r.pending.posted(&r.seed, l.postings)
	}
	if l.files != nil {
		r.pending.filed(l.files)
	}
	if l.owes != nil {
		r.owed.add(l.owes)
	}
	if l.filesRefs != nil {
		r.owed.filed(l.filesRefs)
	}
	r.providers.add(l.providers)
	r.strangers.add(l.strangers)
	if l.changed() {
		r.counted.Store(true)
	}
	r.counts.add(l.peers)
	r.metrics.evicted(l.ctx, l.evicted)
	r.watchers.tell(l.arrivals)
}

// putValue stores a record of no model.
func (l *ledger) putValue(v *Value) error {
	size := 0
	err := Values.PutIf(l.ctx, l.tx, v, func(old int) error { size = old; return nil })
	if err != nil {
		return err
	}
	if size < 0 {
		l.strangers.add(1, len(v.Key)+len(v.Raw))
	} else {
		l.strangers.add(0, len(v.Raw)-size)
	}
	return nil
}

// deleteValue deletes a record of no model, and tells whether it was there.
func (l *ledger) deleteValue(key []byte) (bool, error) {
	size, err := l.size(Values.Raw(), key)
	if err != nil || size < 0 {
		return false, err
	}
	l.strangers.add(-1, -len(key)-size)
	return true, Values.Raw().Delete(l.ctx, l.tx, key)
}

// putReceipt stores a receipt in place of old, which may be none.
func (l *ledger) putReceipt(old, receipt *Receipt) error {
	l.countReceipt(old, -1)
	l.countReceipt(receipt, 1)
	return Receipts.Put(l.ctx, l.tx, receipt)
}

func (l *ledger) deleteReceipt(old *Receipt) error {
	l.countReceipt(old, -1)
	return Receipts.Delete(l.ctx, l.tx, models.MakePair(old.Tree, old.Key))
}

// countReceipt counts the record of a row that came from the DHT. The program's
// own rows are no soft state.
func (l *ledger) countReceipt(receipt *Receipt, sign int) {
	if receipt.Origin == Stranger {
		l.strangers.add(sign, sign*receipt.counted())
	}
}

// size returns the length of a value, -1 where there is none.
func (l *ledger) size(raw *models.Raw, key []byte) (int, error) {
	size, err := raw.Size(l.ctx, l.tx, key)
	if errors.Is(err, models.ErrNotFound) {
		return -1, nil
	}
	return size, err
}
