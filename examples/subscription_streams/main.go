// Subscription_streams runs several watches side by side: a live query that always has the whole list,
// a watch that counts, and one that is too slow.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type Score struct {
	Player string
	Points int64
}

var (
	Scores        = models.NewTree("score", models.String, func(s *Score) string { return s.Player })
	ScoreByPoints = models.NewIndex(Scores, "points", models.Int64, func(s *Score) int64 { return s.Points })

	Game = models.NewDefinition("game", Scores)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	store, err := datastore.Open(ctx, memory.Engine(), Game)
	if err != nil {
		return err
	}
	defer store.Close()

	const rounds = 5
	counted, err := Scores.Watch(ctx, store, models.Range[string]{}, models.WatchOptions{})
	if err != nil {
		return err
	}
	slow, err := Scores.Watch(ctx, store, models.Range[string]{}, models.WatchOptions{Buffer: 2})
	if err != nil {
		return err
	}
	var streams sync.WaitGroup
	var best string
	var changes int
	var failed, liveFailed error
	streams.Go(func() { best, liveFailed = follow(ctx, store, 10*rounds) })
	streams.Go(func() { changes, failed = count(counted, 3*rounds) })
	for i := range int64(rounds) {
		scores := []Score{{"ada", 10 * (i + 1)}, {"bob", 7 * (i + 1)}, {"eve", 9 * (i + 1)}}
		if err := Scores.PutMany(ctx, store, scores); err != nil {
			return err
		}
	}
	streams.Wait()
	if err := errors.Join(failed, liveFailed); err != nil {
		return err
	}
	fmt.Println("the best is", best)
	fmt.Println("changes:", changes)

	// Nobody has read from this one. It has what fits, and then says so. A tree with a feed would
	// have let it read on.
	n := 0
	for _, err := range slow {
		if errors.Is(err, models.ErrLagging) {
			fmt.Println("the slow loop got", n, "changes:", err)
		}
		n++
	}
	return nil
}

// follow shows who leads until somebody has the points. Each version is the whole list, by points.
func follow(ctx context.Context, store *datastore.Store, points int64) (best string, err error) {
	for version, err := range ScoreByPoints.Live(ctx, store, models.Range[int64]{}) {
		if err != nil {
			return "", err
		}
		if version.Len() == 0 {
			continue
		}
		if first := version.At(version.Len() - 1); first.Points >= points {
			return first.Player, nil
		}
	}
	return "", nil
}

// count counts changes up to a number.
func count(all func(func(models.Change[Score, string], error) bool), most int) (n int, err error) {
	for _, err := range all {
		if err != nil {
			return n, err
		}
		if n++; n == most {
			break
		}
	}
	return n, nil
}
