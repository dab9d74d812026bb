package dstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
)

// testPushdown checks that a query for a part of the data reads only that part. It compares the
// memory that queries take: a query for everything takes at least as much memory as the values
// have bytes. If it takes less, the values lie in memory anyway, and there is nothing to test.
func (want Traits) testPushdown(t *testing.T, d ds.Batching) {
	if want.Scans {
		t.Skip("its queries scan")
	}
	ctx := context.Background()
	const values, size, whole = 256, 32 << 10, 256 * 32 << 10
	source := rand.NewChaCha8([32]byte{})
	value := make([]byte, size)
	for i := range values {
		source.Read(value)
		must(t, d.Put(ctx, ds.NewKey(fmt.Sprintf("/down/%d/%03d", i%16, i)), value))
	}
	all := taken(t, d, dsq.Query{})
	if all < whole {
		t.Skipf("a query for %d bytes takes %d", whole, all)
	}
	up, down := []dsq.Order{dsq.OrderByKey{}}, []dsq.Order{dsq.OrderByKeyDescending{}}
	for _, test := range []struct {
		name string
		q    dsq.Query
		want int
	}{
		{"a prefix", dsq.Query{Prefix: "/down/7"}, 16},
		{"keys only", dsq.Query{KeysOnly: true}, values},
		{"sizes", dsq.Query{KeysOnly: true, ReturnsSizes: true}, values},
		{"a limit", dsq.Query{Limit: 3}, 3},
		{"an offset", dsq.Query{Prefix: "/down", Offset: values - 3}, 3},
		{"an order and a limit", dsq.Query{Prefix: "/down", Orders: up, Limit: 3}, 3},
		{"a descending order and a limit", dsq.Query{Prefix: "/down", Orders: down, Limit: 3}, 3},
		{"an order and an offset", dsq.Query{Prefix: "/down", Orders: up, Offset: values - 3}, 3},
		{"an order of keys", dsq.Query{Prefix: "/down", Orders: up, KeysOnly: true}, values},
	} {
		if n := len(query(t, d, test.q)); n != test.want {
			t.Errorf("%s: %d are found, want %d", test.name, n, test.want)
		}
		// A query for keys alone must not read the values.
		if part := taken(t, d, test.q); part+whole*2/3 > all {
			t.Errorf("%s: the query takes %d KiB, one for everything %d", test.name, part>>10, all>>10)
		}
	}
}

// taken returns how many bytes of memory a query allocates: the least of a few runs, because
// other goroutines may allocate meanwhile.
func taken(t *testing.T, d ds.Read, q dsq.Query) uint64 {
	t.Helper()
	var least uint64
	for i := range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		found, err := d.Query(context.Background(), q)
		must(t, err)
		for {
			r, ok := found.NextSync()
			if !ok {
				break
			}
			must(t, r.Error)
		}
		must(t, found.Close())
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; i == 0 || n < least {
			least = n
		}
	}
	return least
}
