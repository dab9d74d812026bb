package record

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	dsq "github.com/ipfs/go-datastore/query"
)

// Results that have been read hand out what go-datastore's own do, whatever is
// called and in what order.
func TestResults(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var entries []dsq.Entry
		for i := range random.IntN(6) {
			entries = append(entries, dsq.Entry{Key: fmt.Sprint("/", i), Value: []byte{byte(i)}, Size: 1})
		}
		q := dsq.Query{Prefix: "/some"}
		ours, theirs := dsq.Results(&found{query: q, entries: entries}), dsq.ResultsWithEntries(q, entries)
		calls := ""
		for range 6 {
			var got, want []any
			call := random.IntN(4)
			for results, seen := range map[dsq.Results]*[]any{ours: &got, theirs: &want} {
				switch call {
				case 0, 1:
					result, ok := results.NextSync()
					*seen = []any{result, ok}
				case 2:
					result, ok := <-results.Next()
					*seen = []any{result, ok}
				case 3:
					rest, err := results.Rest()
					*seen = []any{len(rest), err}
					for _, entry := range rest {
						*seen = append(*seen, entry)
					}
				}
			}
			calls += [...]string{"NextSync ", "NextSync ", "Next ", "Rest "}[call]
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("of %d entries, after %s: %v, want %v", len(entries), calls, got, want)
			}
		}
		if !reflect.DeepEqual(ours.Query(), q) {
			t.Errorf("the query is %v", ours.Query())
		}
		<-ours.Done()
		if err := ours.Close(); err != nil {
			t.Error(err)
		}
		_ = theirs.Close()
	}
}
