package dstest

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
)

// testQueries compares queries of every kind with a map. Go-datastore's own queries take an
// offset or limit below zero for none, and so does the test. Queries for keys alone have no
// filters and orders by value, because go-datastore does not define them.
func testQueries(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	random := rand.New(rand.NewPCG(1, 1))
	rows := map[string]string{}
	for range 250 {
		key := ""
		for range 1 + random.IntN(3) {
			key += "/" + string("abc"[random.IntN(3)]) + strings.Repeat("x", random.IntN(2)) +
				fmt.Sprint(random.IntN(4))
		}
		rows[key] = strings.Repeat(string("pqr"[random.IntN(3)]), random.IntN(20))
		must(t, d.Put(ctx, ds.RawKey(key), []byte(rows[key])))
	}
	var keys []string
	for key := range rows {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	orders := [][]dsq.Order{
		{dsq.OrderByKey{}},
		{dsq.OrderByKeyDescending{}},
		{dsq.OrderByValue{}, dsq.OrderByKey{}},
		{dsq.OrderByValueDescending{}, dsq.OrderByKeyDescending{}},
		nil,
	}
	for range 300 {
		key := keys[random.IntN(len(keys))]
		q := dsq.Query{
			Prefix:       []string{"", "/", key, key[:1+random.IntN(len(key))], "/a0", "/cx3/"}[random.IntN(6)],
			Orders:       orders[random.IntN(len(orders))],
			KeysOnly:     random.IntN(2) == 0,
			ReturnsSizes: random.IntN(2) == 0,
			Offset:       []int{0, 0, 1, 7, 1000, -1}[random.IntN(6)],
			Limit:        []int{0, 0, 1, 5, 1000, -1}[random.IntN(6)],
		}
		if q.KeysOnly && random.IntN(2) == 0 {
			q.Orders = orders[random.IntN(2)] // these orders use no value
		} else if q.KeysOnly {
			q.Orders = nil
		} else if random.IntN(3) == 0 {
			q.Filters = []dsq.Filter{dsq.FilterValueCompare{Op: dsq.GreaterThan, Value: []byte("pz")}}
		}
		if random.IntN(3) == 0 {
			q.Filters = append(q.Filters, dsq.FilterKeyCompare{Op: dsq.LessThan, Key: key})
		}
		compareQuery(t, d, q, rows)
	}
}

// answer returns the entries of rows that a query should find, before offset and limit. The
// sequence of the entries is defined only if the query has an order.
func answer(q dsq.Query, rows map[string]string) []dsq.Entry {
	prefix := ds.NewKey(q.Prefix).String()
	if prefix != "/" {
		prefix += "/"
	}
	var found []dsq.Entry
	for key, value := range rows {
		e := dsq.Entry{Key: key, Value: []byte(value), Size: len(value)}
		if !strings.HasPrefix(key, prefix) ||
			slices.ContainsFunc(q.Filters, func(f dsq.Filter) bool { return !f.Filter(e) }) {
			continue
		}
		found = append(found, e)
	}
	slices.SortFunc(found, func(a, b dsq.Entry) int {
		for _, order := range q.Orders {
			if c := order.Compare(a, b); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.Key, b.Key)
	})
	return found
}

func compareQuery(t *testing.T, d ds.Read, q dsq.Query, rows map[string]string) {
	t.Helper()
	all := answer(q, rows)
	want := all[min(max(q.Offset, 0), len(all)):] // an offset or limit below zero means none
	if q.Limit > 0 {
		want = want[:min(q.Limit, len(want))]
	}
	got := query(t, d, q)
	if len(got) != len(want) {
		t.Errorf("%v: %d entries, want %d", q, len(got), len(want))
		return
	}
	seen := map[string]bool{}
	for i, e := range got {
		value, ok := rows[e.Key]
		switch {
		case !ok || !slices.ContainsFunc(all, func(a dsq.Entry) bool { return a.Key == e.Key }):
			t.Errorf("%v finds %s", q, e.Key)
		case seen[e.Key]:
			t.Errorf("%v finds %s twice", q, e.Key)
		case q.Orders != nil && e.Key != want[i].Key:
			t.Errorf("%v: entry %d is %s, want %s", q, i, e.Key, want[i].Key)
		case !q.KeysOnly && string(e.Value) != value:
			t.Errorf("%v: %s has %q, want %q", q, e.Key, e.Value, value)
		case q.KeysOnly && len(e.Value) > 0:
			t.Errorf("%v: %s comes with a value", q, e.Key)
		case q.ReturnsSizes && e.Size != len(value):
			t.Errorf("%v: %s has size %d, want %d", q, e.Key, e.Size, len(value))
		}
		seen[e.Key] = true
	}
}

// testWritesDuringQuery checks writes while a query is read: the reader deletes keys that it
// has passed, and puts new ones. The query returns every other key exactly once.
func testWritesDuringQuery(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	const n = 400
	key := func(i int) ds.Key { return ds.NewKey(fmt.Sprintf("/during/%03d", i)) }
	for i := range n {
		must(t, d.Put(ctx, key(i), []byte{byte(i)}))
	}
	found, err := d.Query(ctx, dsq.Query{Prefix: "/during"})
	must(t, err)
	seen := map[string]int{}
	for {
		r, ok := found.NextSync()
		if !ok {
			break
		}
		must(t, r.Error)
		if seen[r.Key]++; seen[r.Key] > 1 {
			t.Errorf("%s is found twice", r.Key)
		}
		must(t, d.Put(ctx, ds.NewKey("/elsewhere").ChildString(r.Key), r.Value), d.Delete(ctx, ds.RawKey(r.Key)))
	}
	must(t, found.Close())
	if len(seen) != n {
		t.Errorf("%d of %d were found", len(seen), n)
	}
	expectKeys(t, d, dsq.Query{Prefix: "/during"})
	if got := len(query(t, d, dsq.Query{Prefix: "/elsewhere"})); got != n {
		t.Errorf("%d of %d are elsewhere", got, n)
	}
}

// testQueriesLeftEarly checks that results closed before their end block nothing, and that they
// may be closed more than once.
func testQueriesLeftEarly(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	for i := range 300 {
		must(t, d.Put(ctx, ds.NewKey(fmt.Sprint("/early/", i)), []byte("x")))
	}
	for i := range 50 {
		found, err := d.Query(ctx, dsq.Query{})
		must(t, err)
		for range i % 3 {
			if r, ok := found.NextSync(); !ok || r.Error != nil {
				t.Fatalf("%v, %v", r.Error, ok)
			}
		}
		must(t, found.Close(), found.Close())
		must(t, d.Put(ctx, ds.NewKey("/early/more"), []byte{byte(i)}))
	}
}
