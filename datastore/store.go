package datastore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/internal/sweep"
	"github.com/newsnet-africa/netabase-go/models"
)

// Store is an open store: the trees of one or more definitions in one engine
// database. It is both a models.Reader and a models.Writer, and gives each call
// a transaction of its own. All methods may be called concurrently. After Close
// every call returns models.ErrClosed.
type Store struct {
	db engine.DB
	id [idSize]byte
	// keys are nil in a store that is not encrypted, and so is indexKey, which index keys of blind
	// indexes are hashed with.
	keys     *crypt.Keys
	indexKey []byte
	// key is what the data keys are wrapped with. Who has a place in keyTurn may change it, and the
	// entries of data keys in the catalog.
	key     Key
	keyTurn chan struct{}
	places  map[*session.Tree]*session.Place
	// spaces has the trees by the space of their rows.
	spaces map[format.Space]*session.Tree
	// trees has every tree the store was opened with, by full name.
	trees map[string]models.AnyTree
	// next are the schema versions that are not in the catalog yet, or nil.
	next atomic.Pointer[nextVersions]
	// topics has the topics of all trees. Commits that change topics are made with follow.turn held, one by
	// one, and ordered is how many there have been.
	topics   session.Topics
	ordered  atomic.Uint64
	sessions sync.Pool
	sweeper  *sweep.Sweeper
	// durability is that of every commit but those of UpdateRelaxed.
	durability engine.Durability
	follow     follow
}

var (
	_ models.Writer = (*Store)(nil)
	_ models.Writer = (*WriteTx)(nil)
	_ models.Reader = (*ReadTx)(nil)
)

