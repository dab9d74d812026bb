package datastore_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// stormyTree is a tree with everything that a loss of power may take a part of: an index, topics, a feed and
// tombstones.
type stormyTree struct {
	*models.Tree[leaf, uint64]
	text      *models.Index[leaf, uint64, string]
	all, even *models.Topic[leaf, uint64]
	storm     *models.Definition
}

// newStormy declares a tree whose feed keeps so many changes.
func newStormy(changes int64) *stormyTree {
	tree := models.NewTree("leaf", models.Uint64, leafID, models.WithPolicy[leaf](models.Open),
		models.WithClock(func(l *leaf) uint64 { return l.At }), models.WithTombstones[leaf](leafAge, time.Second),
		models.WithFeed[leaf](models.Feed{Changes: changes}))
	return &stormyTree{
		Tree:  tree,
		text:  models.NewIndex(tree, "text", models.String, func(l *leaf) string { return l.Text }),
		all:   models.NewTopic(tree, "all", nil),
		even:  models.NewTopic(tree, "even", isEven),
		storm: models.NewDefinition("storm", tree),
	}
}

var stormy = newStormy(40)

// lossRounds sets how many stores TestLostCommits has.
const lossRounds = "NETABASE_LOSS_ROUNDS"

func isEven(l *leaf) bool { return l.ID%2 == 0 }

// losingEngine notes all commits, and which of them are durable.
type losingEngine struct {
	engine.Engine
	commits *commitNotes
}

type commitNotes struct {
	mu      sync.Mutex
	all     []notedCommit
	durable int
}

// notedCommit has the writes of a commit, and the number that it has in the feed, or 0.
type notedCommit struct {
	writes []pair // a nil value deletes
	number uint64
}

func (e losingEngine) Open(ctx context.Context) (engine.DB, error) {
	db, err := e.Engine.Open(ctx)
	return losingDB{db, e.commits}, err
}

type losingDB struct {
	engine.DB
	commits *commitNotes
}

func (d losingDB) Update(ctx context.Context) (engine.WriteTxn, error) {
	txn, err := d.DB.Update(ctx)
	return &losingTxn{WriteTxn: txn, commits: d.commits}, err
}

func (d losingDB) Sync(context.Context) error {
	d.commits.mu.Lock()
	defer d.commits.mu.Unlock()
	d.commits.durable = len(d.commits.all)
	return nil
}

type losingTxn struct {
	engine.WriteTxn
	commits *commitNotes
	commit  notedCommit
}

func (t *losingTxn) Put(key, value []byte) error {
	t.commit.writes = append(t.commit.writes, pair{bytes.Clone(key), append([]byte{}, value...)})
	if entries := format.FeedPrefix(nil); bytes.HasPrefix(key, entries) {
		_, rest, err := format.CutSpace(key[len(entries):])
		if err != nil {
			return err
		}
		number, _, err := format.CutFeedKey(nil, rest)
		if err != nil {
			return err
		}
		t.commit.number = number
	}
	return t.WriteTxn.Put(key, value)
}

func (t *losingTxn) Delete(key []byte) error {
	t.commit.writes = append(t.commit.writes, pair{key: bytes.Clone(key)})
	return t.WriteTxn.Delete(key)
}

func (t *losingTxn) Commit(ctx context.Context, d engine.Durability) error {
	t.commits.mu.Lock()
	defer t.commits.mu.Unlock()
	err := t.WriteTxn.Commit(ctx, d)
	if err == nil {
		t.commits.all = append(t.commits.all, t.commit)
		if d == engine.Durable {
			t.commits.durable = len(t.commits.all)
		}
	}
	return err
}

// after returns an engine with what commits have left.
func after(t testing.TB, commits []notedCommit) engine.Engine {
	t.Helper()
	left := map[string][]byte{}
	for _, c := range commits {
		for _, w := range c.writes {
			if left[string(w.key)] = w.value; w.value == nil {
				delete(left, string(w.key))
			}
		}
	}
	var all []pair
	for key, value := range left {
		all = append(all, pair{[]byte(key), value})
	}
	return load(t, all)
}

