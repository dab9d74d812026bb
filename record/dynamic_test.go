package record_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	recpb "github.com/libp2p/go-libp2p-record/pb"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/record"
)

// withFields returns the schema of a tree as if its declaration said the fields of keys.
func withFields(tree models.AnyTree, clock string, keyFields []string, indexes map[string]string) shape.Schema {
	s := tree.Schema()
	s.Clock, s.ComputedClock, s.KeyFields = clock, false, keyFields
	for i := range s.Indexes {
		s.Indexes[i].Fields = []string{indexes[s.Indexes[i].Name]}
	}
	return s
}

// dynamicModels are the trees of Blog and Market, made from their schemas.
func dynamicModels(t testing.TB) (all []*models.Definition, trees map[string]*dynamic.Tree) {
	t.Helper()
	definitions, err := dynamic.Definitions([]shape.Schema{
		withFields(Users, "Version", []string{"ID"}, map[string]string{"email": "Email", "username": "Username"}),
		withFields(Notes, "", []string{"Title"}, nil),
		withFields(Offers, "", []string{"Seller", "Number"}, map[string]string{"title": "Title"}),
		withFields(Profiles, "", []string{"Peer"}, nil),
		withFields(Photos, "", nil, map[string]string{"title": "Title"}),
	}, dynamic.KeyCodecs(record.KeyCodecNamed))
	if err != nil {
		t.Fatal(err)
	}
	trees = map[string]*dynamic.Tree{}
	for _, d := range definitions {
		all = append(all, d.Definition)
		for _, tree := range d.Trees() {
			trees[tree.Name()] = tree
		}
	}
	return all, trees
}

func dynamicOptions(all []*models.Definition) record.Options {
	return record.Options{Models: all, MaxRecordAge: 24 * time.Hour, ProviderValidity: 24 * time.Hour}
}

// candidate is a record that a peer puts.
type candidate struct {
	space, key string
	value      []byte
}

// candidates are records of every policy, of which some have one key, and some are invalid or have other
// fields than the model.
func candidates(t testing.TB) map[string][]candidate {
	at := func(id uint64, value []byte) candidate { return candidate{"blog.user", record.Key(Users, id), value} }
	user := func(u User, id uint64) candidate { return at(id, encode(t, &u)) }
	type newerUser struct {
		ID              uint64
		Username, Email string
		Version         uint64
		Country         string
	}
	type olderUser struct{ ID, Version uint64 }
	note := func(n Note) candidate { return candidate{"blog.note", record.Key(Notes, "a"), encode(t, &n)} }
	ada := newTrader(t)
	photo := func(p Photo) candidate {
		v := value(t, Photos, p)
		if err := record.Identify(Photos, &p); err != nil {
			t.Fatal(err)
		}
		return candidate{"market.photo", record.Key(Photos, p.ID), v}
	}
	sunset := photo(Photo{Title: "sunset", Data: []byte{1, 2}})
	changed := sunset
	changed.value = value(t, Photos, Photo{Title: "sunrise"})
	tail := user(User{ID: 7, Username: "tail", Version: 9}, 7)
	tail.value = append(tail.value, 0)
	return map[string][]candidate{
		"open": {
			user(User{ID: 7, Username: "a", Email: "z", Version: 1}, 7), user(User{ID: 7, Username: "b", Version: 2}, 7),
			user(User{ID: 7, Username: "c", Version: 2}, 7), at(7, encode(t, &newerUser{7, "d", "d@e", 2, "ZA"})),
			at(7, encode(t, &olderUser{7, 2})),
		},
		"refused": {
			user(User{ID: 7, Username: "a"}, 7), user(User{ID: 8, Version: 3}, 7), tail,
			at(7, encode(t, &struct{ ID string }{"7"})), at(0, encode(t, &struct{ Version uint64 }{4})),
		},
		"claims": {
			user(User{ID: 3, Username: "x", Version: 1}, 3), user(User{ID: 1, Username: "x", Version: 1}, 1),
			user(User{ID: 2, Username: "x", Version: 5}, 2), user(User{ID: 1, Username: "y", Version: 2}, 1),
		},
		"without clock": {note(Note{"a", "1"}), note(Note{"a", "3"}), note(Note{"a", "2"}), note(Note{"b", "9"})},
		"signed": {
			{"market.offer", ada.recordKey(1), offer(t, ada, 1, 1, "one")},
			{"market.offer", ada.recordKey(1), offer(t, ada, 1, 3, "three")},
			{"market.offer", ada.recordKey(1), tombstone(t, ada, 1, 2)},
			{"market.offer", ada.recordKey(1), offer(t, newTrader(t), 1, 9, "forged")},
			{"market.offer", ada.recordKey(2), tombstone(t, ada, 2, 1)},
		},
		"immutable": {sunset, changed, photo(Photo{Title: "night"}), sunset},
	}
}

