package record_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

func providerTime(t time.Time) []byte { return binary.AppendVarint(nil, t.UnixNano()) }

// samples are keys of each kind with values that kad-dht writes there, and with
// values that it does not.
func samples(t testing.TB) map[ds.Key][]byte {
	return map[ds.Key][]byte{
		dsKey("pk", "/pk/abc"):          kadRecord(t, "/pk/abc", []byte("key"), monday),
		dsKey("pk", "/pk/odd"):          []byte("no record"),
		dsKey("pk", "/pk/empty"):        {},
		dsKey("pk", "/pk/other"):        kadRecord(t, "/pk/abc", []byte("of another key"), monday),
		dsKey("ipns", "/ipns/\x00\xff"): kadRecord(t, "/ipns/\x00\xff", nil, monday),
		// A record namespace that is called "providers", and one called as what
		// stands for it.
		dsKey("OBZG65TJMRSXE4Y", "/providers/x"):       kadRecord(t, "/providers/x", []byte("a"), monday),
		dsKey("OBZG65TJMRSXE4Y", "/OBZG65TJMRSXE4Y/x"): kadRecord(t, "/OBZG65TJMRSXE4Y/x", []byte("b"), monday),
		// A record namespace that is called as one of the trees of records.
		dsKey("libp2p.value", "/libp2p.value/x"): kadRecord(t, "/libp2p.value/x", []byte("c"), monday),

		providerKey("key1", "peer1"): providerTime(monday),
		providerKey("key1", "peer2"): providerTime(monday.Add(time.Hour)),
		providerKey("key2", "peer1"): providerTime(time.Unix(0, 0)),
		providerKey("key2", "peer2"): []byte("no time"),
		providerKey("key2", "peer3"): {},
		providerKey("key2", "peer4"): {0x82, 0x00}, // a longer spelling of 1
		providerKey("\x00", "\x00"):  providerTime(monday),

		ds.NewKey("/providers/somecid/someprovider"): []byte("other data"),
		ds.NewKey("/providers/AA"):                   []byte("other data"),
		ds.NewKey("/pk/lower"):                       []byte("other data"),
		ds.NewKey("/peers/addrs/QUJD"):               []byte("other data"),
		ds.NewKey("/x"):                              {},
	}
}

// Everything that is not a model's reads just as it was put, whatever it is.
func TestKeptByteForByte(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		records, _ := openRecords(t, eng, record.Options{})
		want := samples(t)
		for key, value := range want {
			given := bytes.Clone(value)
			mustPut(t, records, key, given)
			for i := range given {
				given[i] ^= 0xFF // it is not kept
			}
		}
		for key, value := range want {
			got, err := records.Get(ctx, key)
			if err != nil || !bytes.Equal(got, value) {
				t.Errorf("Get(%s) = %q, %v; want %q", key, got, err, value)
			}
			if size, err := records.GetSize(ctx, key); err != nil || size != len(value) {
				t.Errorf("GetSize(%s) = %d, %v; want %d", key, size, err, len(value))
			}
			if has, err := records.Has(ctx, key); err != nil || !has {
				t.Errorf("Has(%s) = %v, %v", key, has, err)
			}
		}
		checkQuery(t, records, "", want)
		for key := range want {
			if err := records.Delete(ctx, key); err != nil {
				t.Errorf("Delete(%s): %v", key, err)
			}
			if value := mustGet(t, records, key); value != nil {
				t.Errorf("%s is there after Delete", key)
			}
			if err := records.Delete(ctx, key); err != nil {
				t.Errorf("Delete(%s) again: %v", key, err)
			}
		}
		checkQuery(t, records, "", nil)
	})
}

