package datastore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/powerloss"
	"github.com/newsnet-africa/netabase-go/models"
)

const (
	// powerLosses sets how often the power is lost on each engine, with durable and with relaxed commits.
	powerLosses = "NETABASE_POWER_LOSSES"
	// powerLossRelaxed tells the process that writes to make relaxed commits.
	powerLossRelaxed = "NETABASE_POWER_LOSS_RELAXED"

	powerLossWriters = 3
	powerLossRows    = 12 // of each writer
	// powerLossMarks is where the keys of the marks begin: rows that are never deleted, one of each commit.
	powerLossMarks = 1 << 20
	durableMark    = "durable"
)

// longFed keeps all changes, so that a watch is only refused where commits are lost.
var longFed = newStormy(1 << 20)

// stormLine is what the process that writes says: that the commit with a mark has returned, and whether it is
// durable, or a change that a watch has yielded.
type stormLine struct {
	Done    uint64
	Durable bool
	Change  *stormChange
}

type stormChange struct {
	Seq, ID uint64
	New     *leaf
	Last    bool
}

// Everything that a writer or a watch knows to be durable is there after a loss of power, and the store is whole.
// Relaxed commits may be gone: the newest, or, on Badger, some of them although later ones are there, which a watch
// that goes on is told, and Verify mends.
func TestPowerLoss(t *testing.T) {
	if path := powerloss.Path(); path != "" {
		eng := killEngines[os.Getenv(killEngine)](path)
		if err := stormForEver(t.Context(), eng, os.Getenv(powerLossRelaxed) != ""); err != nil {
			t.Fatal(err)
		}
		return
	}
	skipShort(t)
	losses := roundsOf(t, powerLosses, 1, 1)
	for name := range killEngines {
		t.Run(name+"/durable", func(t *testing.T) {
			for loss := range losses {
				t.Run(strconv.Itoa(loss), func(t *testing.T) { losePower(t, name, false) })
			}
		})
		t.Run(name+"/relaxed", func(t *testing.T) {
			lossy, gaps := 0, 0
			// Nothing may be lost if everything has just been synced.
			for loss := 0; loss < losses || name == "badger" && lossy == 0 && loss < losses+5; loss++ {
				skipped := true
				t.Run(strconv.Itoa(loss), func(t *testing.T) {
					lost, gap := losePower(t, name, true)
					skipped = false
					if lost > 0 {
						lossy++
					}
					if gap {
						gaps++
					}
				})
				if t.Failed() || skipped {
					return
				}
			}
			if name == "badger" && lossy == 0 {
				t.Error("no relaxed commit is lost: the test proves nothing")
			}
			t.Logf("commits are lost %d times, %d times with later ones there", lossy, gaps)
		})
	}
}

// losePower takes the power away from a process once, and checks what is left.
func losePower(t *testing.T, engineName string, relaxed bool) (lost int, gap bool) {
	t.Helper()
	enough, env := 150+rand.IntN(600), []string{killEngine + "=" + engineName}
	if relaxed {
		env = append(env, powerLossRelaxed+"=1")
		if engineName == "badger" {
			enough *= 1 + rand.IntN(10) // to fill memtables
		}
	}
	left := powerloss.Lose(t, enough, func(path string) { writeBack(t, path) }, env...)
	books, err := readStorm(left.Acked)
	if err != nil {
		t.Fatal(err)
	}
	store, err := datastore.Open(t.Context(), killEngines[engineName](left.Path), longFed.storm)
	if err == nil {
		lost, gap, err = books.check(t, store, !relaxed || engineName == "bolt")
		err = errors.Join(err, store.Close())
	}
	if err == nil {
		store, err = datastore.Open(t.Context(), killEngines[engineName](left.Path), longFed.storm)
	}
	if err == nil {
		err = errors.Join(verified(t.Context(), store), longFed.compare(t.Context(), store), store.Close())
	}
	if err != nil {
		t.Errorf("%v; %d commits, %s", err, len(books.commits), left.Keep())
	}
	return lost, gap
}

// writeBack has some files written to the disk, as the system may do at any time.
func writeBack(t *testing.T, path string) {
	t.Helper()
	if err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || rand.IntN(3) > 0 {
			return err
		}
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		return errors.Join(file.Sync(), file.Close())
	}); err != nil {
		t.Fatal(err)
	}
}

func verified(ctx context.Context, store *datastore.Store) error {
	report, err := datastore.Verify(ctx, store)
	if err == nil && !report.Clean() {
		err = fmt.Errorf("%w: %+v", models.ErrCorrupt, report.Damage)
	}
	return err
}

// stormBooks are what the process had said before it lost its power.
type stormBooks struct {
	commits []stormCommit   // as the watch has yielded them
	watched map[uint64]bool // the marks in commits
	done    map[uint64]bool // the marks of commits that have returned, and whether they are durable
}

type stormCommit struct {
	seq, mark uint64
	durable   bool
	changes   []stormChange
}

func readStorm(lines []string) (b stormBooks, err error) {
	b.watched, b.done = map[uint64]bool{}, map[uint64]bool{}
	var commit stormCommit
	for _, text := range lines {
		var line stormLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			return b, fmt.Errorf("%q: %w", text, err)
		}
		if line.Change == nil {
			b.done[line.Done] = line.Durable
			continue
		}
		c := *line.Change
		commit.seq, commit.changes = c.Seq, append(commit.changes, c)
		if c.ID >= powerLossMarks {
			commit.mark, commit.durable = c.ID, c.New.Text == durableMark
		}
		if c.Last {
			b.watched[commit.mark] = true
			b.commits, commit = append(b.commits, commit), stormCommit{}
		}
	}
	return b, nil
}