// Open opens the store in eng with the given definitions, and makes it if there
// is none. Options can be given beside the definitions:
//
//	datastore.Open(ctx, bolt.Engine(dir), blog.Blog, shop.Shop, datastore.OpenOptions{Progress: show})
//
// Trees and indexes that are new to the store are added; a new index is filled
// from the rows that are there, which takes time in proportion. An index or a primary
// key of a higher version (models.IndexVersion, models.WithKeyVersion) is built anew:
// programs with the former definitions open the store until that has begun, and again
// if Open returns an error about rows that do not allow it. An index of a tree that
// its definition does not declare is an error: Open drops none but those that
// OpenOptions.DropIndexes names. Data of definitions that are not given is left alone.
//
// It returns the engine's errors (engine.ErrConfig, ErrMissing, ErrOtherEngine,
// ErrLocked, ErrCorrupt), ErrNotStore where the database holds something else or
// restoring a backup into it did not finish, ErrVersion for a store written by a
// newer version: the error names the feature that this version does not know, and
// says if the store can be opened with the engine configured ReadOnly. It returns ErrNoKey and
// ErrWrongKey for an encrypted store without its key, and
// models.ErrDefinition, naming the difference, where a definition
// is faulty or does not fit what the store holds.
func Open(ctx context.Context, eng engine.Engine, options ...OpenOption) (*Store, error) {
	o := gather(options)
	trees, err := collect(o.Definitions)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db, err := eng.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{db: db, trees: trees, key: o.Key, keyTurn: make(chan struct{}, 1)}
	if o.Relaxed {
		s.durability = engine.Relaxed
	}
	s.sessions.New = func() any { return session.New(s.places, &s.topics, s.keys, s.release) }
	s.sweeper = sweep.New(sweepPause, sweepRetry, s.sweep)
	if err := s.start(ctx, o); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// start makes the store ready. It closes the database unless it returns nil, also
// where a codec panics.
func (s *Store) start(ctx context.Context, o OpenOptions) (err error) {
	started := false
	defer func() {
		if !started {
			err = errors.Join(err, s.db.Close())
		}
	}()
	shared, err := s.alone(ctx)
	if err != nil {
		return err
	}
	if err := s.bind(ctx, o, shared == nil); err != nil {
		return err
	}
	if err := s.share(ctx, shared); err != nil {
		return err
	}
	if err := s.checkPlain(ctx); err != nil {
		return err
	}
	if err := s.startExpiry(ctx); err != nil {
		return err
	}
	started = true
	return nil
}

// alone keeps other programs away, where an engine lets them have the database open too, and returns a function
// that lets them in. It is nil if there is another program already.
func (s *Store) alone(ctx context.Context) (shared func(), err error) {
	db, ok := s.db.(engine.Joint)
	if !ok {
		return func() {}, nil
	}
	shared, err = db.Alone(ctx)
	if errors.Is(err, engine.ErrLocked) {
		return nil, nil
	}
	return shared, err
}

// share lets other programs in, which alone has kept away, unless the store can be open in one at a time. Schema
// versions that others would add too, with another meaning of their number, are added before.
func (s *Store) share(ctx context.Context, shared func()) error {
	if _, ok := s.db.(engine.Joint); !ok || shared == nil || s.needsAlone() {
		return nil
	}
	if err := s.addVersions(ctx); err != nil && !errors.Is(err, engine.ErrReadOnly) {
		return err
	}
	shared()
	return nil
}

// needsAlone reports whether the store keeps in memory what only commits of its own may change: sums of topics,
// the numbers of commits in feeds, dictionaries, data keys, or what package record counts.
func (s *Store) needsAlone() bool {
	if len(s.follow.feeds) > 0 || s.keys != nil {
		return true
	}
	for core, place := range s.places {
		if core.Sole || len(place.Topics) > 0 || place.Compressor != nil {
			return true
		}
	}
	return false
}

// collect returns the trees of the definitions, and the store's own, by name.
func collect(definitions []*models.Definition) (map[string]models.AnyTree, error) {
	trees := map[string]models.AnyTree{}
	seen := map[string]bool{}
	for _, d := range append([]*models.Definition{builtin}, definitions...) {
		if err := d.Err(); err != nil {
			return nil, err
		}
		if seen[d.Name()] {
			return nil, fmt.Errorf("%w: two definitions are named %q", models.ErrDefinition, d.Name())
		}
		seen[d.Name()] = true
		for _, t := range d.Trees() {
			trees[t.Name()] = t
		}
	}
	return trees, nil
}

// ID returns the id of the store: 16 random bytes that were chosen when it was made. A store
// that was restored from a backup has the id of the one that was backed up.
func (s *Store) ID() [16]byte { return s.id }

// Close waits for open transactions to end, makes everything durable and
// releases the store. Later calls do nothing and return nil. A function that View
// or Update runs must not call it: Close would wait for that function for ever.
func (s *Store) Close() error {
	s.sweeper.Stop()
	s.follow.close()
	// It is no loss if this fails: the next opening adds them. But a later model may come from one
	// that no row was ever written with.
	_ = s.addVersions(context.Background())
	return s.db.Close()
}

// Sync makes durable what UpdateRelaxed has committed before the call.
func (s *Store) Sync(ctx context.Context) error {
	if err := s.checkNested(ctx); err != nil {
		return err
	}
	return s.db.Sync(ctx)
}

// Size returns the bytes that the store has in use on disk, or in memory for an engine
// without files. Space that the engine keeps for later writes does not count.
func (s *Store) Size(ctx context.Context) (int64, error) {
	if err := s.checkNested(ctx); err != nil {
		return 0, err
	}
	return s.db.Size(ctx)
}

// Compact gives the space of deleted rows back to the file system as far as the
// engine can while open. It may take minutes; ctx ends it early.
func (s *Store) Compact(ctx context.Context) error {
	if err := s.checkNested(ctx); err != nil {
		return err
	}
	return s.db.Compact(ctx)
}

// View calls fn with a snapshot to read, which ends when fn returns.
//
// Fn gets a context of its own, which ends with ctx. It reads through tx: a call on
// the store itself with that context, or one derived from it, returns
// models.ErrNested.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, tx *ReadTx) error) error {
	ses, _, err := s.begin(ctx, true)
	if err != nil {
		return err
	}
	defer s.release(ses)
	h := s.hold(ctx, ses)
	defer h.end()
	return fn(h, &h.tx.ReadTx)
}

