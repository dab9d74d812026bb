package datastore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// post is a model of a tree that travels, with topics.
type post struct {
	ID    uint64
	Title string
	Size  uint64
}

// postBoard returns the definition of a tree of posts with two topics: of all, and of the long ones.
func postBoard() (*models.Definition, *models.Tree[post, uint64], []*models.Topic[post, uint64]) {
	posts := models.NewTree("post", models.Uint64, func(p *post) uint64 { return p.ID }, models.WithPolicy[post](models.Open))
	models.NewIndex(posts, "title", models.String, func(p *post) string { return p.Title })
	all := models.NewTopic(posts, "all", nil)
	long := models.NewTopic(posts, "long", isLong)
	return models.NewDefinition("board", posts), posts, []*models.Topic[post, uint64]{all, long}
}

func isLong(p *post) bool { return p.Size > 100 }

func postOf(id, n uint64) post {
	return post{ID: id, Title: fmt.Sprintf("title %d", n%17), Size: n % 200}
}

// plainTopic is a topic computed from its rows: ids in their order, and the rows' keys.
type plainTopic struct {
	ids  [][32]byte
	keys map[[32]byte][]byte
}

func plainTopicOf[M any](tree *models.Tree[M, uint64], rows map[uint64]M, belongs func(*M) bool) (plainTopic, error) {
	of := plainTopic{keys: map[[32]byte][]byte{}}
	for _, p := range rows {
		if belongs != nil && !belongs(&p) {
			continue
		}
		key, value, err := tree.Encode(&p)
		if err != nil {
			return of, err
		}
		id := models.TopicID(key, value)
		of.ids, of.keys[id] = append(of.ids, id), key
	}
	slices.SortFunc(of.ids, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	return of, nil
}

// in returns the ids between two bounds.
func (p *plainTopic) in(lower, upper []byte) (ids [][32]byte) {
	for _, id := range p.ids {
		if bytes.Compare(id[:], lower) >= 0 && (upper == nil || bytes.Compare(id[:], upper) < 0) {
			ids = append(ids, id)
		}
	}
	return ids
}

// sumOf adds ids as little-endian numbers, modulo 2²⁵⁶.
func sumOf(ids [][32]byte) (sum [32]byte) {
	total := new(big.Int)
	for _, id := range ids {
		slices.Reverse(id[:])
		total.Add(total, new(big.Int).SetBytes(id[:]))
	}
	total.Mod(total, new(big.Int).Lsh(big.NewInt(1), 256)).FillBytes(sum[:])
	slices.Reverse(sum[:])
	return sum
}

// compareTopics asks for the topics of a board in every way, and returns what is wrong. Random ranges come
// from random.
func compareTopics(
	ctx context.Context, r models.Reader, posts *models.Tree[post, uint64], rows map[uint64]post, random *rand.Rand,
) error {
	for name, belongs := range map[string]func(*post) bool{"all": nil, "long": isLong} {
		want, err := plainTopicOf(posts, rows, belongs)
		if err != nil {
			return err
		}
		got, ok := posts.Raw().Topic(name)
		if !ok {
			return fmt.Errorf("there is no topic %s", name)
		}
		if err := want.compare(ctx, r, got, random); err != nil {
			return fmt.Errorf("topic %s: %w", name, err)
		}
	}
	return nil
}

func (p *plainTopic) compare(ctx context.Context, r models.Reader, got models.RawTopic, random *rand.Rand) error {
	bounds := [][]byte{nil, nil}
	for range 3 {
		bound := binary.BigEndian.AppendUint64(nil, random.Uint64())[:1+random.IntN(8)]
		bounds = append(bounds, bound)
	}
	if len(p.ids) > 0 {
		id := p.ids[random.IntN(len(p.ids))]
		bounds = append(bounds, id[:], id[:2])
	}
	for i, lower := range bounds {
		for j, upper := range bounds {
			if upper != nil && bytes.Compare(lower, upper) > 0 || i == 1 {
				continue
			}
			want := p.in(lower, upper)
			count, sum, err := got.Sum(ctx, r, lower, upper)
			if err != nil || count != uint64(len(want)) || sum != sumOf(want) {
				return fmt.Errorf("from %x to %x: %d ids, sum %x, %w; want %d, %x", lower, upper, count, sum, err, len(want), sumOf(want))
			}
			if j > 1 && random.IntN(4) > 0 {
				continue
			}
			var ids [][32]byte
			for id, err := range got.IDs(ctx, r, lower, upper) {
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			if !slices.Equal(ids, want) {
				return fmt.Errorf("from %x to %x: the ids are %x, want %x", lower, upper, ids, want)
			}
			if err := p.compareSplit(ctx, r, got, lower, upper, 2+random.IntN(40)); err != nil {
				return err
			}
		}
	}
	for id, want := range p.keys {
		if key, err := got.Key(ctx, r, id); err != nil || !bytes.Equal(key, want) {
			return fmt.Errorf("id %x is of %x, %w, want %x", id, key, err, want)
		}
		if len(p.keys) > 100 && random.IntN(100) > 0 {
			break
		}
	}
	if _, err := got.Key(ctx, r, [32]byte{1}); !errors.Is(err, models.ErrNotFound) {
		return fmt.Errorf("an id of no row: %w", err)
	}
	return nil
}

// compareSplit divides a range, and compares the sums of its parts.
func (p *plainTopic) compareSplit(
	ctx context.Context, r models.Reader, got models.RawTopic, lower, upper []byte, parts int,
) error {
	inner, err := got.Split(ctx, r, lower, upper, parts)
	if err != nil || len(inner) >= parts {
		return fmt.Errorf("from %x to %x in %d parts: %x, %w", lower, upper, parts, inner, err)
	}
	bounds := append(append([][]byte{lower}, inner...), upper)
	for i := range inner {
		if bytes.Compare(inner[i], bounds[i]) <= 0 || upper != nil && bytes.Compare(inner[i], upper) >= 0 {
			return fmt.Errorf("from %x to %x in %d parts: %x, which are out of order", lower, upper, parts, inner)
		}
	}
	sums, err := got.Sums(ctx, r, bounds)
	if err != nil || len(sums) != len(bounds)-1 {
		return fmt.Errorf("sums of %x: %v, %w", bounds, sums, err)
	}
	for i, sum := range sums {
		want := p.in(bounds[i], bounds[i+1])
		if sum.Count != uint64(len(want)) || sum.Sum != sumOf(want) {
			return fmt.Errorf("from %x to %x of %x: %d, %x; want %d, %x", bounds[i], bounds[i+1], bounds, sum.Count, sum.Sum, len(want), sumOf(want))
		}
	}
	return nil
}

// Topics agree with their rows while thousands of these come and go, so that leaves are divided and joined,
// in transactions of all sizes.
func TestTopics(t *testing.T) {
	board, posts, _ := postBoard()
	onEveryEngine(t, func(t *testing.T, h *harness) {
		random := rand.New(rand.NewPCG(1, 2))
		rows := map[uint64]post{}
		check := func() {
			t.Helper()
			if err := compareTopics(t.Context(), h.Store, posts, rows, random); err != nil {
				t.Fatal(err)
			}
			err := h.View(t.Context(), func(ctx context.Context, tx *datastore.ReadTx) error {
				return compareTopics(ctx, tx, posts, rows, random)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		check()
		for _, size := range []int{1, 3000, 700, 1, 900} {
			var batch []post
			for range size {
				p := postOf(uint64(random.IntN(6000)), random.Uint64())
				batch, rows[p.ID] = append(batch, p), p
			}
			if err := posts.PutMany(t.Context(), h.Store, batch); err != nil {
				t.Fatal(err)
			}
			check()
			h.verify()
			h.restart()
			check()
		}
		for _, most := range []int{1000, 2000, 5900} {
			if _, err := posts.DeleteRange(t.Context(), h.Store, models.Before(uint64(most))); err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(rows, func(id uint64, _ post) bool { return id < uint64(most) })
			check()
			h.restart()
			check()
		}
	}, board)
}