// valueOf returns the value of a record as the datastore has it.
func valueOf(t testing.TB, data []byte) string {
	t.Helper()
	var r recpb.Record
	if err := proto.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", r.GetValue())
}

// TestDynamicChoice puts the same records in every order into records with compiled models and into others
// with models from schemas. Each has to take and refuse the same, and to serve the same bytes.
func TestDynamicChoice(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	for name, all := range candidates(t) {
		t.Run(name, func(t *testing.T) {
			for order := range permutations(len(all)) {
				t.Run(fmt.Sprint(order), func(t *testing.T) { sameChoice(t, all, order) })
			}
		})
	}
}

func sameChoice(t *testing.T, all []candidate, order []int) {
	t.Helper()
	ctx := context.Background()
	definitions, trees := dynamicModels(t)
	opts := market()
	opts.Models = append(opts.Models, Blog)
	compiled, compiledStore := openRecords(t, memory.Engine(), opts)
	loaded, loadedStore := openRecords(t, memory.Engine(), dynamicOptions(definitions))
	for _, i := range order {
		c := all[i]
		key, data := dsKey(c.space, c.key), kadRecord(t, c.key, c.value, time.Now())
		want, got := compiled.Put(ctx, key, data), loaded.Put(ctx, key, data)
		for _, kind := range []error{nil, models.ErrInvalid, record.ErrOldRecord, models.ErrPolicy} {
			if errors.Is(want, kind) != errors.Is(got, kind) {
				t.Fatalf("record %d is answered by %v, compiled %v", i, got, want)
			}
		}
		want1, got1 := mustGet(t, compiled, key), mustGet(t, loaded, key)
		if valueOf(t, want1) != valueOf(t, got1) {
			t.Fatalf("after record %d %x is served, compiled %x", i, got1, want1)
		}
	}
	modifyUser(t, compiledStore, loadedStore, trees["blog.user"])
	for _, tree := range append(Blog.Trees(), Market.Trees()...) {
		want, got := rawRows(t, compiledStore, tree.Raw()), rawRows(t, loadedStore, trees[tree.Name()].Raw())
		if !slices.Equal(want, got) {
			t.Fatalf("%s has the rows %q, compiled %q", tree.Name(), got, want)
		}
	}
	username, _ := trees["blog.user"].Index("username")
	for _, name := range []string{"x", "y"} {
		want, wantErr := UserByUsername.Key(ctx, compiledStore, name)
		var found []any
		for row, err := range username.Find(ctx, loadedStore, name) {
			if err != nil {
				t.Fatal(err)
			}
			key, err := trees["blog.user"].Key(&row)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, key)
		}
		if (wantErr == nil) != (len(found) == 1) || wantErr == nil && found[0] != any(want) {
			t.Fatalf("%s is the username of %v, compiled %v, %v", name, found, want, wantErr)
		}
	}
}

