package datastore_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// feedCommits sets how many commits each engine's watcher has to see in all.
const feedCommits = "NETABASE_FEED_COMMITS"

// The watched tree has a topic besides its feed.
var (
	watched = models.NewTree("entry", models.Uint64, entryID, models.WithPolicy[entry](models.Open),
		models.WithFeed[entry](models.Feed{Changes: 1 << 20}))
	watchedAll = models.NewTopic(watched, "all", nil)
	watcheds   = models.NewDefinition("journal", watched)
)

// told is a commit as the watching process says it, a line each.
type told struct {
	Seq     uint64
	Changes []toldChange
}

// toldChange has the texts of a row before and after, nil for none.
type toldChange struct {
	ID       uint64
	Old, New *string
}

// TestFeedKill kills a process that writes to a store and watches it, again and again. The watch notes
// how far it has come only now and then, and goes on from there. This process sees every commit: each
// has to change what the ones before have left, none may come again unless it lies behind the note, and
// in the end the rows are those that the changes make. After a kill another process finds rows, feed and
// topic in agreement.
func TestFeedKill(t *testing.T) {
	if role := os.Getenv(killRole); role != "" {
		store, err := datastore.Open(t.Context(), killEngines[os.Getenv(killEngine)](os.Getenv(killPath)), watcheds)
		if err == nil {
			if role == "check" {
				err = feedCheck(t.Context(), store)
			} else {
				err = feedChild(t.Context(), store, os.Getenv(killPath)+".note", role == "write")
			}
			err = errors.Join(err, store.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	commits := roundsOf(t, feedCommits, 400, 150)
	for name := range killEngines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "store")
			r := &feedBooks{rows: map[uint64]*string{}, recent: map[uint64]string{}}
			rounds := 0
			for ; r.commits < commits; rounds++ {
				r.round(t, name, path, "write", 1+rand.IntN(min(commits/4, 4000)))
				if rounds < 20 || rounds%20 == 0 { // it reads the whole feed
					feedProcess(t, "check", name, path, func(string, func()) {})
				}
			}
			r.round(t, name, path, "drain", -1)
			t.Logf("%d commits in %d rounds, %d of them seen again", r.commits, rounds, r.again)
		})
	}
}

// feedBooks are what TestFeedKill knows.
type feedBooks struct {
	rows map[uint64]*string
	// last is the number of the last commit, and recent are those behind the note, as they were said.
	last    uint64
	recent  map[uint64]string
	commits int
	again   int
}

// round reads what a process says until so many commits are new, and then kills it.
func (r *feedBooks) round(t *testing.T, engineName, path, role string, most int) {
	t.Helper()
	note := noteIn(t, path+".note")
	for seq := range r.recent {
		if seq <= note {
			delete(r.recent, seq)
		}
	}
	feedProcess(t, role, engineName, path, func(line string, kill func()) {
		var c told
		if json.Unmarshal([]byte(line), &c) != nil {
			return // cut off, or a line of package testing
		}
		if c.Seq <= r.last {
			if c.Seq <= note || r.recent[c.Seq] != line {
				t.Fatalf("commit %d comes again as %s, the note says %d", c.Seq, line, note)
			}
			r.again++
			return
		}
		r.last, r.recent[c.Seq] = c.Seq, line
		r.commits++
		for _, change := range c.Changes {
			if was := r.rows[change.ID]; (was == nil) != (change.Old == nil) || was != nil && *was != *change.Old {
				t.Fatalf("commit %d changes a row %d that was not there", c.Seq, change.ID)
			}
			if r.rows[change.ID] = change.New; change.New == nil {
				delete(r.rows, change.ID)
			}
		}
		if most--; most == 0 {
			kill()
		}
	})
	if role != "drain" {
		if most > 0 {
			t.Fatal("the process ended by itself")
		}
		return
	}
	store, err := datastore.Open(t.Context(), killEngines[engineName](path), watcheds)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	n := 0
	for e, err := range watched.All(t.Context(), store) {
		if err != nil {
			t.Fatal(err)
		}
		if want := r.rows[e.ID]; want == nil || *want != e.Text {
			t.Errorf("row %d is %q", e.ID, e.Text)
		}
		n++
	}
	if n != len(r.rows) {
		t.Errorf("%d rows, the changes make %d", n, len(r.rows))
	}
	if err := feedCheck(t.Context(), store); err != nil {
		t.Error(err)
	}
}

