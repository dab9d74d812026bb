package record_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// receivedAt is a user's record as it is when it came at another time.
func receivedAt(t testing.TB, u User, at time.Time) []byte {
	t.Helper()
	return kadRecord(t, record.Key(Users, u.ID), encode(t, &u), at)
}

// origin returns the origin in the receipt of a user's row, zero without one.
func origin(t testing.TB, store *datastore.Store, id uint64) receipts.Origin {
	t.Helper()
	key, err := Users.Raw().ParsePathText(Users.PathText(id))
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := receipts.Tree.Get(context.Background(), store, models.MakePair(Users.Name(), key))
	if errors.Is(err, models.ErrNotFound) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Origin
}

// user returns a row, or the zero User.
func user(t testing.TB, store *datastore.Store, id uint64) User {
	t.Helper()
	u, err := Users.Get(context.Background(), store, id)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		t.Fatal(err)
	}
	return u
}

func TestRecordIsRow(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		records, store := openRecords(t, eng, record.Options{})
		alice := User{ID: 7, Username: "alice", Email: "alice@example.com", Version: 1}
		key, value := userRecord(t, alice)
		mustPut(t, records, key, value)

		if got := user(t, store, 7); got != alice {
			t.Errorf("the row is %+v", got)
		}
		var found []User
		for u, err := range UserByEmail.Find(ctx, store, "alice@example.com") {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, u)
		}
		if !slices.Equal(found, []User{alice}) {
			t.Errorf("by email: %+v", found)
		}
		if got := mustGet(t, records, key); !bytes.Equal(got, value) {
			t.Errorf("Get gives %x, put was %x", got, value)
		}

		// Another name, and the row's entries follow.
		alice.Version, alice.Email = 2, "alice@example.org"
		_, value = userRecord(t, alice)
		mustPut(t, records, key, value)
		if n, err := UserByEmail.Count(ctx, store, models.Only("alice@example.com")); err != nil || n != 0 {
			t.Errorf("%d entries under the old email, %v", n, err)
		}

		// kad-dht deletes what has expired: row, entries and receipt.
		if err := records.Delete(ctx, key); err != nil {
			t.Fatal(err)
		}
		if got := user(t, store, 7); got != (User{}) {
			t.Errorf("the row is there: %+v", got)
		}
		for name, count := range map[string]func() (int, error){
			"entries":  func() (int, error) { return UserByEmail.Count(ctx, store, models.Range[string]{}) },
			"receipts": func() (int, error) { return receipts.Tree.Count(ctx, store, models.Range[receipts.Key]{}) },
		} {
			if n, err := count(); err != nil || n != 0 {
				t.Errorf("%d %s are left, %v", n, name, err)
			}
		}
	})
}

// A record survives the store being closed and opened.
func TestRecordsSurvive(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		all := samples(t)
		key, value := userRecord(t, User{ID: 7})
		all[key] = value
		t.Run("first", func(t *testing.T) {
			records, _ := openRecords(t, eng, record.Options{})
			for key, value := range all {
				mustPut(t, records, key, value)
			}
		})
		records, _ := openRecords(t, eng, record.Options{})
		checkQuery(t, records, "", all)
	})
}

