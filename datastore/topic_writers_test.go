package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Writers that are many at once leave topics that agree with the rows, and who reads meanwhile sees a topic
// that agrees with the rows of the same snapshot.
func TestTopicsWithManyWriters(t *testing.T) {
	board, posts, _ := postBoard()
	const writers, own, rounds = 3, 200, 25
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx, done := context.WithCancel(t.Context())
		var writing, reading sync.WaitGroup
		fail := make(chan error, writers+1)
		for w := range uint64(writers) {
			writing.Go(func() {
				random := rand.New(rand.NewPCG(w, 1))
				for n := range uint64(rounds) {
					err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
						for range 1 + random.IntN(40) {
							p := postOf(w*own+random.Uint64N(own), n*writers+w)
							if random.IntN(4) == 0 {
								if err := posts.Delete(ctx, tx, p.ID); err != nil {
									return err
								}
							} else if err := posts.Put(ctx, tx, &p); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						fail <- err
						return
					}
				}
			})
		}
		reading.Go(func() {
			random := rand.New(rand.NewPCG(9, 9))
			for n := 0; n < 5 && ctx.Err() == nil; n++ {
				err := h.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
					return compareTopics(ctx, tx, posts, postsIn(ctx, t, tx, posts), random)
				})
				if err == nil {
					err = compareWhole(ctx, h.Store, posts)
				}
				if err != nil && ctx.Err() == nil {
					fail <- fmt.Errorf("meanwhile: %w", err)
					return
				}
			}
		})
		writing.Wait()
		done()
		reading.Wait()
		close(fail)
		for err := range fail {
			t.Error(err)
		}
		for range 2 {
			rows := postsIn(t.Context(), t, h.Store, posts)
			if err := compareTopics(t.Context(), h.Store, posts, rows, rand.New(rand.NewPCG(1, 1))); err != nil {
				t.Error(err)
			}
			h.restart()
		}
	}, board)
}

// postsIn returns all posts.
func postsIn(ctx context.Context, t *testing.T, r models.Reader, posts *models.Tree[post, uint64]) map[uint64]post {
	t.Helper()
	rows := map[uint64]post{}
	for p, err := range posts.All(ctx, r) {
		if err != nil {
			if ctx.Err() == nil {
				t.Error(err)
			}
			break
		}
		rows[p.ID] = p
	}
	return rows
}

// compareWhole compares the sum of a whole topic with those of its parts, which one call returns.
func compareWhole(ctx context.Context, store *datastore.Store, posts *models.Tree[post, uint64]) error {
	of, _ := posts.Raw().Topic("all")
	sums, err := of.Sums(ctx, store, [][]byte{nil, {0x20}, {0x40, 0x01}, {0x80}, {0xf0, 7, 7}, nil})
	if err != nil {
		return err
	}
	var count uint64
	for _, sum := range sums {
		count += sum.Count
	}
	if count > 3*200 {
		return errors.New("there are more ids than there can be rows")
	}
	return nil
}
