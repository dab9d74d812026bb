package record_test

import (
	"context"
	"errors"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/multiformats/go-base32"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// User is the model of most tests. Version is its clock.
type User struct {
	ID       uint64
	Username string
	Email    string
	Version  uint64
}

// Note has no clock: of two with one title the one with larger bytes is better.
type Note struct {
	Title string
	Text  string
}

var (
	Users = models.NewTree("user", models.Uint64, func(u *User) uint64 { return u.ID },
		models.WithClock(func(u *User) uint64 { return u.Version }), models.WithPolicy[User](models.Open))
	UserByEmail    = models.NewIndex(Users, "email", models.String, func(u *User) string { return u.Email })
	UserByUsername = models.NewUnique(Users, "username", models.String, func(u *User) string { return u.Username })
	Notes          = models.NewTree("note", models.String, func(n *Note) string { return n.Title }, models.WithPolicy[Note](models.Open))

	Blog = models.NewDefinition("blog", Users, Notes)
)

// engines are those that Records are tested on, by name.
var engines = map[string]func(dir string) engine.Engine{
	"memory": func(string) engine.Engine { return memory.Engine() },
	"badger": func(dir string) engine.Engine {
		return badger.Options{Config: engine.Config{Path: dir, NoFsync: true}, MemTableMB: 4}.Engine()
	},
	"bolt": func(dir string) engine.Engine {
		return bolt.Options{Config: engine.Config{Path: dir, NoFsync: true}}.Engine()
	},
}

func onEveryEngine(t *testing.T, test func(t *testing.T, eng engine.Engine)) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) { test(t, open(t.TempDir())) })
	}
}

// openRecords opens a store with records. At the end of the test it closes
// both, and verifies the store before that.
func openRecords(t testing.TB, eng engine.Engine, opts record.Options) (*record.Records, *datastore.Store) {
	t.Helper()
	if opts.Models == nil {
		opts.Models = []*models.Definition{Blog}
	}
	store, err := datastore.Open(context.Background(), eng, record.Definition, datastore.OpenOptions{Definitions: opts.Models})
	if err != nil {
		t.Fatal(err)
	}
	if opts.MaxRecordAge == 0 { // monday goes by
		opts.MaxRecordAge, opts.ProviderValidity = -1, -1
	}
	records, err := record.New(context.Background(), store, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := records.Check(context.Background()); err != nil && !errors.Is(err, models.ErrClosed) {
			t.Errorf("checking the records: %v", err)
		}
		if err := records.Close(); err != nil {
			t.Errorf("closing records: %v", err)
		}
		verify(t, store)
		if err := store.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return records, store
}

func verify(t testing.TB, store *datastore.Store) {
	t.Helper()
	report, err := datastore.Verify(context.Background(), store)
	if err != nil || !report.Clean() {
		t.Errorf("the store is not whole: %+v, %v", report, err)
	}
}

// dsKey is the datastore key that kad-dht has for a record key.
func dsKey(namespace, recordKey string) ds.Key {
	return ds.NewKey("/" + namespace + "/" + base32.RawStdEncoding.EncodeToString([]byte(recordKey)))
}

// providerKey is the datastore key that kad-dht has for a provider record.
func providerKey(key, peer string) ds.Key {
	b32 := base32.RawStdEncoding.EncodeToString
	return ds.NewKey("/providers/" + b32([]byte(key)) + "/" + b32([]byte(peer)))
}

// kadRecord is a record as kad-dht stores it.
func kadRecord(t testing.TB, recordKey string, value []byte, received time.Time) []byte {
	t.Helper()
	data, err := proto.Marshal(&recpb.Record{
		Key: []byte(recordKey), Value: value, TimeReceived: received.UTC().Format(time.RFC3339Nano),
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// encode returns the value of a model.
func encode[M any](t testing.TB, m *M) []byte {
	t.Helper()
	value, err := models.DagCBOR[M]().Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

var monday = time.Date(2026, 11, 23, 13, 58, 1, 500, time.UTC)

// userRecord returns the datastore key and the record of a user received on
// monday.
func userRecord(t testing.TB, u User) (ds.Key, []byte) {
	t.Helper()
	recordKey := record.Key(Users, u.ID)
	return dsKey("blog.user", recordKey), kadRecord(t, recordKey, encode(t, &u), monday)
}

// mustGet returns the value under key, nil where there is none.
func mustGet(t testing.TB, d ds.Datastore, key ds.Key) []byte {
	t.Helper()
	value, err := d.Get(context.Background(), key)
	if err == ds.ErrNotFound {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func mustPut(t testing.TB, d ds.Datastore, key ds.Key, value []byte) {
	t.Helper()
	if err := d.Put(context.Background(), key, value); err != nil {
		t.Fatal(err)
	}
}

// list returns the results of a query by key.
func list(t testing.TB, d ds.Datastore, q dsq.Query) map[string]dsq.Entry {
	t.Helper()
	found, err := d.Query(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := found.Rest()
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[string]dsq.Entry{}
	for _, e := range entries {
		if _, twice := byKey[e.Key]; twice {
			t.Errorf("query %v returns %s twice", q, e.Key)
		}
		byKey[e.Key] = e
	}
	return byKey
}