func TestSelection(t *testing.T) {
	noteA, noteB := &Note{Title: "t", Text: "a"}, &Note{Title: "t", Text: "b"}
	noteKey := record.Key(Notes, "t")
	note := func(n *Note) []byte { return kadRecord(t, noteKey, encode(t, n), monday) }
	v := func(version uint64, email string) []byte {
		return receivedAt(t, User{ID: 1, Version: version, Email: email}, monday)
	}
	for name, test := range map[string]struct {
		key         ds.Key
		first, then []byte
		old         bool
	}{
		"a higher clock":                    {dsKey("blog.user", record.Key(Users, 1)), v(1, "z"), v(2, "a"), false},
		"a lower clock":                     {dsKey("blog.user", record.Key(Users, 1)), v(2, "a"), v(1, "z"), true},
		"larger bytes at the same clock":    {dsKey("blog.user", record.Key(Users, 1)), v(1, "a"), v(1, "z"), false},
		"smaller bytes at the same clock":   {dsKey("blog.user", record.Key(Users, 1)), v(1, "z"), v(1, "a"), true},
		"larger bytes without a clock":      {dsKey("blog.note", noteKey), note(noteA), note(noteB), false},
		"smaller bytes without a clock":     {dsKey("blog.note", noteKey), note(noteB), note(noteA), true},
		"the same bytes at another time":    {dsKey("blog.user", record.Key(Users, 1)), v(1, "a"), receivedAt(t, User{ID: 1, Version: 1, Email: "a"}, monday.Add(time.Hour)), false},
		"the same bytes at an earlier time": {dsKey("blog.user", record.Key(Users, 1)), v(1, "a"), receivedAt(t, User{ID: 1, Version: 1, Email: "a"}, monday.Add(-time.Hour)), false},
	} {
		t.Run(name, func(t *testing.T) {
			records, _ := openRecords(t, memory.Engine(), record.Options{})
			mustPut(t, records, test.key, test.first)
			err := records.Put(context.Background(), test.key, test.then)
			want := test.then
			if test.old {
				want = test.first
				var where *models.Error
				if !errors.Is(err, record.ErrOldRecord) || !errors.As(err, &where) || !strings.HasPrefix(where.Tree, "blog.") || where.Key == "" {
					t.Errorf("Put: %v", err)
				}
			} else if err != nil {
				t.Errorf("Put: %v", err)
			}
			if got := mustGet(t, records, test.key); !bytes.Equal(got, want) {
				t.Errorf("stored is %q, want %q", got, want)
			}
		})
	}
}

// A row that the program has put is its own: it is not served, a better record replaces
// it, and it is never deleted for the DHT.
func TestRowsOfTheProgram(t *testing.T) {
	ctx := context.Background()
	mine := User{ID: 1, Username: "mine", Version: 5}
	better := User{ID: 1, Username: "better", Version: 6}
	key, _ := userRecord(t, mine)

	for name, test := range map[string]struct {
		put    User // by a stranger, after the program
		err    error
		row    User
		origin receipts.Origin
	}{
		"a worse record":  {User{ID: 1, Version: 4}, record.ErrOldRecord, mine, 0},
		"the same record": {mine, nil, mine, receipts.Kept},
		"a better record": {better, nil, better, receipts.Kept},
	} {
		t.Run(name, func(t *testing.T) {
			records, store := openRecords(t, memory.Engine(), record.Options{})
			if err := Users.Put(ctx, store, &mine); err != nil {
				t.Fatal(err)
			}
			if mustGet(t, records, key) != nil || len(list(t, records, dsq.Query{})) != 0 {
				t.Error("a row without a receipt is served")
			}
			value := receivedAt(t, test.put, monday)
			if err := records.Put(ctx, key, value); !errors.Is(err, test.err) {
				t.Errorf("Put: %v, want %v", err, test.err)
			}
			if got := user(t, store, 1); got != test.row {
				t.Errorf("the row is %+v", got)
			}
			if got := origin(t, store, 1); got != test.origin {
				t.Errorf("its origin is %v, want %v", got, test.origin)
			}
			if got := mustGet(t, records, key); (got != nil) != (test.err == nil) {
				t.Errorf("served is %q", got)
			}
			if err := records.Delete(ctx, key); err != nil {
				t.Fatal(err)
			}
			if got := user(t, store, 1); got != test.row {
				t.Errorf("after Delete the row is %+v", got)
			}
			if got := origin(t, store, 1); got != 0 || mustGet(t, records, key) != nil {
				t.Errorf("after Delete it is served, origin %v", got)
			}
		})
	}
}