// check compares a store with the books, and says how many commits are lost, and whether later ones are there.
// If all are durable, all have to be there.
func (b *stormBooks) check(t *testing.T, store *datastore.Store, durable bool) (lost int, gap bool, err error) {
	ctx := t.Context()
	there := map[uint64]bool{} // the marks in the store
	unseen := false
	for l, err := range longFed.Range(ctx, store, models.From(uint64(powerLossMarks))) {
		if err != nil {
			return 0, false, err
		}
		there[l.ID] = true
		unseen = unseen || !b.watched[l.ID]
	}
	first, last := len(b.commits), -1 // the first that is lost, and the last that must be there
	for i, c := range b.commits {
		if !there[c.mark] {
			first = min(first, i)
			lost++
		} else {
			gap = gap || first < i
		}
		if c.durable || durable {
			last = i
		}
	}
	for mark, wasDurable := range b.done {
		if b.watched[mark] {
			continue
		}
		if !there[mark] {
			lost++
		}
		if wasDurable || durable { // it comes after all that the watch has yielded
			if last = len(b.commits) - 1; !there[mark] {
				return lost, gap, fmt.Errorf("the durable commit with the mark %d is lost", mark)
			}
		}
	}
	gap = gap || first < len(b.commits) && unseen
	if first <= last {
		return lost, gap, fmt.Errorf("%d commits are lost, the first is number %d, and those up to %d were durable",
			lost, first, last)
	}
	if durable {
		if err := errors.Join(verified(ctx, store), longFed.compare(ctx, store)); err != nil {
			return lost, gap, err
		}
	}

	// The watch had come to any of the commits that are there, or had not begun.
	rows, existed, seen := map[uint64]leaf{}, map[uint64]bool{}, rand.IntN(first+1)
	if rand.IntN(4) == 0 {
		seen = 0
	}
	at := uint64(0)
	for i, c := range b.commits[:first] {
		for _, change := range c.changes {
			existed[change.ID] = existed[change.ID] || change.New != nil
			if i >= seen {
				continue
			}
			if rows[change.ID] = deref(change.New); change.New == nil {
				delete(rows, change.ID)
			}
		}
		if i < seen {
			at = c.seq
		}
	}
	was, err := longFed.check(ctx, store, rows, at, gap)
	if err == nil && (durable && was != afterLoss{} || was.refused && !gap && !unseen) {
		err = fmt.Errorf("nothing is missing for a watch at %d, and the loss is %+v", at, was)
	}
	if err != nil {
		return lost, gap, err
	}
	tombstones, _ := tombstonesOf(t, store, longFed.Tree, powerLossWriters*powerLossRows)
	for id := range uint64(powerLossWriters * powerLossRows) {
		has, err := longFed.Has(ctx, store, id)
		if err != nil {
			return lost, gap, err
		}
		if _, deleted := tombstones[id]; deleted == has && existed[id] {
			return lost, gap, fmt.Errorf("row %d is there: %t, and its tombstone: %t", id, has, deleted)
		}
	}
	return lost, gap, nil
}

// stormForEver writes without end, and says what is committed and what a watch yields.
func stormForEver(ctx context.Context, eng engine.Engine, relaxed bool) error {
	datastore.SetMaxLogged([]int{6, smallLog, 100_000}[rand.IntN(3)]) // filing makes durable what was before
	store, err := datastore.Open(ctx, eng, longFed.storm)
	if err != nil {
		return err
	}
	changes, err := longFed.Watch(ctx, store, models.Range[uint64]{}, models.WatchOptions{Buffer: 1 << 20})
	if err != nil {
		return err
	}
	failed := make(chan error)
	say := func(line stormLine) error {
		text, err := json.Marshal(line)
		if err == nil {
			powerloss.Ack(string(text))
		}
		return err
	}
	go func() {
		for c, err := range changes {
			if err == nil {
				err = say(stormLine{Change: &stormChange{c.Seq, c.Key, c.New, c.Last}})
			}
			if err != nil {
				failed <- err
				return
			}
		}
	}()
	for writer := range uint64(powerLossWriters) {
		go func() {
			for mark := powerLossMarks + writer; ; mark += powerLossWriters {
				durable := !relaxed || rand.IntN(200) == 0
				err := stormWrite(ctx, store, writer, mark, durable)
				if errors.Is(err, models.ErrConflict) {
					continue
				}
				if err == nil {
					err = say(stormLine{Done: mark, Durable: durable})
				}
				if err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

// stormWrite makes a commit with a mark and some rows of a writer.
func stormWrite(ctx context.Context, store *datastore.Store, writer, mark uint64, durable bool) error {
	update, text := store.UpdateRelaxed, "relaxed"
	if durable {
		update, text = store.Update, durableMark
	}
	return update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		now := uint64(time.Now().Unix())
		for range rand.IntN(3) {
			id := rand.Uint64N(powerLossRows)*powerLossWriters + writer
			if rand.IntN(3) == 0 {
				if err := longFed.Delete(ctx, tx, id); err != nil {
					return err
				}
				continue
			}
			l := leaf{id, strings.Repeat(strconv.Itoa(rand.IntN(10)), rand.IntN(8000)), now}
			if err := longFed.Put(ctx, tx, &l); err != nil {
				return err
			}
		}
		return longFed.Put(ctx, tx, &leaf{mark, text, now})
	})
}