// checkQuery checks that a query returns just the keys of want below prefix.
func checkQuery(t *testing.T, d ds.Datastore, prefix string, want map[ds.Key][]byte) {
	t.Helper()
	below := ds.NewKey(prefix)
	expected := map[string][]byte{}
	for key, value := range want {
		if below.IsAncestorOf(key) {
			expected[key.String()] = value
		}
	}
	for _, q := range []dsq.Query{
		{Prefix: prefix},
		{Prefix: prefix, KeysOnly: true},
		{Prefix: prefix, KeysOnly: true, ReturnsSizes: true},
		{Prefix: prefix, KeysOnly: true, Filters: []dsq.Filter{dsq.FilterValueCompare{Op: dsq.NotEqual, Value: []byte("nothing has this")}}},
		{Prefix: prefix, Orders: []dsq.Order{dsq.OrderByKey{}}},
	} {
		got := list(t, d, q)
		if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(expected))) {
			t.Errorf("query %s returns\n%q, want\n%q", q, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(expected)))
			continue
		}
		for key, e := range got {
			if q.KeysOnly && e.Value != nil || !q.KeysOnly && !bytes.Equal(e.Value, expected[key]) {
				t.Errorf("query %s has the value %q under %s, want %q", q, e.Value, key, expected[key])
			}
			if (!q.KeysOnly || q.ReturnsSizes) && e.Size != len(expected[key]) {
				t.Errorf("query %s has the size %d for %s, want %d", q, e.Size, key, len(expected[key]))
			}
		}
	}
}

// A query by any prefix is what the definition of prefixes makes of everything.
func TestQueryPrefixes(t *testing.T) {
	ctx := context.Background()
	records, store := openRecords(t, memory.Engine(), record.Options{})
	all := samples(t)
	for id := range uint64(40) {
		key, value := userRecord(t, User{ID: id, Username: fmt.Sprint("user", id)})
		all[key] = value
	}
	noteKey := record.Key(Notes, "a title/with a slash")
	all[dsKey("blog.note", noteKey)] = kadRecord(t, noteKey, encode(t, &Note{Title: "a title/with a slash"}), monday)
	for key, value := range all {
		mustPut(t, records, key, value)
	}
	// Rows that are not in the DHT are in no query.
	if err := Users.Put(ctx, store, &User{ID: 1000, Username: "local"}); err != nil {
		t.Fatal(err)
	}

	prefixes := []string{
		"", "/", "/pk", "pk/", "/ipns", "/providers", "/providers/", "/OBZG65TJMRSXE4Y", "/libp2p.value", "/libp2p.provider",
		"/blog.user", "/blog.note", "/blog.user/primary", "/blog", "/nothing", "/peers", "/./providers", "/x", "/providers/nothing",
	}
	for key := range all {
		prefixes = append(prefixes, key.String(), key.Parent().String())
	}
	for _, prefix := range prefixes {
		checkQuery(t, records, prefix, all)
	}
}

func TestQueryOffsetLimitOrder(t *testing.T) {
	records, _ := openRecords(t, memory.Engine(), record.Options{})
	var want []dsq.Entry
	for i := range 100 {
		key := providerKey("key", fmt.Sprintf("peer%03d", i*7%100))
		if i%2 == 1 {
			key = ds.NewKey(fmt.Sprint("/providers/", i))
		}
		value := providerTime(monday.Add(time.Duration(i*31%100) * time.Second))
		mustPut(t, records, key, value)
		want = append(want, dsq.Entry{Key: key.String(), Value: value, Size: len(value)})
	}
	for _, q := range []dsq.Query{
		{Offset: 10, Limit: 20},
		{Offset: 95, Limit: 20},
		{Limit: 7, Filters: []dsq.Filter{dsq.FilterKeyPrefix{Prefix: "/providers/NNSX"}}},
		{Orders: []dsq.Order{dsq.OrderByKeyDescending{}}, Offset: 3, Limit: 60},
		{Orders: []dsq.Order{dsq.OrderByValue{}}, Offset: 3},
		{Orders: []dsq.Order{dsq.OrderByValueDescending{}}, KeysOnly: true, Limit: 5},
	} {
		q.Prefix = "/providers"
		found, err := records.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		got, err := found.Rest()
		if err != nil {
			t.Fatal(err)
		}
		expected, err := dsq.NaiveQueryApply(q, dsq.ResultsWithEntries(q, want)).Rest()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(expected) {
			t.Errorf("query %s returns %d entries, want %d", q, len(got), len(expected))
			continue
		}
		for i := range got {
			if len(q.Orders) > 0 && got[i].Key != expected[i].Key {
				t.Errorf("query %s has %s at %d, want %s", q, got[i].Key, i, expected[i].Key)
			}
		}
	}
}

