package datastore_test

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestKillRotation kills a process that rotates the data keys of a store, again and again: of one that
// was plain, and of one that was encrypted. The store opens with its key then, has all rows, and the
// next Rotate ends what was begun. Beside the diary lie posts with a topic, and with a feed that a watch follows
// until the end of a rotation removes what it has.
func TestKillRotation(t *testing.T) {
	if os.Getenv(killRole) != "" {
		if err := killRotate(t); err != nil {
			t.Fatal(err)
		}
		return
	}
	rounds := roundsOf(t, killRounds, 4, 2)
	for name, newEngine := range killEngines {
		t.Run(name, func(t *testing.T) {
			// Not in parallel: a process that is being started shares, for a moment, the locks of the
			// databases that are open in this one.
			seed := uint64(time.Now().UnixNano())
			random := rand.New(rand.NewPCG(seed, 0))
			dir := t.TempDir()
			plain, path := filepath.Join(dir, "plain"), ""
			s := openKeyed(t, newEngine(plain), nil, diary)
			fillDiary(t, s)
			closeStore(t, s)
			s = openKeyed(t, newEngine(plain), nil, diary, killBoard)
			for i := range uint64(30) {
				putPost(t, s, map[uint64]post{}, postOf(i, i))
			}
			closeStore(t, s)
			rows, _ := dataKeysOf(t, newEngine(plain))
			all, halfway := rows[0], 0
			for round := range rounds {
				wasPlain := round%2 == 0
				if wasPlain {
					path = filepath.Join(dir, strconv.Itoa(round))
					if err := os.CopyFS(path, os.DirFS(plain)); err != nil {
						t.Fatal(err)
					}
				}
				// The books end before a change that lies in the feed when the process begins.
				var key datastore.Key
				if !wasPlain {
					key = secretOf(1)
				}
				s := openKeyed(t, newEngine(path), key, diary, killBoard)
				books := booksOf(t, s)
				posts := maps.Clone(books.Rows)
				putPost(t, s, posts, postOf(uint64(30+round%2), uint64(round)))
				closeStore(t, s)
				// Killed while it waits within a Rotate, or at any moment after.
				transactions, waits := 1+random.IntN(16), round < 2 || random.IntN(2) == 0
				rotations := killRotator(t, name, path, transactions, waits)
				rows, before := dataKeysOf(t, newEngine(path))
				where := fmt.Sprintf("seed %d, round %d: after %d transactions and %d rotations, rows by key %v, keys %v",
					seed, round, transactions, rotations, rows, before)
				if len(before) == 2 || rows[0] > 0 {
					halfway++
				}
				if first := wasPlain && rotations == 0; waits && len(before) != 2 && !first || len(before) > 2 {
					t.Errorf("%s: not halfway", where)
				}
				s = openKeyed(t, newEngine(path), secretOf(1), diary, killBoard)
				checkDiary(t, s)
				checkRotated(t, s, books, posts, rotations == 0)
				rotate(t, s)
				checkRotated(t, s, books, posts, false)
				closeStore(t, s)
				rows, after := dataKeysOf(t, newEngine(path))
				if len(after) != 1 || len(rows) != 1 || rows[after[0]] != all {
					t.Fatalf("%s: later %v, keys %v", where, rows, after)
				}
				if len(before) == 2 && after[0] != before[1] {
					t.Errorf("%s: later %v, keys %v: not what was begun", where, rows, after)
				}
				s = openKeyed(t, newEngine(path), secretOf(1), diary, killBoard)
				checkDiary(t, s)
				checkRotated(t, s, books, posts, false)
				closeStore(t, s)
				if t.Failed() {
					t.FailNow()
				}
			}
			t.Logf("%d kills, %d of them with rows of two keys or two keys", rounds, halfway)
		})
	}
}

func putPost(t *testing.T, s *datastore.Store, rows map[uint64]post, p post) {
	t.Helper()
	if err := killPosts.Put(t.Context(), s, &p); err != nil {
		t.Fatal(err)
	}
	rows[p.ID] = p
}

// booksOf returns the posts of a store, and the commit that has left them.
func booksOf(t *testing.T, s *datastore.Store) *postBooks {
	t.Helper()
	books := &postBooks{Rows: map[uint64]post{}}
	changes, err := killPosts.Watch(t.Context(), s, models.Range[uint64]{}, models.WatchOptions{Snapshot: true})
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range changes {
		if err != nil {
			t.Fatal(err)
		}
		if books.Seq = c.Seq; c.Kind == models.SnapshotDone {
			break
		}
		books.Rows[c.Key] = *c.New
	}
	return books
}

// checkRotated compares the posts and their topics with those that there should be. The feed goes on where the
// books end, unless a rotation has ended since then. Whole says that none can have.
func checkRotated(t *testing.T, s *datastore.Store, books *postBooks, posts map[uint64]post, whole bool) {
	t.Helper()
	ctx := t.Context()
	if err := comparePosts(ctx, s, posts); err != nil {
		t.Error(err)
	}
	books = &postBooks{books.Seq, maps.Clone(books.Rows)}
	err := books.follow(ctx, s, s, nil)
	if !errors.Is(err, models.ErrCompacted) || whole {
		if err != nil || !maps.Equal(without(books.Rows, bookMarker), posts) {
			t.Errorf("the changes make %v, %v, and the posts are %v", books.Rows, err, posts)
		}
	}
	if err := killPosts.Delete(ctx, s, bookMarker); err != nil {
		t.Error(err)
	}
}

// killRotator has a process rotate until it has committed some transactions that rewrite rows, and
// kills it: at once, while the process waits for this one, or when it has gone on. It returns how
// many rotations had ended when the process last said so.
func killRotator(t *testing.T, engineName, path string, transactions int, waits bool) (rotations int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillRotation$")
	cmd.Env = append(os.Environ(), killRole+"=rotate", killEngine+"="+engineName, killPath+"="+path)
	cmd.Stderr = os.Stderr
	lines, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	goOn, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	scanner := bufio.NewScanner(lines)
	for left := transactions - 1; left >= 0; left-- {
		if !scanner.Scan() {
			t.Fatal("the process ended by itself: ", scanner.Err())
		}
		if rotations, err = strconv.Atoi(strings.TrimSpace(scanner.Text())); err != nil {
			t.Fatal(err)
		}
		if left > 0 || !waits {
			if _, err := goOn.Write([]byte{'\n'}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return rotations
}

// killRotate rotates for ever. After every transaction it says how many rotations have ended, and
// waits until it may go on.
func killRotate(t *testing.T) error {
	eng := killEngines[os.Getenv(killEngine)](os.Getenv(killPath))
	s, err := datastore.Open(t.Context(), eng, with(secretOf(1), diary, killBoard), datastore.OpenOptions{Encrypt: true})
	if err != nil {
		return err
	}
	goOn := bufio.NewReader(os.Stdin)
	for rotations := 0; ; rotations++ {
		var stopped error
		_, err := s.Rotate(t.Context(), datastore.RotateOptions{Progress: func(datastore.RotateProgress) {
			_, err := fmt.Println(rotations)
			_, readErr := goOn.ReadByte()
			stopped = errors.Join(stopped, err, readErr)
		}})
		if err := errors.Join(err, stopped); err != nil {
			return errors.Join(err, s.Close())
		}
	}
}