// Update calls fn with a transaction to read and write, and commits what it
// wrote when fn returns nil; the commit is durable when Update returns, unless the
// store was opened with OpenOptions.Relaxed. If fn returns an error or panics,
// nothing is written.
//
// On an optimistic engine the commit can fail because another writer was faster.
// Update then calls fn again with a new transaction, up to 16 times, before it
// returns models.ErrConflict. So fn must not have effects outside the
// transaction that are wrong when repeated. On an engine with a single writer,
// Update waits for the writer before it, no longer than ctx allows.
//
// Fn gets a context of its own, which ends with ctx. It reads and writes through
// tx: a call on the store itself with that context, or one derived from it,
// returns models.ErrNested. With another context, a read does not see what tx has
// written, and a write waits for ever on an engine with a single writer.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx *WriteTx) error) error {
	return s.update(ctx, s.durability, fn)
}

// UpdateRelaxed is Update without waiting for the disk: the commit survives the
// end of the process, and survives a power loss once Sync, Close or a later
// Update has returned. On bolt it is no faster, and durable at once.
func (s *Store) UpdateRelaxed(ctx context.Context, fn func(ctx context.Context, tx *WriteTx) error) error {
	return s.update(ctx, engine.Relaxed, fn)
}

func (s *Store) update(ctx context.Context, d engine.Durability, fn func(context.Context, *WriteTx) error) error {
	if err := s.checkNested(ctx); err != nil {
		return err
	}
	return s.run(ctx, d, func(ses *session.Session) error {
		h := s.hold(ctx, ses)
		defer h.end()
		return fn(h, &h.tx)
	})
}

// BeginRead is how trees read from the store: each call in a snapshot of its
// own.
func (s *Store) BeginRead(ctx context.Context) (*session.Session, error) {
	if err := s.checkNested(ctx); err != nil {
		return nil, err
	}
	ses := s.sessions.Get().(*session.Session)
	ses.Before = s.ordered.Load()
	if err := ses.View(ctx, s.db); err != nil {
		s.sessions.Put(ses)
		return nil, err
	}
	return ses, nil
}

// RunWrite is how trees write to the store: each call in a transaction of its own,
// as durable as those of Update.
func (s *Store) RunWrite(ctx context.Context, fn func(*session.Session) error) error {
	if err := s.checkNested(ctx); err != nil {
		return err
	}
	return s.run(ctx, s.durability, fn)
}

func (s *Store) release(ses *session.Session) {
	ses.Read.Discard()
	if ses.Reset() {
		s.sessions.Put(ses)
	}
}

const (
	// maxAttempts bounds how often a transaction is run on conflicts. Between
	// two attempts lies a random pause, of up to firstPause after the first and
	// twice the last bound after each other one, but no more than maxPause.
	maxAttempts = 16
	firstPause  = 100 * time.Microsecond
	maxPause    = 20 * time.Millisecond
)

// run runs fn in a write transaction, again on conflicts.
func (s *Store) run(ctx context.Context, d engine.Durability, fn func(*session.Session) error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := s.try(ctx, d, fn)
		if err == nil || !errors.Is(err, engine.ErrConflict) {
			return err
		}
		if attempt == maxAttempts {
			return fmt.Errorf("given up after %d attempts: %w", maxAttempts, err)
		}
		timer := time.NewTimer(rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		pause = min(pause*2, maxPause)
	}
}

func (s *Store) try(ctx context.Context, d engine.Durability, fn func(*session.Session) error) error {
	ses, txn, err := s.begin(ctx, false)
	if err != nil {
		return err
	}
	defer s.release(ses) // discards what is not committed, on a panic too
	if err := fn(ses); err != nil {
		return err
	}
	return s.commit(ctx, ses, txn, d)
}

// commit commits a transaction unless a write of it has failed.
func (s *Store) commit(ctx context.Context, ses *session.Session, txn engine.WriteTxn, d engine.Durability) error {
	if err := ses.Failure(); err != nil {
		return fmt.Errorf("a write of the transaction had failed: %w", err)
	}
	if err := s.commitFollowed(ctx, ses, txn, d); err != nil {
		return err
	}
	for _, committed := range ses.Committed {
		committed()
	}
	if ses.Due != 0 {
		s.sweeper.Arm(time.Unix(0, ses.Due))
	}
	return nil
}