// modifyUser changes a row in both stores, which keeps the fields that the model does not have.
func modifyUser(t testing.TB, compiled, loaded *datastore.Store, users *dynamic.Tree) {
	t.Helper()
	changed := User{ID: 7, Username: "changed", Version: 8}
	row, err := users.ParseJSON([]byte(`{"ID": 7, "Username": "changed", "Version": 8}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Users.Modify(t.Context(), compiled, 7, func(u *User) error { *u = changed; return nil })
	got := users.Modify(t.Context(), loaded, uint64(7), func(r *dynamic.Row) error { *r = row; return nil })
	if fmt.Sprint(want) != fmt.Sprint(got) {
		t.Errorf("changing a user gives %v, compiled %v", got, want)
	}
}

func rawRows(t testing.TB, store *datastore.Store, tree *models.Raw) (rows []string) {
	t.Helper()
	for row, err := range tree.Scan(context.Background(), store, models.Range[[]byte]{}) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, fmt.Sprintf("%x %x", row.Key, row.Value))
	}
	return rows
}

// permutations yields every order of n things. The slice is used again.
func permutations(n int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		order := make([]int, 0, n)
		var extend func() bool
		extend = func() bool {
			if len(order) == n {
				return yield(order)
			}
			for i := range n {
				if slices.Contains(order, i) {
					continue
				}
				order = append(order, i)
				if !extend() {
					return false
				}
				order = order[:len(order)-1]
			}
			return true
		}
		extend()
	}
}

// TestDynamicPeers has a peer with compiled models and one with models from schemas publish to each other and
// resolve from each other.
func TestDynamicPeers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	definitions, trees := dynamicModels(t)
	opts := market()
	opts.Models = append(opts.Models, Blog)
	a := newNodeWith(t, memory.Engine(), opts)
	b := newNodeWith(t, memory.Engine(), dynamicOptions(definitions))
	connect(t, a.dht, b.dht)
	users, offers, photos := trees["blog.user"], trees["market.offer"], trees["market.photo"]

	changes, err := users.Watch(ctx, b.records.Store(), models.Range[any]{}, models.WatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	alice := User{ID: 1, Username: "alice", Email: "alice@example.com", Version: 1}
	if _, err := record.Publish(ctx, a.node, Users, &alice); err != nil {
		t.Fatal(err)
	}
	const aliceJSON = `{"Email":"alice@example.com","ID":1,"Username":"alice","Version":1}`
	for c, err := range changes {
		if err != nil || c.Key != any(uint64(1)) || jsonOf(t, c.New) != aliceJSON || c.Origin != models.OriginDHT {
			t.Errorf("%+v arrives, error %v", c, err)
		}
		break
	}
	row, err := record.Resolve(ctx, b.node, users.Tree, any(uint64(1)))
	if err != nil || jsonOf(t, &row) != aliceJSON {
		t.Errorf("resolved as %s, error %v", jsonOf(t, &row), err)
	}
	if status, err := record.StatusOf(
		ctx,
		b.records,
		users.Tree,
		any(uint64(1)),
	); err != nil ||
		status.State != record.Received {
		t.Errorf("the status is %v, error %v", status, err)
	}

	parsed := func(tree *dynamic.Tree, text string) dynamic.Row {
		row, err := tree.ParseJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	bob := parsed(users, `{"ID": 2, "Username": "bob", "Version": 3}`)
	if _, err := record.Publish(ctx, b.node, users.Tree, &bob); err != nil {
		t.Fatal(err)
	}
	if got, err := record.Resolve(ctx, a.node, Users, 2); err != nil || got != (User{ID: 2, Username: "bob", Version: 3}) {
		t.Errorf("bob is resolved as %+v, error %v", got, err)
	}

	me := b.host.ID()
	mine := parsed(offers, fmt.Sprintf(`{"Seller": %q, "Number": 4, "Title": "tea", "Price": -5}`, me))
	if _, err := record.Publish(ctx, b.node, offers.Tree, &mine); err != nil {
		t.Fatal(err)
	}
	key := models.MakePair(me, uint64(4))
	if got, err := record.Resolve(ctx, a.node, Offers, key); err != nil || got != (Offer{me, 4, "tea", -5}) {
		t.Errorf("the offer is resolved as %+v, error %v", got, err)
	}
	foreign := parsed(offers, fmt.Sprintf(`{"Seller": %q, "Number": 4}`, a.host.ID()))
	if _, err := record.Publish(ctx, b.node, offers.Tree, &foreign); !errors.Is(err, record.ErrNotOwner) {
		t.Errorf("publishing for another peer: %v", err)
	}
	offerKey, err := offers.ParseKey(me.String() + ",4")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := record.Retract(ctx, b.node, offers.Tree, offerKey); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Resolve(ctx, a.node, Offers, key); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("the offer is there after it was retracted: %v", err)
	}

	photo := parsed(photos, `{"Title": "sunset", "Data": {"/": {"bytes": "AQI"}}}`)
	if _, err := record.Publish(ctx, b.node, photos.Tree, &photo); err != nil {
		t.Fatal(err)
	}
	sunset := Photo{Title: "sunset", Data: []byte{1, 2}}
	if err := record.Identify(Photos, &sunset); err != nil {
		t.Fatal(err)
	}
	got, err := record.Resolve(ctx, a.node, Photos, sunset.ID)
	if err != nil || got.ID != sunset.ID || got.Title != "sunset" {
		t.Errorf("the photo is resolved as %+v, error %v", got, err)
	}
	if photoKey, err := photos.Key(&photo); err != nil || photoKey != any(sunset.ID) {
		t.Errorf("the photo has the key %v, error %v", photoKey, err)
	}
	found := 0
	for row, err := range photos.All(ctx, b.store) {
		if key, keyErr := photos.Key(&row); err != nil || keyErr != nil || key != any(sunset.ID) {
			t.Errorf("the photo is stored as %v, errors %v, %v", key, err, keyErr)
		}
		found++
	}
	if found != 1 {
		t.Errorf("there are %d photos", found)
	}
}

func jsonOf(t testing.TB, r *dynamic.Row) string {
	t.Helper()
	text, err := r.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