// A loss of power takes the newest relaxed commits, or, with Badger, some of them although later ones are there.
// The store opens, Verify finds what is not whole, and Repair makes it so. A topic is that of the rows, or cannot
// be read, or Verify says that it is not. A feed has every change of the commits that are there behind the one
// that a watch had come to, or the watch is told that it has not.
func TestLostCommits(t *testing.T) {
	defer datastore.SetMaxLogged(smallLog)
	gaps, damaged, refused, silent := 0, 0, 0, 0
	seed := rand.Uint64()
	for round := range roundsOf(t, lossRounds, 400, 100) {
		ctx, rnd := t.Context(), rand.New(rand.NewPCG(seed, uint64(round)))
		datastore.SetMaxLogged([]int{6, 20, 1000}[rnd.IntN(3)]) // filing makes durable what was before
		notes := &commitNotes{}
		store, err := datastore.Open(ctx, losingEngine{memory.Engine(), notes}, stormy.storm)
		if err != nil {
			t.Fatal(err)
		}
		changes, err := stormy.Watch(ctx, store, models.Range[uint64]{}, models.WatchOptions{Buffer: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + rnd.IntN(80) {
			update := store.UpdateRelaxed
			if rnd.IntN(60) == 0 {
				update = store.Update
			}
			if err := update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
				for range 1 + rnd.IntN(3) {
					id := rnd.Uint64N(10)
					l := leaf{id, strconv.Itoa(rnd.IntN(3)), uint64(time.Now().Unix())}
					if rnd.IntN(3) > 0 {
						if err := stormy.Put(ctx, tx, &l); err != nil {
							return err
						}
					} else if err := stormy.Delete(ctx, tx, id); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		notes.mu.Lock()
		all, durable := slices.Clone(notes.all), notes.durable
		notes.mu.Unlock()
		books := rowsAfterEach(t, store, changes)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}

		end := len(all) - rnd.IntN(min(4, len(all)-durable+1))
		to := durable + rnd.IntN(end-durable+1)
		from := durable + rnd.IntN(to-durable+1)
		kept := append(slices.Clone(all[:from:from]), all[to:end]...)
		numbered := func(commits []notedCommit) bool {
			return slices.ContainsFunc(commits, func(c notedCommit) bool { return c.number > 0 })
		}
		gap := numbered(all[from:to]) && numbered(all[to:end])
		at := uint64(0)
		unnumbered := func(c notedCommit) bool { return c.number == 0 }
		if seen := slices.DeleteFunc(slices.Clone(all[:from]), unnumbered); len(seen) > 0 {
			at = seen[rnd.IntN(len(seen))].number
		}
		if gap {
			gaps++
		}
		last := uint64(0) // a commit may change nothing in the end
		for number := range books {
			if number <= at {
				last = max(last, number)
			}
		}
		var was afterLoss
		if store, err = datastore.Open(ctx, after(t, kept), stormy.storm); err == nil {
			was, err = stormy.check(ctx, store, books[last], at, gap)
			err = errors.Join(err, store.Close())
		}
		if err != nil {
			t.Fatalf("seed %d, round %d: %d commits, %d durable, lost from %d to %d and from %d: %v",
				seed, round, len(all), durable, from, to, end, err)
		}
		if was.damaged {
			damaged++
		}
		if was.silent {
			silent++
		}
		if was.refused {
			refused++
		}
	}
	if gaps == 0 || damaged == 0 || refused == 0 {
		t.Errorf("%d stores had a gap, %d were damaged, %d watches refused: that tests nothing", gaps, damaged, refused)
	}
	t.Logf("%d stores had a gap, %d were damaged, %d with a topic that could be read, %d watches refused",
		gaps, damaged, silent, refused)
}

// stormMarker is the key of a row that marks the end of what is read.
const stormMarker = 1 << 40

// rowsAfterEach reads a watch to its end, and returns the rows after each commit.
func rowsAfterEach(
	t *testing.T, store *datastore.Store, changes iter.Seq2[models.Change[leaf, uint64], error],
) map[uint64]map[uint64]leaf {
	books, rows := map[uint64]map[uint64]leaf{0: {}}, map[uint64]leaf{}
	if err := stormy.Put(context.Background(), store, &leaf{ID: stormMarker}); err != nil {
		t.Fatal(err)
	}
	for c, err := range changes {
		if err != nil {
			t.Fatal(err)
		}
		if c.Key == stormMarker {
			break
		}
		if rows[c.Key] = deref(c.New); c.New == nil {
			delete(rows, c.Key)
		}
		if c.Last {
			books[c.Seq] = maps.Clone(rows)
		}
	}
	return books
}

func deref(l *leaf) leaf {
	if l == nil {
		return leaf{}
	}
	return *l
}

// afterLoss says what a loss has done.
type afterLoss struct{ damaged, refused, silent bool }

// check compares everything in a store after a loss of power. Rows are those that a watch had seen when it was at a
// commit. Gap says that commits of the feed are lost which lie before others.
func (s *stormyTree) check(
	ctx context.Context, store *datastore.Store, rows map[uint64]leaf, at uint64, gap bool,
) (was afterLoss, err error) {
	if err := s.compare(ctx, store); err != nil && !errors.Is(err, models.ErrCorrupt) {
		// A later commit has written a row as a lost one had left it, and so has not changed the topic.
		if report, verifyErr := datastore.Verify(ctx, store); verifyErr != nil || report.Clean() {
			return was, fmt.Errorf("before repair: %w, and verify says %w", err, verifyErr)
		}
		was.silent = true
	}
	// The watch goes on before the repair and after it.
	for range 2 {
		err := s.goOn(ctx, store, maps.Clone(rows), at)
		compacted := errors.Is(err, models.ErrCompacted)
		if err != nil && !compacted {
			return was, err
		}
		if gap && !compacted {
			return was, fmt.Errorf("the watch at %d was told of no gap", at)
		}
		was.refused = was.refused || compacted
		report, err := datastore.Repair(ctx, store)
		if err != nil {
			return was, err
		}
		if report.Left() != 0 {
			return was, fmt.Errorf("repair has left %+v", report.Damage)
		}
		was.damaged = was.damaged || !report.Clean()
		if report, err = datastore.Verify(ctx, store); err != nil || !report.Clean() {
			return was, fmt.Errorf("after repair %+v, %w", report.Damage, err)
		}
		if err := s.compare(ctx, store); err != nil {
			return was, fmt.Errorf("after repair: %w", err)
		}
	}
	return was, nil
}

// goOn has a watch go on behind a commit, and compares the rows that it makes with those of the store.
func (s *stormyTree) goOn(ctx context.Context, store *datastore.Store, rows map[uint64]leaf, at uint64) error {
	options := models.WatchOptions{Resume: true, After: at, Buffer: 8}
	changes, err := s.Watch(ctx, store, models.Range[uint64]{}, options)
	if err != nil {
		return err
	}
	marker := leaf{stormMarker, strconv.FormatInt(time.Now().UnixNano(), 10), at}
	if err := s.Put(ctx, store, &marker); err != nil {
		return err
	}
	for c, err := range changes {
		if err != nil {
			return err
		}
		if c.Seq <= at {
			return fmt.Errorf("commit %d comes after %d", c.Seq, at)
		}
		at = c.Seq
		if c.Key == stormMarker {
			if c.New != nil && c.New.Text == marker.Text {
				break
			}
			continue
		}
		if was, there := rows[c.Key]; there != (c.Old != nil) || was != deref(c.Old) {
			return fmt.Errorf("commit %d changes %v to %v, and it was %v", c.Seq, c.Old, c.New, was)
		}
		if rows[c.Key] = deref(c.New); c.New == nil {
			delete(rows, c.Key)
		}
		if !c.Last {
			at--
		}
	}
	if err := s.Delete(ctx, store, stormMarker); err != nil {
		return err
	}
	found := map[uint64]leaf{}
	for l, err := range s.All(ctx, store) {
		if err != nil {
			return err
		}
		found[l.ID] = l
	}
	if !maps.Equal(found, rows) {
		return fmt.Errorf("the changes make %v, and the rows are %v", rows, found)
	}
	return nil
}

// compare compares topics with the rows.
func (s *stormyTree) compare(ctx context.Context, r models.Reader) error {
	rows := map[uint64]leaf{}
	for l, err := range s.All(ctx, r) {
		if err != nil {
			return err
		}
		rows[l.ID] = l
	}
	if n, err := s.text.Count(ctx, r, models.Range[string]{}); err != nil || n != len(rows) {
		return fmt.Errorf("%d rows have a text, and there are %d, %w", n, len(rows), cmp.Or(err, models.ErrCorrupt))
	}
	for _, topic := range []struct {
		of      models.AnyTopic
		belongs func(*leaf) bool
	}{{s.all, nil}, {s.even, isEven}} {
		want, err := plainTopicOf(s.Tree, rows, topic.belongs)
		if err == nil {
			err = want.compare(ctx, r, topic.of.Raw(), rand.New(rand.NewPCG(1, 2)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
