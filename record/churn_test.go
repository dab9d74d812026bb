package record_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
)

// churnRecords is how many provider records TestDiskComesBack has in a round, and
// a tenth as many values.
func churnRecords(t *testing.T) int {
	text := os.Getenv("NETABASE_CHURN_RECORDS")
	if text == "" {
		return 5_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// churnRounds is how often TestDiskComesBack fills a store: half of it is more than a
// memtable of Badger.
const churnRounds = 14

// TestDiskComesBack checks that records that expire give their space back, however
// often the store is filled again.
func TestDiskComesBack(t *testing.T) {
	if testing.Short() {
		t.Skip("it fills a store several times")
	}
	n := churnRecords(t)
	for _, name := range []string{"badger", "bolt"} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			r, _ := openRecords(t, engines[name](t.TempDir()), aDay)
			usage := func() uint64 {
				t.Helper()
				used, err := r.DiskUsage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				return used
			}
			var full, empty []uint64
			for round := range churnRounds {
				at := longAgo()
				for i := 0; i < n; {
					batch, err := r.Batch(ctx)
					if err != nil {
						t.Fatal(err)
					}
					for range 256 {
						key := fmt.Sprintf("round %d key %d of 34 bytes........", round, i/5)
						if err := batch.Put(ctx, providerKey(key, fmt.Sprintf("a peer id of some length %10d", i)), providerTime(at)); err != nil {
							t.Fatal(err)
						}
						if i%10 == 0 {
							pk := fmt.Sprint("/pk/", round, "/", i)
							if err := batch.Put(ctx, dsKey("pk", pk), kadRecord(t, pk, make([]byte, 1<<10), at)); err != nil {
								t.Fatal(err)
							}
						}
						i++
					}
					if err := batch.Commit(ctx); err != nil {
						t.Fatal(err)
					}
				}
				full = append(full, usage())
				if err := r.CollectGarbage(ctx); err != nil {
					t.Fatal(err)
				}
				if r.ProviderUsage().Rows != 0 || r.RecordUsage().Rows != 0 {
					t.Fatalf("left are %+v and %+v", r.ProviderUsage(), r.RecordUsage())
				}
				empty = append(empty, usage())
			}
			t.Logf("%d records: bytes on disk when full %d, after garbage collection %d", n, full, empty)
			// Engines clean up in steps, Badger with every memtable, so that
			// rounds differ.
			for what, used := range map[string][]uint64{"full": full, "empty": empty} {
				if late, early := slices.Max(used[churnRounds/2:]), slices.Max(used[:churnRounds/2]); late > early*3/2 {
					t.Errorf("%s, the store takes up to %d bytes in the later rounds, %d in the earlier", what, late, early)
				}
			}
		})
	}
}