// While a query is open its caller writes and deletes, and closes it early.
func TestQueryWhileWriting(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		records, _ := openRecords(t, eng, record.Options{})
		const n = 700 // more than a page
		batch, err := records.Batch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if err := batch.Put(ctx, providerKey("key", fmt.Sprintf("peer%d", i)), providerTime(monday)); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		found, err := records.Query(ctx, dsq.Query{Prefix: "/providers"})
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for e := range found.Next() {
			if e.Error != nil {
				t.Fatal(e.Error)
			}
			if err := records.Delete(ctx, ds.RawKey(e.Key)); err != nil {
				t.Fatal(err)
			}
			if seen++; seen == 600 {
				break
			}
		}
		if err := found.Close(); err != nil {
			t.Fatal(err)
		}
		if left := len(list(t, records, dsq.Query{Prefix: "/providers", KeysOnly: true})); left != n-600 {
			t.Errorf("%d are left, want %d", left, n-600)
		}
	})
}

func TestQueryHonoursContextAndClose(t *testing.T) {
	records, _ := openRecords(t, memory.Engine(), record.Options{})
	for i := range 2000 {
		mustPut(t, records, providerKey("key", fmt.Sprintf("peer%d", i)), providerTime(monday))
	}
	ctx, cancel := context.WithCancel(t.Context())
	found, err := records.Query(ctx, dsq.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := found.NextSync(); !ok || e.Error != nil {
		t.Fatalf("first result: %v, %v", e.Error, ok)
	}
	cancel()
	if _, err := found.Rest(); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel the query ends with %v", err)
	}
	if _, err := records.Query(ctx, dsq.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Query with a context that has ended: %v", err)
	}

	found, err = records.Query(t.Context(), dsq.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if err := records.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := found.Rest(); !errors.Is(err, models.ErrClosed) {
		t.Errorf("a query that was open at Close ends with %v", err)
	}
}

// The trees can be queried by what kad-dht cannot.
func TestTypedViews(t *testing.T) {
	ctx := context.Background()
	records, store := openRecords(t, memory.Engine(), record.Options{})
	for key, value := range samples(t) {
		mustPut(t, records, key, value)
	}
	var got []string
	for v, err := range record.Values.Range(ctx, store, models.StartingWith([]byte("/pk/"))) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %v", v.Key, v.Data, v.Received.Equal(monday)))
	}
	if want := []string{"/pk/abc key true", "/pk/empty  false", "/pk/odd  false", "/pk/other of another key true"}; !slices.Equal(got, want) {
		t.Errorf("values of pk: %q, want %q", got, want)
	}
	if n, err := record.ValueByReceived.Count(ctx, store, models.Before(monday)); err != nil || n != 2 {
		t.Errorf("%d values have no time, %v; want 2", n, err)
	}

	got = nil
	for p, err := range records.ProvidedBy(ctx, "peer1") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %v", p.Key, p.Received.UTC()))
	}
	slices.Sort(got)
	if want := []string{fmt.Sprint("key1 ", monday), "key2 1970-01-01 00:00:00 +0000 UTC"}; !slices.Equal(got, want) {
		t.Errorf("provided by peer1: %q, want %q", got, want)
	}
	if n := len(texts(t, records.ProvidersReceived(ctx, monday, time.Time{}), func(p record.Provider) string { return string(p.Key) })); n != 3 {
		t.Errorf("%d providers since monday, want 3", n)
	}
	if n, err := records.CountProvidersOf(ctx, []byte("key2")); err != nil || n != 4 {
		t.Errorf("%d providers of key2, %v; want 4", n, err)
	}
}

