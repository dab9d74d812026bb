package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// ballot is a model whose rows are merged: each voter's higher number counts, and the words of both
// stay. Some words make the merge misbehave.
type ballot struct {
	ID    uint64
	Votes map[string]uint64
	Words []string
	At    uint64
}

func mergeBallots(a, b *ballot) ballot {
	merged := ballot{ID: a.ID, Votes: maps.Clone(a.Votes), At: max(a.At, b.At)}
	for by, n := range b.Votes {
		if n > merged.Votes[by] {
			merged.Votes[by] = n
		}
	}
	merged.Words = slices.Concat(a.Words, b.Words)
	slices.Sort(merged.Words)
	merged.Words = slices.Compact(merged.Words)
	switch {
	case slices.Contains(merged.Words, "another key"):
		merged.ID++
	case slices.Contains(merged.Words, "not text"):
		merged.Words = []string{"\xFF"}
	case slices.Contains(merged.Words, "too long"):
		merged.Words = []string{strings.Repeat("x", 1<<17)}
	case slices.Contains(merged.Words, "panic"):
		panic("the merge panics")
	}
	return merged
}

var (
	ballots = models.NewTree("ballot", models.Uint64, func(v *ballot) uint64 { return v.ID },
		models.WithPolicy[ballot](models.Open), models.WithMerge(mergeBallots),
		models.WithClock(func(v *ballot) uint64 { return v.At }))
	ballotByWord = models.NewMulti(ballots, "word", models.String, func(v *ballot) []string { return v.Words })
	election     = models.NewDefinition("election", ballots)
)

func ballotOf(word string, votes map[string]uint64) ballot {
	return ballot{ID: 1, Votes: votes, Words: []string{word}}
}

// stored returns the value of the row with the key 1, and what is served of it.
func storedBallot(t testing.TB, r *record.Records, store *datastore.Store) (row, served []byte) {
	t.Helper()
	row, _, err := ballots.Raw().Find(t.Context(), store, ballots.EncodeKey(1))
	if err != nil {
		t.Fatal(err)
	}
	return row, mustGet(t, r, dsKey("election.ballot", record.Key(ballots, 1)))
}

func TestMergedRecords(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := t.Context()
		r, store := openRecords(t, eng, optionsOf(election))
		key := record.Key(ballots, 1)
		a, b := ballotOf("a", map[string]uint64{"ann": 2, "bob": 1}), ballotOf("b", map[string]uint64{"bob": 3})
		both := mergeBallots(&a, &b)
		for _, m := range []ballot{a, b, both, a, b} {
			if err := take(t, r, key, value(t, ballots, m)); err != nil {
				t.Fatal(err)
			}
		}
		row, served := storedBallot(t, r, store)
		if want := value(t, ballots, both); !bytes.Equal(row, want) || !bytes.Contains(served, want) {
			t.Errorf("stored is %x, served is %x, want %x", row, served, want)
		}
		for _, word := range []string{"a", "b"} {
			if n, err := ballotByWord.Count(ctx, store, models.Only(word)); err != nil || n != 1 {
				t.Errorf("the index has %d of %s, %v", n, word, err)
			}
		}
		// What the row has already changes nothing, not even when the record came.
		before := served
		time.Sleep(time.Millisecond)
		if err := take(t, r, key, value(t, ballots, a)); err != nil {
			t.Fatal(err)
		}
		if _, served = storedBallot(t, r, store); !bytes.Equal(served, before) {
			t.Errorf("a part of the row has changed what is served: %x, before %x", served, before)
		}
		// Put replaces, and a record is merged with what the program has put, which stays its own.
		c := ballotOf("c", map[string]uint64{"cas": 1})
		if err := ballots.Put(ctx, store, &c); err != nil {
			t.Fatal(err)
		}
		if row, served = storedBallot(t, r, store); !bytes.Equal(row, value(t, ballots, c)) || served != nil {
			t.Errorf("after Put the row is %x, and %x is served", row, served)
		}
		if err := take(t, r, key, value(t, ballots, a)); err != nil {
			t.Fatal(err)
		}
		row, served = storedBallot(t, r, store)
		if want := value(t, ballots, mergeBallots(&a, &c)); !bytes.Equal(row, want) || !bytes.Contains(served, want) {
			t.Errorf("stored is %x, served is %x, want %x", row, served, want)
		}
		status, err := record.StatusOf(ctx, r, ballots, 1)
		if err != nil || status.State != record.Kept {
			t.Errorf("the state is %+v, %v", status, err)
		}
	})
}