// A stranger's row that the program changes becomes the program's.
func TestRowChangedByTheProgram(t *testing.T) {
	ctx := context.Background()
	records, store := openRecords(t, memory.Engine(), record.Options{})
	key, value := userRecord(t, User{ID: 1, Version: 1})
	mustPut(t, records, key, value)
	if got := origin(t, store, 1); got != receipts.Stranger {
		t.Fatalf("its origin is %v", got)
	}
	changed := User{ID: 1, Version: 1, Email: "changed"}
	if err := Users.Put(ctx, store, &changed); err != nil {
		t.Fatal(err)
	}
	if mustGet(t, records, key) != nil || len(list(t, records, dsq.Query{KeysOnly: true})) != 0 {
		t.Error("the changed row is served")
	}
	if err := records.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	if got := user(t, store, 1); got != changed {
		t.Errorf("after Delete the row is %+v", got)
	}
	if got := origin(t, store, 1); got != 0 {
		t.Errorf("the receipt of another row is left: %v", got)
	}

	// The same without the Delete, and with a better record.
	mustPut(t, records, key, receivedAt(t, User{ID: 1, Version: 2}, monday))
	if got := origin(t, store, 1); got != receipts.Kept {
		t.Errorf("the origin of what replaces a row of the program is %v", got)
	}

	// A row that the program deletes is gone from the DHT's view, and the next
	// record is a stranger's.
	if err := Users.Delete(ctx, store, 1); err != nil {
		t.Fatal(err)
	}
	if mustGet(t, records, key) != nil {
		t.Error("a row that was deleted is served")
	}
	mustPut(t, records, key, value)
	if got := origin(t, store, 1); got != receipts.Stranger {
		t.Errorf("its origin is %v", got)
	}
}

// hostile are puts of what is no record of a user, under a user's key or what
// looks like one, with what the error has to say.
func hostile(t testing.TB) map[string]struct {
	key   ds.Key
	value []byte
	err   error
	says  string
} {
	type put = struct {
		key   ds.Key
		value []byte
		err   error
		says  string
	}
	recordKey := record.Key(Users, 1)
	at := func(recordKey string, value []byte) put {
		return put{dsKey("blog.user", recordKey), kadRecord(t, recordKey, value, monday), models.ErrInvalid, "blog.user"}
	}
	wrapped := func(value []byte) put { return at(recordKey, value) }
	good := encode(t, &User{ID: 1, Version: 9})
	// A map with one more field, which is longer than it has to be or too deep, one
	// with a field twice, and one with a number that is longer than it has to be.
	more := append([]byte{good[0] + 1}, append(bytes.Clone(good[1:]), "\x69zzzzzzzzz"...)...)
	extra := append(bytes.Clone(more), 0x18, 0x00)
	deep := append(append(bytes.Clone(more), bytes.Repeat([]byte{0x81}, 60000)...), 0x80)
	twice := append([]byte{good[0] + 1}, append([]byte("\x62ID\x01"), good[1:]...)...)
	long := bytes.Replace(good, []byte("\x62ID\x01"), []byte("\x62ID\x18\x01"), 1)
	if bytes.Equal(long, good) {
		t.Fatal("the value is not what the test takes it for")
	}
	other, err := proto.Marshal(&recpb.Record{Key: []byte(record.Key(Users, 2)), Value: encode(t, &User{ID: 2}), TimeReceived: monday.Format(time.RFC3339Nano)})
	if err != nil {
		t.Fatal(err)
	}
	untimed, err := proto.Marshal(&recpb.Record{Key: []byte(recordKey), Value: good})
	if err != nil {
		t.Fatal(err)
	}
	where := "blog.user 1"
	puts := map[string]put{
		"a row of another key":    {dsKey("blog.user", recordKey), kadRecord(t, recordKey, encode(t, &User{ID: 2}), monday), models.ErrInvalid, "under the key 2"},
		"a record of another key": {dsKey("blog.user", recordKey), other, models.ErrInvalid, "00000000000000000002"},
		"a record without a time": {dsKey("blog.user", recordKey), untimed, models.ErrInvalid, "time of receipt"},
		"more fields than fit":    {dsKey("blog.user", recordKey), append(kadRecord(t, recordKey, good, monday), publisher(strings.Repeat("x", record.DefaultMaxValueBytes))...), models.ErrTooLarge, where},
		"no record":               {dsKey("blog.user", recordKey), []byte("no record"), models.ErrInvalid, "not a record"},
		"nothing":                 {dsKey("blog.user", recordKey), nil, models.ErrInvalid, where},
		"an empty value":          wrapped(nil),
		"a trailing byte":         wrapped(append(bytes.Clone(good), 0)),
		"a longer unknown field":  wrapped(extra),
		"a field twice":           wrapped(twice),
		"a longer number":         wrapped(long),
		"too deep":                wrapped(deep),
		"cut short":               wrapped(good[:len(good)-1]),
		"another shape":           wrapped(encode(t, &Note{Title: "t"})),
		"too large":               {dsKey("blog.user", recordKey), kadRecord(t, recordKey, encode(t, &User{ID: 1, Version: 9, Email: strings.Repeat("x", record.DefaultMaxValueBytes)}), monday), models.ErrTooLarge, where},
		"an older record":         {dsKey("blog.user", recordKey), receivedAt(t, User{ID: 1, Version: 1}, monday), record.ErrOldRecord, where},
		"a long index key":        {dsKey("blog.user", record.Key(Users, 4)), receivedAt(t, User{ID: 4, Email: strings.Repeat("x", engine.MaxKeySize)}, monday), models.ErrKeySize, "email"},
		"a key that is no number": at("/blog.user/one", good),
		"a short key":             at("/blog.user/1", good),
		"a longer key":            at("/blog.user/00000000000000000001/", good),
		"no key":                  at("/blog.user/", good),
		"a path inside the tree":  {ds.NewKey("/blog.user/primary/00000000000000000001"), good, record.ErrNoRecord, "/blog.user/primary"},
		"lower case":              {ds.NewKey(strings.ToLower(dsKey("blog.user", recordKey).String())), kadRecord(t, recordKey, good, monday), record.ErrNoRecord, "/blog.user/"},
		"another namespace":       {dsKey("blog.user", "/blog.note/x"), kadRecord(t, "/blog.note/x", good, monday), record.ErrNoRecord, "/blog.user/"},
	}
	for name, p := range puts {
		if p.says == "blog.user" {
			p.says = "check blog.user"
			puts[name] = p
		}
	}
	return puts
}

