package record_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// Peers of which random halves are cut off from each other, write what they like, and sync within
// their halves, have the same pages once they have met again. NETABASE_PARTITIONS says for how long
// 24 of them do it, "10m" say; otherwise a few do it a few times.
func TestSyncPartitions(t *testing.T) {
	peers, end := 6, time.Time{}
	if text := os.Getenv("NETABASE_PARTITIONS"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		peers, end = 24, time.Now().Add(d)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	all := make([]*node, peers)
	for i := range all {
		all[i] = newReader(t, memory.Engine())
	}
	for _, a := range all {
		for _, b := range all {
			meet(a, b)
		}
	}
	for round := 0; round < 3 || time.Now().Before(end); round++ {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, half := range [][]*node{all[:peers/2], all[peers/2:]} {
			for range 4 * len(half) {
				n := half[r.IntN(len(half))]
				putPages(t, n, uint64(r.IntN(4*round+4)), uint64(r.IntN(300)), uint64(r.IntN(300)))
				if a, b := half[r.IntN(len(half))], half[r.IntN(len(half))]; a != b {
					mustSync(t, a, b, AllPages, record.Direction(1+r.IntN(3)))
				}
			}
		}
		// There and back again, each has what every other has.
		for i := 1; i < len(all); i++ {
			mustSync(t, all[i-1], all[i], AllPages, record.Both)
		}
		for i := len(all) - 1; i > 0; i-- {
			mustSync(t, all[i-1], all[i], AllPages, record.Both)
		}
		want := fmt.Sprint(pagesOf(t, all[0]))
		for i, n := range all[1:] {
			if got := fmt.Sprint(pagesOf(t, n)); got != want {
				t.Fatalf("round %d: peer %d has\n%s\nand the first one has\n%s", round, i+1, got, want)
			}
		}
	}
}

// pagesOf are the pages that a peer has.
func pagesOf(t testing.TB, n *node) map[uint64]Page {
	t.Helper()
	all := map[uint64]Page{}
	for p, err := range Pages.All(t.Context(), n.store) {
		if err != nil {
			t.Fatal(err)
		}
		all[p.ID] = p
	}
	return all
}