func TestBatch(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		records, _ := openRecords(t, eng, record.Options{})
		batch, err := records.Batch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		want := samples(t)
		userKey, user := userRecord(t, User{ID: 1, Version: 3})
		want[userKey] = user
		for key, value := range want {
			given := bytes.Clone(value)
			if err := batch.Put(ctx, key, []byte("overwritten below")); err != nil && key != userKey {
				t.Fatal(err)
			}
			if err := batch.Put(ctx, key, given); err != nil {
				t.Fatal(err)
			}
			clear(given)
		}
		gone := providerKey("gone", "peer")
		if err := errors.Join(batch.Put(ctx, gone, nil), batch.Delete(ctx, gone), batch.Delete(ctx, ds.NewKey("/blog.user/no-record"))); err != nil {
			t.Fatal(err)
		}
		checkQuery(t, records, "", nil) // nothing yet
		if err := batch.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		checkQuery(t, records, "", want)

		// A record that has become old is left out, the others are not.
		_, older := userRecord(t, User{ID: 1, Version: 2})
		otherKey, other := userRecord(t, User{ID: 2, Username: "two"})
		for key, value := range map[ds.Key][]byte{userKey: older, otherKey: other, gone: {1}} {
			if err := batch.Put(ctx, key, value); err != nil {
				t.Fatal(err)
			}
		}
		err = batch.Commit(ctx)
		if !errors.Is(err, record.ErrOldRecord) || !strings.Contains(err.Error(), "blog.user 1") {
			t.Errorf("committing an older record: %v", err)
		}
		want[otherKey], want[gone] = other, []byte{1}
		checkQuery(t, records, "", want)
		if err := batch.Commit(ctx); err != nil {
			t.Errorf("committing what is left, which is nothing: %v", err)
		}
	})
}

// smallTxns is an engine whose transactions take few writes.
type smallTxns struct{ engine.Engine }

type smallDB struct{ engine.DB }

type smallTxn struct {
	engine.WriteTxn
	puts int
}

const smallTxnPuts = 40

func (e smallTxns) Open(ctx context.Context) (engine.DB, error) {
	db, err := e.Engine.Open(ctx)
	return smallDB{db}, err
}

func (db smallDB) Update(ctx context.Context) (engine.WriteTxn, error) {
	txn, err := db.DB.Update(ctx)
	return &smallTxn{WriteTxn: txn}, err
}

func (t *smallTxn) Put(key, value []byte) error {
	if t.puts++; t.puts > smallTxnPuts {
		return &engine.TooLargeError{What: "transaction", Size: int64(t.puts), Limit: smallTxnPuts, Unit: "ops"}
	}
	return t.WriteTxn.Put(key, value)
}

