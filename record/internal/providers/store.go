package providers

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/later"
)

// Options configure a Store. A negative bound means no bound.
type Options struct {
	// Validity is how long a provider record is kept after it came. A negative one means for
	// ever.
	Validity time.Duration
	// MaxPerKey is how many providers a key may have, MaxPerPeer how many keys a peer may
	// provide.
	MaxPerKey, MaxPerPeer int
	// RowBytes bounds the memory for the rows that were used last. Zero or less means no
	// memory.
	RowBytes int
	// FileInterval is how long after a change its reference is filed. With a negative interval
	// only File and Close file references.
	FileInterval time.Duration
}

// Usage is how many provider records there are, and how many bytes their keys and values have
// as kad-dht puts them.
type Usage struct{ Rows, Bytes int64 }

// Store keeps provider records in a datastore.Store, which must not have another Store. Its
// methods may be called concurrently.
type Store struct {
	store *datastore.Store
	opts  Options
	seed  seed
	// writing is held by the one transaction that changes provider records, until cache and log
	// have its changes.
	writing sync.Mutex
	cache   *cache
	// lastNumber is the highest number of a peer.
	lastNumber atomic.Uint32
	log        refLog
	// filing files references some time later.
	filing *later.Task
}

// Trees returns the trees of a Store. The definition of the datastore.Store must declare them.
func Trees() []models.AnyTree {
	return []models.AnyTree{rows, peers, shares, arrivals, refLogs, seeds, totals}
}

// New returns the provider records of a store. It reads a few rows and the log of references,
// whose size is bounded.
func New(ctx context.Context, store *datastore.Store, opts Options) (*Store, error) {
	s := &Store{store: store, opts: opts, cache: newCache(opts.RowBytes)}
	s.filing = later.New(opts.FileInterval, s.fileForReader)
	last, err := lastNumber(ctx, store)
	if err == nil {
		s.lastNumber.Store(uint32(last))
		err = errors.Join(s.loadSeed(ctx), s.loadTotal(ctx), s.loadLog(ctx))
	}
	if err != nil {
		return nil, err
	}
	if !s.log.isEmpty() {
		s.filing.Ask()
	}
	return s, nil
}

// Usage returns how much is stored.
func (s *Store) Usage() Usage { return s.cache.usageNow() }

// Close files the references in the log.
func (s *Store) Close() error { return s.filing.Close() }
