package datastore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"

	"github.com/newsnet-africa/netabase-go/models"
)

// killBoard is a board whose posts have an index, two topics and a feed that keeps everything.
var (
	killPosts = models.NewTree("post", models.Uint64, func(p *post) uint64 { return p.ID },
		models.WithPolicy[post](models.Open), models.WithFeed[post](models.Feed{Changes: 1 << 30}))
	killTitle = models.NewIndex(killPosts, "title", models.String, func(p *post) string { return p.Title })
	_         = models.NewTopic(killPosts, "all", nil)
	_         = models.NewTopic(killPosts, "long", isLong)
	killBoard = models.NewDefinition("board", killPosts)
)

// postBooks are the posts of a board as its feed tells of them.
type postBooks struct {
	// Seq is the last commit that was read, and Rows what the commits up to it have left.
	Seq  uint64
	Rows map[uint64]post
}

// bookMarker is the key of a post that marks the end of what is read.
const bookMarker = 1 << 40

// note brings the books up to a change. It has to change what those before have left.
func (b *postBooks) note(c *models.Change[post, uint64]) error {
	old, there := b.Rows[c.Key]
	switch {
	case there != (c.Old != nil) || there && *c.Old != old:
		return fmt.Errorf("commit %d changes post %d from %v, and it was %v", c.Seq, c.Key, c.Old, old)
	case c.New == nil:
		delete(b.Rows, c.Key)
	default:
		b.Rows[c.Key] = *c.New
	}
	return nil
}

// follow goes on reading the feed where the books end, up to a commit that it makes. Each commit comes once, in
// order, and each is given to see.
func (b *postBooks) follow(
	ctx context.Context, s models.Watchable, w models.Writer, see func(seq uint64, changes []models.Change[post, uint64]) error,
) error {
	changes, err := killPosts.Watch(ctx, s, models.Range[uint64]{}, models.WatchOptions{Resume: true, After: b.Seq, Buffer: 8})
	if err != nil {
		return err
	}
	marker := post{ID: bookMarker, Title: "marker"}
	if err := killPosts.Put(ctx, w, &marker); err != nil {
		return err
	}
	var commit []models.Change[post, uint64]
	for c, err := range changes {
		if err != nil {
			return err
		}
		if first := len(commit) == 0; first && c.Seq <= b.Seq || !first && c.Seq != commit[0].Seq {
			return fmt.Errorf("commit %d comes after %d", c.Seq, b.Seq)
		}
		commit = append(commit, c)
		if err := b.note(&c); err != nil {
			return err
		}
		if !c.Last {
			continue
		}
		if b.Seq = c.Seq; see != nil {
			if err := see(c.Seq, commit); err != nil {
				return err
			}
		}
		if commit[0].Key == bookMarker && commit[0].New != nil {
			return killPosts.Delete(ctx, w, bookMarker)
		}
		commit = commit[:0]
	}
	return errors.New("the watch has ended")
}

// compare compares the posts of a store, its index and its topics with the rows that there should be.
func comparePosts(ctx context.Context, r models.Reader, want map[uint64]post) error {
	rows := map[uint64]post{}
	for p, err := range killPosts.All(ctx, r) {
		if err != nil {
			return err
		}
		rows[p.ID] = p
	}
	if !maps.Equal(rows, want) {
		return fmt.Errorf("the posts are %v, and are to be %v", rows, want)
	}
	if n, err := killTitle.Count(ctx, r, models.Range[string]{}); err != nil || n != len(rows) {
		return fmt.Errorf("%d posts have a title, and there are %d, %w", n, len(rows), err)
	}
	return compareTopics(ctx, r, killPosts, rows, rand.New(rand.NewPCG(uint64(len(rows)), 1)))
}

// checkPosts compares the posts of a store with those that there should be, and with what the feed says of
// them since the books were last read from a file. It leaves them there.
func checkPosts(ctx context.Context, s interface {
	models.Watchable
	models.Writer
}, path string, want map[uint64]post,
) error {
	if err := comparePosts(ctx, s, without(want, bookMarker)); err != nil {
		return err
	}
	books := postBooks{Rows: map[uint64]post{}}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &books)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = books.follow(ctx, s, s, nil)
	}
	if err != nil {
		return err
	}
	if rows := without(books.Rows, bookMarker); !maps.Equal(rows, want) {
		return fmt.Errorf("the changes make %v, and the posts are %v", rows, want)
	}
	if text, err = json.Marshal(&books); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func without(rows map[uint64]post, id uint64) map[uint64]post {
	rows = maps.Clone(rows)
	delete(rows, id)
	return rows
}