// A batch that one transaction cannot take is split.
func TestBatchIsSplit(t *testing.T) {
	ctx := context.Background()
	records, _ := openRecords(t, smallTxns{memory.Engine()}, record.Options{})
	batch, err := records.Batch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := map[ds.Key][]byte{}
	for i := range 333 {
		want[providerKey("key", fmt.Sprint("peer", i))] = providerTime(monday)
	}
	for key, value := range want {
		if err := batch.Put(ctx, key, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	checkQuery(t, records, "/providers", want)
}

func TestBounds(t *testing.T) {
	ctx := context.Background()
	records, _ := openRecords(t, memory.Engine(), record.Options{MaxValueBytes: 100})
	long := bytes.Repeat([]byte{'x'}, 101)
	userKey, user := userRecord(t, User{ID: 1, Email: string(long)})
	for key, value := range map[ds.Key][]byte{
		dsKey("pk", "/pk/a"): long, providerKey("key", "peer"): long, userKey: user,
	} {
		err := records.Put(ctx, key, value)
		if size := new(engine.TooLargeError); !errors.As(err, &size) || size.Limit != 100 {
			t.Errorf("Put(%s) of %d bytes: %v", key, len(value), err)
		}
		if mustGet(t, records, key) != nil {
			t.Errorf("%s is there", key)
		}
	}
	mustPut(t, records, dsKey("pk", "/pk/a"), long[:100])
	mustPut(t, records, ds.NewKey("/other/data"), long)

	endless := strings.Repeat("x", record.MaxKeyBytes)
	noteKey := "/blog.note/" + endless + "x"
	for _, key := range []ds.Key{dsKey("pk", "/pk/"+endless), providerKey(endless, "peer"), dsKey("blog.note", noteKey)} {
		if err := records.Put(ctx, key, nil); !errors.Is(err, models.ErrKeySize) {
			t.Errorf("Put of a key with %d bytes: %v", len(key.String()), err)
		} else if len(err.Error()) > 500 {
			t.Errorf("the error repeats %d bytes", len(err.Error()))
		}
		if value := mustGet(t, records, key); value != nil {
			t.Error("it is there")
		}
		if err := records.Delete(ctx, key); err != nil {
			t.Errorf("deleting what cannot be there: %v", err)
		}
	}
	if err := records.Validator().Validate(noteKey, nil); !errors.Is(err, models.ErrKeySize) {
		t.Errorf("Validate of a key with %d bytes: %v", len(noteKey), err)
	}
}

func TestClosed(t *testing.T) {
	ctx := context.Background()
	records, store := openRecords(t, memory.Engine(), record.Options{})
	batch, err := records.Batch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	userKey, user := userRecord(t, User{ID: 1})
	keys := []ds.Key{userKey, dsKey("pk", "/pk/a"), providerKey("key", "peer"), ds.NewKey("/other"), ds.NewKey("/blog.user/no-record")}
	if err := records.Close(); err != nil {
		t.Fatal(err)
	}
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, models.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, key := range keys {
		_, err := records.Get(ctx, key)
		check("Get", err)
		_, err = records.Has(ctx, key)
		check("Has", err)
		_, err = records.GetSize(ctx, key)
		check("GetSize", err)
		check("Put", records.Put(ctx, key, user))
		check("Delete", records.Delete(ctx, key))
		check("batch Put", batch.Put(ctx, key, user))
		check("batch Delete", batch.Delete(ctx, key))
	}
	check("Commit", batch.Commit(ctx))
	check("Sync", records.Sync(ctx, ds.NewKey("/")))
	_, err = records.Query(ctx, dsq.Query{})
	check("Query", err)
	_, err = records.Batch(ctx)
	check("Batch", err)
	if err := records.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if _, err := Users.Get(ctx, store, 1); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("the store is not open: %v", err)
	}
}

// Every call also returns models.ErrClosed once the store is closed.
func TestStoreClosed(t *testing.T) {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), record.Definition, Blog)
	if err != nil {
		t.Fatal(err)
	}
	records, err := record.New(context.Background(), store, record.Options{Models: []*models.Definition{Blog}})
	if err != nil {
		t.Fatal(err)
	}
	userKey, user := userRecord(t, User{ID: 1})
	mustPut(t, records, userKey, user)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []ds.Key{userKey, dsKey("pk", "/pk/a"), providerKey("key", "peer"), ds.NewKey("/other"), ds.NewKey("/blog.user/no-record")} {
		if _, err := records.Get(ctx, key); !errors.Is(err, models.ErrClosed) {
			t.Errorf("Get(%s): %v", key, err)
		}
		if err := records.Delete(ctx, key); !errors.Is(err, models.ErrClosed) {
			t.Errorf("Delete(%s): %v", key, err)
		}
	}
	if err := records.Close(); err != nil {
		t.Errorf("closing records after the store: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	ctx := context.Background()
	bare, err := datastore.Open(ctx, memory.Engine(), record.Definition)
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	foreign, err := datastore.Open(ctx, memory.Engine(), Blog)
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	blog := []*models.Definition{Blog}
	for name, test := range map[string]struct {
		store *datastore.Store
		opts  record.Options
		want  error
	}{
		"a definition the store does not have": {bare, record.Options{Models: blog}, models.ErrUnknownTree},
		"a store without the trees of records": {foreign, record.Options{Models: blog}, models.ErrUnknownTree},
		"a definition twice":                   {bare, record.Options{Models: []*models.Definition{Blog, Blog}}, models.ErrDefinition},
		"no definition":                        {bare, record.Options{Models: []*models.Definition{nil}}, models.ErrDefinition},
		"records' own trees":                   {bare, record.Options{Models: []*models.Definition{record.Definition}}, models.ErrDefinition},
		"a negative size":                      {bare, record.Options{MaxValueBytes: -1}, nil},
	} {
		records, err := record.New(context.Background(), test.store, test.opts)
		if err == nil || records != nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