// Each is refused by name, through Put and in a batch, and leaves what is stored
// as it was.
func TestHostileRecords(t *testing.T) {
	ctx := context.Background()
	records, store := openRecords(t, memory.Engine(), record.Options{})
	stored := User{ID: 1, Username: "stored", Email: "stored@example.com", Version: 2}
	storedKey, storedValue := userRecord(t, stored)
	mustPut(t, records, storedKey, storedValue)
	before := list(t, store.Datastore(), dsq.Query{})

	for name, p := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			err := records.Put(ctx, p.key, p.value)
			if !errors.Is(err, p.err) || !strings.Contains(err.Error(), p.says) || len(err.Error()) > 500 {
				t.Errorf("Put: %v; want %v, and %q in it", err, p.err, p.says)
			}
			batch, err := records.Batch(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err = batch.Put(ctx, p.key, p.value); err == nil {
				err = batch.Commit(ctx)
			}
			if !errors.Is(err, p.err) || !strings.Contains(err.Error(), p.says) {
				t.Errorf("in a batch: %v; want %v, and %q in it", err, p.err, p.says)
			}
			after := list(t, store.Datastore(), dsq.Query{})
			if len(after) != len(before) {
				t.Errorf("%d entries are stored, %d were", len(after), len(before))
			}
			for key, e := range before {
				if !bytes.Equal(after[key].Value, e.Value) {
					t.Errorf("%s has changed from %q to %q", key, e.Value, after[key].Value)
				}
			}
		})
	}
	verify(t, store)
}