// feedProcess runs a process of TestFeedKill, and calls each with the lines that it says, and with what kills
// it. A process that ends by itself has to do so without an error.
func feedProcess(t *testing.T, role, engineName, path string, each func(line string, kill func())) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFeedKill$")
	cmd.Env = append(os.Environ(), killRole+"="+role, killEngine+"="+engineName, killPath+"="+path)
	cmd.Stderr = os.Stderr
	lines, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	kill := func() {
		ended = true
		cmd.Process.Kill()
	}
	defer func() { // also when each ends the test
		kill()
		cmd.Wait()
	}()
	said := ""
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		said = scanner.Text()
		each(said, kill)
	}
	if !ended {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%s: %v, after %q", role, err, said)
		}
	}
}

// feedCheck returns what is wrong with a store: damage, or a topic that is not that of its rows.
func feedCheck(ctx context.Context, store *datastore.Store) error {
	report, err := datastore.Verify(ctx, store)
	if err == nil && !report.Clean() {
		err = fmt.Errorf("%w: %+v", models.ErrCorrupt, report.Damage)
	}
	if err != nil {
		return err
	}
	rows := map[uint64]entry{}
	for e, err := range watched.All(ctx, store) {
		if err != nil {
			return err
		}
		rows[e.ID] = e
	}
	want, err := plainTopicOf(watched, rows, nil)
	if err != nil {
		return err
	}
	return want.compare(ctx, store, watchedAll.Raw(), rand.New(rand.NewPCG(1, 2)))
}

// noteIn returns how far the watch had come.
func noteIn(t *testing.T, path string) uint64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	note, parseErr := strconv.ParseUint(string(text), 10, 64)
	if err := errors.Join(err, parseErr); err != nil {
		t.Fatal(err)
	}
	return note
}

// feedChild watches a store from the note on, and says every commit. It writes for ever, or ends with
// the last commit.
func feedChild(ctx context.Context, store *datastore.Store, note string, writes bool) error {
	after := uint64(0)
	text, err := os.ReadFile(note)
	if err == nil {
		after, err = strconv.ParseUint(string(text), 10, 64)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	w, err := store.BeginWatch(ctx, session.WatchRequest{
		Trees: []*session.Tree{watched.Core()}, After: after, Resume: true, Changes: 8,
	})
	if err != nil {
		return err
	}
	defer w.Close()
	failed := make(chan error, 2)
	if writes {
		for range cap(failed) {
			go func() {
				for {
					if err := feedWrite(ctx, store); err != nil && !errors.Is(err, models.ErrConflict) {
						failed <- err
						return
					}
				}
			}()
		}
	} else {
		ses, _, err := w.Read(ctx)
		if err != nil {
			return err
		}
		ses.End()
	}
	for saved := time.Now(); ; {
		select {
		case err := <-failed:
			return err
		default:
		}
		batch, err := w.Next(ctx)
		if err != nil {
			return err
		}
		for _, c := range batch {
			if len(c.Changes) == 0 {
				return nil
			}
			if err := sayCommit(w.Place(watched.Core()), c); err != nil {
				return err
			}
		}
		if time.Since(saved) > 10*time.Millisecond {
			saved = time.Now()
			err := os.WriteFile(note+".new", fmt.Append(nil, batch[len(batch)-1].Seq), 0o600)
			if err == nil {
				err = os.Rename(note+".new", note)
			}
			if err != nil {
				return err
			}
		}
	}
}

func sayCommit(place *session.Place, c *session.Commit) error {
	said := told{Seq: c.Seq}
	textOf := func(key, stored []byte) (*string, error) {
		if stored == nil {
			return nil, nil
		}
		row, err := format.ParseRow(append(bytes.Clone(place.Space), key...), stored)
		if err != nil {
			return nil, err
		}
		e, err := watched.Decode(key, row.Value)
		return &e.Text, err
	}
	for _, change := range c.Changes {
		id, err := watched.DecodeKey(change.Key)
		before, oldErr := textOf(change.Key, change.Old)
		after, newErr := textOf(change.Key, change.New)
		if err := errors.Join(err, oldErr, newErr); err != nil {
			return err
		}
		said.Changes = append(said.Changes, toldChange{id, before, after})
	}
	line, err := json.Marshal(said)
	if err == nil {
		_, err = os.Stdout.Write(append(line, '\n'))
	}
	return err
}

// feedWrite is a transaction of some rows.
func feedWrite(ctx context.Context, store *datastore.Store) error {
	update := store.Update
	if rand.IntN(2) == 0 {
		update = store.UpdateRelaxed
	}
	return update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		for range 1 + rand.IntN(3) {
			id := rand.Uint64N(40)
			if rand.IntN(4) == 0 {
				if err := watched.Delete(ctx, tx, id); err != nil {
					return err
				}
				continue
			}
			if err := watched.Put(ctx, tx, &entry{id, strconv.Itoa(rand.Int())}); err != nil {
				return err
			}
		}
		return nil
	})
}
