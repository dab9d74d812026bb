package keystore

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p-kad-dht/provider/keystore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Errors of key stores, beside those of package models. They are kad-dht's errors of these
// names.
var (
	// ErrClosed is returned by every call after Close.
	ErrClosed = keystore.ErrClosed
	// ErrResetInProgress is returned by ResetCids while another reset is running.
	ErrResetInProgress = keystore.ErrResetInProgress
)

const (
	// BatchSize is how many keys a reset holds in memory before it stores them. It is
	// kad-dht's default.
	BatchSize = keystore.DefaultBatchSize
	// pageSize is how many rows a transaction changes at most, if the engine takes them.
	pageSize = 4096
	// maxName is the most bytes of a name.
	maxName = 64
)

// Keystore is the set of keys of one name in a store. It implements kad-dht's
// keystore.Keystore. All methods may be called concurrently.
type Keystore struct {
	store *datastore.Store
	name  string

	// writing is held for each transaction that writes, so that writers do not meet in
	// conflicts over the state.
	writing chan struct{}
	// sweeping is held by a reset, and while rows that are left over are removed.
	sweeping  chan struct{}
	resetting atomic.Bool

	// life ends when the Keystore is closed.
	life context.Context
	end  context.CancelFunc
	mu   sync.Mutex
	// calls are those under way, including work in the background. Mu guards it and closed.
	calls  sync.WaitGroup
	closed bool
}

var _ keystore.Keystore = (*Keystore)(nil)

// New returns the key store of a name, which has 1 to 64 bytes, and makes it if there is
// none. The store has to be open with [Definition]. It can have any number of key stores with
// different names, but open each of them once at a time: New ends the resets of others of the
// same name.
func New(ctx context.Context, store *datastore.Store, name string) (*Keystore, error) {
	if len(name) == 0 || len(name) > maxName {
		return nil, fmt.Errorf("open key store: %w: a name has 1 to %d bytes, not %d", models.ErrInvalid, maxName, len(name))
	}
	k := &Keystore{store: store, name: name, writing: make(chan struct{}, 1), sweeping: make(chan struct{}, 1)}
	var leftover bool
	err := store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		return states.Upsert(ctx, tx, name, func(s *state, found bool) (bool, error) {
			if !found {
				s.Name, s.Current = name, s.begin()
			}
			s.abandon(s.Target)
			leftover = s.Leftover
			return true, nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("open key store %q: %w", name, err)
	}
	k.life, k.end = context.WithCancel(context.Background())
	if leftover {
		k.sweepBehind() // the next reset reports an error
	}
	return k, nil
}

// Close ends a reset that is running, waits until all calls have ended, and returns nil. The
// store stays open. Later calls do nothing.
func (k *Keystore) Close() error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.end()
	k.calls.Wait()
	return nil
}

// BatchSize returns [BatchSize].
func (k *Keystore) BatchSize() int { return BatchSize }

// begin begins a call, which ends with k.calls.Done.
func (k *Keystore) begin() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return ErrClosed
	}
	k.calls.Add(1)
	return nil
}

// fail says which key store failed.
func (k *Keystore) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s key store %q: %w", op, k.name, err)
}