// A merge whose result cannot be stored is refused, and what is stored stays.
func TestMergesThatCannotBeStored(t *testing.T) {
	ctx := t.Context()
	r, store := openRecords(t, memory.Engine(), optionsOf(election))
	key := record.Key(ballots, 1)
	first := ballotOf("a", map[string]uint64{"ann": 2})
	if err := take(t, r, key, value(t, ballots, first)); err != nil {
		t.Fatal(err)
	}
	row, served := storedBallot(t, r, store)
	unchanged := func(name string) {
		t.Helper()
		nowRow, nowServed := storedBallot(t, r, store)
		if !bytes.Equal(nowRow, row) || !bytes.Equal(nowServed, served) {
			t.Errorf("%s: stored is %x, served is %x", name, nowRow, nowServed)
		}
	}
	for _, word := range []string{"another key", "not text", "too long"} {
		bad := value(t, ballots, ballotOf(word, nil))
		if err := take(t, r, key, bad); !errors.Is(err, models.ErrMerge) {
			t.Errorf("%s: got %v, want ErrMerge", word, err)
		}
		unchanged(word)
		// In a batch the other records are stored.
		batch, err := r.Batch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		other := ballot{ID: 2, Words: []string{word}}
		err = errors.Join(
			batch.Put(ctx, dsKey("election.ballot", key), kadRecord(t, key, bad, time.Now())),
			batch.Put(ctx, dsKey("election.ballot", record.Key(ballots, 2)),
				kadRecord(t, record.Key(ballots, 2), value(t, ballots, other), time.Now())))
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Commit(ctx); !errors.Is(err, models.ErrMerge) {
			t.Errorf("%s in a batch: got %v, want ErrMerge", word, err)
		}
		if got, err := ballots.Get(ctx, store, 2); err != nil || got.Words[0] != word {
			t.Errorf("the other record of the batch is %+v, %v", got, err)
		}
		if err := ballots.Delete(ctx, store, 2); err != nil {
			t.Fatal(err)
		}
		unchanged(word)
	}
	func() {
		defer func() {
			if p := recover(); p != "the merge panics" {
				t.Errorf("recovered %v", p)
			}
		}()
		err := take(t, r, key, value(t, ballots, ballotOf("panic", nil)))
		t.Errorf("the panic is swallowed: %v", err)
	}()
	unchanged("panic")
	if err := take(t, r, key, value(t, ballots, ballotOf("b", nil))); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

// Peers publish rows of one key that nobody has merged. Each keeps the merge, and Resolve merges what
// the peers have.
func TestMergeInNetwork(t *testing.T) {
	ctx := t.Context()
	nodes := make([]*node, 3)
	for i := range nodes {
		nodes[i] = newNodeWith(t, memory.Engine(), optionsOf(election))
	}
	for i, n := range nodes {
		m := ballot{ID: 1, Votes: map[string]uint64{fmt.Sprint(i): 1}, Words: []string{fmt.Sprint(i)}, At: uint64(3 - i)}
		if err := take(t, n.records, record.Key(ballots, 1), value(t, ballots, m)); err != nil {
			t.Fatal(err)
		}
	}
	want := ballot{ID: 1, Votes: map[string]uint64{"0": 1, "1": 1, "2": 1}, Words: []string{"0", "1", "2"}, At: 3}
	connectAll(t, nodes)
	for i, n := range nodes {
		got, err := record.Resolve(ctx, n.node, ballots, 1)
		if err != nil || !bytes.Equal(value(t, ballots, got), value(t, ballots, want)) {
			t.Errorf("peer %d resolves %+v, %v", i, got, err)
		}
	}
	// What is published with a higher clock is taken and merged by all.
	more := ballot{ID: 1, Votes: map[string]uint64{"2": 5}, At: 4}
	report, err := record.Publish(ctx, nodes[2].node, ballots, &more)
	if err != nil || len(report.Took) != 2 {
		t.Fatalf("%+v, %v", report, err)
	}
	resolved, err := record.Resolve(ctx, nodes[0].node, ballots, 1)
	if err != nil {
		t.Fatal(err)
	}
	resolved.At = 5
	if report, err = record.Publish(ctx, nodes[1].node, ballots, &resolved); err != nil || len(report.Took) != 2 {
		t.Fatalf("%+v, %v", report, err)
	}
	want.Votes["2"], want.At = 5, 5
	for i, n := range nodes {
		if row, _ := storedBallot(t, n.records, n.store); !bytes.Equal(row, value(t, ballots, want)) {
			t.Errorf("peer %d has %x, want %x", i, row, value(t, ballots, want))
		}
	}
	status, err := record.StatusOf(ctx, nodes[2].records, ballots, 1)
	if err != nil || status.State != record.Published {
		t.Errorf("the row that was published and merged is %+v, %v", status, err)
	}
	if _, err := record.Resolve(ctx, nodes[0].node, ballots, 9); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("a row that nobody has: %v", err)
	}
}
