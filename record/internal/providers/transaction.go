package providers

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// Batch changes provider records in a transaction of the caller:
//
//	batch := providers.NewBatch()
//	defer batch.Close()
//	err := store.UpdateRelaxed(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
//		refused, err = batch.Apply(ctx, tx, tx, changes)
//		return err
//	})
//	if err == nil {
//		batch.Committed()
//	}
//
// From Apply to Close nobody else can change provider records. One goroutine at a time may use
// a Batch.
type Batch struct {
	s      *Store
	locked bool
	txn    *txn
}

// NewBatch returns a batch without changes.
func (s *Store) NewBatch() *Batch { return &Batch{s: s} }

// Apply makes changes in tx, in their order. It leaves out changes that a bound refuses, and
// changes of a damaged row; refused has an error for each. If the transaction runs again, or
// cannot take all changes, call Apply again: it forgets the earlier call.
//
// Apply reads from read. Pass tx itself if tx has begun within a call of Update, or the store
// if tx is older and its snapshot is out of date. Tx must not have used provider records
// before.
func (b *Batch) Apply(
	ctx context.Context, tx *datastore.WriteTx, read models.Reader, changes []Change,
) (refused []error, err error) {
	if b.txn = nil; len(changes) == 0 {
		return nil, nil
	}
	t, err := b.begin(ctx, tx, read)
	if err == nil {
		t.expect(len(changes))
		refused, err = t.change(changes)
	}
	if err == nil {
		err = t.finish()
	}
	return refused, err
}

// begin starts an attempt. It takes the lock within the transaction. So a goroutine with the
// lock never waits for a transaction that another one holds open.
func (b *Batch) begin(ctx context.Context, tx *datastore.WriteTx, read models.Reader) (*txn, error) {
	if !b.locked {
		b.s.writing.Lock()
		b.locked = true
	}
	b.txn = &txn{
		s: b.s, ctx: ctx, tx: tx, read: read,
		rows: map[rowKey][]byte{}, keys: map[peerNumber]int{}, counted: map[peerNumber]int{},
		met: map[peer.ID]peerNumber{}, added: map[peerNumber]peer.ID{},
	}
	// Every transaction reads and writes the total. If its snapshot is older than the last
	// commit, it conflicts and runs again.
	_, err := totals.Get(ctx, read, ofProviders)
	if errors.Is(err, models.ErrNotFound) || versioned.Damaged(err) {
		err = nil // finish writes the total again
	}
	return b.txn, err
}

// Committed says that the transaction of the last Apply has committed.
func (b *Batch) Committed() {
	if b.txn == nil {
		return
	}
	b.s.cache.committed(b.txn)
	b.s.log.committed(b.txn)
	b.txn = nil
	if b.s.log.isMuch(1) {
		b.s.filing.Now(b.s.File)
	} else {
		b.s.filing.Ask()
	}
}

// Close lets others change provider records. If changes come faster than the background files
// them, Close files the references.
func (b *Batch) Close() {
	if b.unlock(); b.s.log.isMuch(2) {
		_ = b.s.File(context.Background()) // the next File reports the error
	}
}

func (b *Batch) unlock() {
	if b.locked {
		b.locked = false
		b.s.writing.Unlock()
	}
}

// update runs fn in a transaction of its own.
func (s *Store) update(ctx context.Context, fn func(*txn) error) error {
	b := s.NewBatch()
	defer b.unlock()
	err := s.store.UpdateRelaxed(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		t, err := b.begin(ctx, tx, tx)
		if err != nil {
			return err
		}
		if err := fn(t); err != nil {
			return err
		}
		return t.finish()
	})
	if err == nil {
		b.Committed()
	}
	return err
}

// txn is a transaction that changes provider records, and its changes so far.
type txn struct {
	s   *Store
	ctx context.Context
	tx  *datastore.WriteTx
	// read is tx, or the store.
	read models.Reader
	// direct says that the transaction changes references itself. The log must be empty then.
	direct bool

	// usage is the change of the usage. Keys is the change of the number of keys of each peer,
	// and counted the number before, for the peers that were counted.
	usage         Usage
	keys, counted map[peerNumber]int
	// rows has the rows that were written, nil for deleted ones.
	rows map[rowKey][]byte
	// met are the peers whose numbers were looked up. Added has the new peers by number,
	// dropped the peers that no longer provide anything.
	met     map[peer.ID]peerNumber
	added   map[peerNumber]peer.ID
	dropped []storedPeer
	// room is memory for the providers of one shard 0 after the other.
	room []provider
	// shares and arrived are the changed references. Noted is the log entry with these changes,
	// and filed the part of the log that the transaction files.
	shares, arrived refChanges
	noted           *logEntry
	filed           *logPart
}

// expect makes room for a number of changes, before the first one.
func (t *txn) expect(changes int) {
	t.rows, t.keys = make(map[rowKey][]byte, changes), make(map[peerNumber]int, changes)
	t.shares, t.arrived = make(refChanges, 0, changes), make(refChanges, 0, changes)
}

// finish writes the references and the usage for the rows that changed.
func (t *txn) finish() error {
	if err := t.noteRefs(); err != nil {
		return err
	}
	now := t.s.cache.usageNow()
	usage := Usage{now.Rows + t.usage.Rows, now.Bytes + t.usage.Bytes}
	return totals.Put(t.ctx, t.tx, &total{Of: ofProviders, Usage: usage})
}