func TestValidator(t *testing.T) {
	records, _ := openRecords(t, memory.Engine(), record.Options{})
	validator := records.Validator()
	if len(validator) != 3 || validator["pk"] == nil || validator["blog.user"] == nil || validator["blog.note"] == nil {
		t.Fatalf("validators of %v", validator)
	}
	key := record.Key(Users, 1)
	value := func(u User) []byte { return encode(t, &u) }
	if err := validator.Validate(key, value(User{ID: 1})); err != nil {
		t.Errorf("a valid record: %v", err)
	}
	for name, test := range map[string]struct {
		key   string
		value []byte
	}{
		"another key":        {record.Key(Users, 2), value(User{ID: 1})},
		"another namespace":  {"/blog.note/1", value(User{ID: 1})},
		"no namespace":       {"blog.user/00000000000000000001", value(User{ID: 1})},
		"trailing bytes":     {key, append(value(User{ID: 1}), 0)},
		"not a key":          {"/blog.user/\xff\x00", value(User{ID: 1})},
		"nothing":            {key, nil},
		"an unknown model's": {"/blog.comment/1", value(User{ID: 1})},
	} {
		if err := validator.Validate(test.key, test.value); err == nil {
			t.Errorf("%s: is valid", name)
		}
	}
	// A validator is sure of its own namespace, whoever calls it.
	if err := validator["blog.user"].Validate("/blog.note/x", value(User{ID: 1})); !errors.Is(err, models.ErrInvalid) || !strings.Contains(err.Error(), "/blog.note/x") {
		t.Errorf("a record of another namespace: %v", err)
	}

	v1, v2 := value(User{ID: 1, Version: 1}), value(User{ID: 1, Version: 2})
	v2larger := value(User{ID: 1, Version: 2, Email: "zzz"})
	bad := []byte("bad")
	for name, test := range map[string]struct {
		values [][]byte
		want   int
	}{
		"one":                 {[][]byte{v1}, 0},
		"the clock":           {[][]byte{v1, v2, v1}, 1},
		"then the bytes":      {[][]byte{v2, v2larger, v1}, 1},
		"the first of equals": {[][]byte{v1, v2, bytes.Clone(v2)}, 1},
		"only valid ones":     {[][]byte{bad, v1, nil}, 1},
	} {
		if got, err := validator.Select(key, test.values); err != nil || got != test.want {
			t.Errorf("%s: selected %d, %v; want %d", name, got, err, test.want)
		}
	}
	if _, err := validator.Select(key, [][]byte{bad, nil}); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("no valid one: %v", err)
	}
	if _, err := validator["blog.user"].Select(key, nil); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("none: %v", err)
	}
}

// FuzzRecordsPut puts anything anywhere. Every value that is taken can be read, just as
// it was put unless it is a model's record, and the store stays whole.
func FuzzRecordsPut(f *testing.F) {
	for key, value := range samples(f) {
		f.Add(key.String(), value)
	}
	for _, p := range hostile(f) {
		if len(p.value) < 1000 {
			f.Add(p.key.String(), p.value)
		}
	}
	for _, u := range []User{{ID: 1, Username: "u", Email: "e", Version: 1}, {ID: 2, Username: strings.Repeat("u", 30_000)}} {
		key, value := userRecord(f, u)
		f.Add(key.String(), value)
	}
	f.Fuzz(func(t *testing.T, path string, value []byte) {
		ctx := context.Background()
		records, _ := openRecords(t, memory.Engine(), record.Options{})
		key := ds.NewKey(path)
		var err error
		alloctest.Bound(t, len(path)+len(value), func() { err = records.Put(ctx, key, value) })
		if err != nil {
			if has, hasErr := records.Has(ctx, key); hasErr != nil || has {
				t.Fatalf("%s was refused (%v) and is there: %v, %v", key, err, has, hasErr)
			}
			return
		}
		got, err := records.Get(ctx, key)
		if err != nil || !bytes.Equal(got, value) {
			t.Fatalf("Get(%s) = %x, %v; put was %x", key, got, err, value)
		}
		entries := list(t, records, dsq.Query{Prefix: key.Parent().String()})
		if key.String() != "/" && !bytes.Equal(entries[key.String()].Value, value) {
			t.Fatalf("a query has %v", entries)
		}
		if err := records.Delete(ctx, key); err != nil {
			t.Fatal(err)
		}
		if has, err := records.Has(ctx, key); err != nil || has {
			t.Fatalf("%s is there after Delete: %v, %v", key, has, err)
		}
	})
}
