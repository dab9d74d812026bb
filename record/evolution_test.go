package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// The model of one program in three versions. The second adds fields, also within a nested struct
// and within the elements of a list. The third adds more, and has given up the price.
type (
	part1 struct{ Name string }
	ware1 struct {
		Hash   record.Hash `cbor:"-"`
		Seller peer.ID
		Number uint64
		Clock  uint64
		Title  string
		Price  uint32
		Parts  []part1
		Maker  part1
	}

	part2 struct {
		Name   string
		Weight uint64
	}
	ware2 struct {
		Hash   record.Hash `cbor:"-"`
		Seller peer.ID
		Number uint64
		Clock  uint64
		Title  string
		Price  uint32
		Parts  []part2
		Maker  part2
		Note   string `cbor:",omitzero"`
	}

	part3 struct {
		Name   string
		Weight uint64
		Colour *string
	}
	ware3 struct {
		Hash   record.Hash `cbor:"-"`
		Seller peer.ID
		Number uint64
		Clock  uint64
		Title  string
		Parts  []part3
		Maker  part3
		Note   string
		Tags   map[string][]string
		Stock  int64 `netabase:"default=7"`
	}
)

// ware is what all versions have in common.
type ware interface {
	title() string
	key() (seller peer.ID, number, clock uint64)
	hash() *record.Hash
	set(clock uint64, title string)
}

func (w *ware1) title() string                  { return w.Title }
func (w *ware2) title() string                  { return w.Title }
func (w *ware3) title() string                  { return w.Title }
func (w *ware1) key() (peer.ID, uint64, uint64) { return w.Seller, w.Number, w.Clock }
func (w *ware2) key() (peer.ID, uint64, uint64) { return w.Seller, w.Number, w.Clock }
func (w *ware3) key() (peer.ID, uint64, uint64) { return w.Seller, w.Number, w.Clock }
func (w *ware1) set(clock uint64, title string) { w.Clock, w.Title = clock, title }
func (w *ware2) set(clock uint64, title string) { w.Clock, w.Title = clock, title }
func (w *ware3) set(clock uint64, title string) { w.Clock, w.Title = clock, title }
func (w *ware1) hash() *record.Hash             { return &w.Hash }
func (w *ware2) hash() *record.Hash             { return &w.Hash }
func (w *ware3) hash() *record.Hash             { return &w.Hash }

// shop has a tree of each policy for one version of the model.
type shop[M any, W interface {
	*M
	ware
}] struct {
	open     *models.Tree[M, uint64]
	signed   *models.Tree[M, OfferKey]
	fixed    *models.Tree[M, record.Hash]
	byTitle  []func(ctx context.Context, from models.Reader, title string) (int, error)
	declared *models.Definition
	// fill returns a model whose fields are set, as far as the version has them.
	fill func(seller peer.ID, number, clock uint64, title string) M
}

func newShop[M any, W interface {
	*M
	ware
}](fill func(peer.ID, uint64, uint64, string) M,
) *shop[M, W] {
	s := &shop[M, W]{fill: fill}
	number := func(m *M) uint64 { _, number, _ := W(m).key(); return number }
	s.open = models.NewTree("open", models.Uint64, number, models.WithPolicy[M](models.Open),
		models.WithClock(func(m *M) uint64 { _, _, clock := W(m).key(); return clock }))
	s.signed = models.NewTree("signed", models.PairOf(record.PeerKey, models.Uint64),
		func(m *M) OfferKey { seller, number, _ := W(m).key(); return models.MakePair(seller, number) },
		models.WithPolicy[M](models.Signed))
	s.fixed = models.NewTree("fixed", record.HashKey, func(m *M) record.Hash { return *W(m).hash() },
		models.WithPolicy[M](models.Immutable), models.WithKey(func(m *M, h record.Hash) { *W(m).hash() = h }))
	s.byTitle = append(s.byTitle, countBy[M, W](s.open), countBy[M, W](s.signed), countBy[M, W](s.fixed))
	s.declared = models.NewDefinition("shop", s.open, s.signed, s.fixed)
	return s
}

// countBy adds an index of titles to a tree, and returns a function that counts the rows with one.
func countBy[M any, W interface {
	*M
	ware
}, K any](t *models.Tree[M, K],
) func(context.Context, models.Reader, string) (int, error) {
	ix := models.NewIndex(t, "title", models.String, func(m *M) string { return W(m).title() })
	return func(ctx context.Context, from models.Reader, title string) (n int, err error) {
		for m, err := range ix.Find(ctx, from, title) {
			if err != nil || W(&m).title() != title {
				return n, errors.Join(err, fmt.Errorf("the index has %q", W(&m).title()))
			}
			n++
		}
		return n, nil
	}
}

var (
	shop1 = newShop(func(seller peer.ID, number, clock uint64, title string) ware1 {
		return ware1{
			Seller: seller, Number: number, Clock: clock, Title: title, Price: 5,
			Parts: []part1{{"wheel"}, {"axle"}}, Maker: part1{"ann"},
		}
	})
	shop2 = newShop(func(seller peer.ID, number, clock uint64, title string) ware2 {
		return ware2{
			Seller: seller, Number: number, Clock: clock, Title: title, Price: 6,
			Parts: []part2{{"wheel", 3}, {"axle", 4}}, Maker: part2{"ben", 80}, Note: "new",
		}
	})
	shop3 = newShop(func(seller peer.ID, number, clock uint64, title string) ware3 {
		red := "red"
		return ware3{
			Seller: seller, Number: number, Clock: clock, Title: title,
			Parts: []part3{{"wheel", 3, &red}, {"axle", 4, nil}}, Maker: part3{"cas", 70, nil},
			Note: "newer", Tags: map[string][]string{"for": {"cars"}}, Stock: 2,
		}
	})
)

// trading is a shop of any version.
type trading interface {
	definition() *models.Definition
	// publish publishes a row in each tree, and returns the keys of the three.
	publish(ctx context.Context, n *node, number uint64, title string) (published, error)
	// offer publishes a row in the open tree alone.
	offer(ctx context.Context, n *node, number, clock uint64, title string) error
	// revise reads a row of the open tree, changes it and publishes it.
	revise(ctx context.Context, n *node, number, clock uint64, title string) error
	// resolve resolves a row of each tree, and reports whether each has the title.
	resolve(ctx context.Context, n *node, p published) error
	// find counts the rows with a title, in each tree.
	find(ctx context.Context, store *datastore.Store, title string) ([]int, error)
	trees() []models.AnyTree
}

type published struct {
	title  string
	seller peer.ID
	number uint64
	hash   record.Hash
}

func (s *shop[M, W]) definition() *models.Definition { return s.declared }

func (s *shop[M, W]) trees() []models.AnyTree { return []models.AnyTree{s.open, s.signed, s.fixed} }

func (s *shop[M, W]) publish(ctx context.Context, n *node, number uint64, title string) (published, error) {
	m := s.fill(n.host.ID(), number, 1, title)
	_, openErr := record.Publish(ctx, n.node, s.open, &m)
	_, signedErr := record.Publish(ctx, n.node, s.signed, &m)
	err := record.Identify(s.fixed, &m)
	if err == nil {
		_, err = record.Publish(ctx, n.node, s.fixed, &m)
	}
	return published{title, n.host.ID(), number, *W(&m).hash()}, errors.Join(openErr, signedErr, err)
}

func (s *shop[M, W]) offer(ctx context.Context, n *node, number, clock uint64, title string) error {
	m := s.fill(n.host.ID(), number, clock, title)
	_, err := record.Publish(ctx, n.node, s.open, &m)
	return err
}

func (s *shop[M, W]) revise(ctx context.Context, n *node, number, clock uint64, title string) error {
	m, err := s.open.Get(ctx, n.store, number)
	if err != nil {
		return err
	}
	W(&m).set(clock, title)
	_, err = record.Publish(ctx, n.node, s.open, &m)
	return err
}

func (s *shop[M, W]) resolve(ctx context.Context, n *node, p published) error {
	open, err := record.Resolve(ctx, n.node, s.open, p.number)
	signed, signedErr := record.Resolve(ctx, n.node, s.signed, models.MakePair(p.seller, p.number))
	fixed, fixedErr := record.Resolve(ctx, n.node, s.fixed, p.hash)
	if err := errors.Join(err, signedErr, fixedErr); err != nil {
		return err
	}
	for _, m := range []W{&open, &signed, &fixed} {
		if m.title() != p.title {
			return fmt.Errorf("%+v is resolved, want %q", m, p.title)
		}
	}
	return nil
}

func (s *shop[M, W]) find(ctx context.Context, store *datastore.Store, title string) (found []int, err error) {
	for _, count := range s.byTitle {
		n, e := count(ctx, store, title)
		found, err = append(found, n), errors.Join(err, e)
	}
	return found, err
}

// Peers of three versions of a model hold the same bytes of every record, whichever version has
// published it, and each of them resolves it and finds it by the fields it knows.
func TestNetworkOfThreeVersions(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	versions := []trading{shop1, shop2, shop3}
	version := func(i int) trading { return versions[i%len(versions)] }
	nodes := make([]*node, 12)
	for i := range nodes {
		opts := market()
		opts.Models = []*models.Definition{version(i).definition()}
		nodes[i] = newNodeWith(t, memory.Engine(), opts)
	}
	connectAll(t, nodes)

	all := make([]published, len(nodes))
	each(t, nodes, func(i int, n *node) (err error) {
		all[i], err = version(i).publish(ctx, n, uint64(i), fmt.Sprint("ware ", i))
		return err
	})
	// Two peers of different versions publish under one key, with the same clock: one record wins,
	// whoever was first.
	for i := range 6 {
		for _, k := range []int{i, (i + 1) % 6} {
			err := version(k).offer(ctx, nodes[k], uint64(100+i), 9, "one of two")
			if err != nil && !errors.Is(err, record.ErrOldRecord) {
				t.Error(err)
			}
		}
	}

	held := func(n *node, tree int, i int) map[string][]byte {
		rows := map[string][]byte{}
		for row, err := range version(i).trees()[tree].Raw().Scan(ctx, n.store, models.Range[[]byte]{}) {
			if err != nil {
				t.Error(err)
			}
			rows[string(row.Key)] = row.Value
		}
		return rows
	}
	for tree := range 3 {
		want := held(nodes[0], tree, 0)
		if n := len(want); n != 12 && n != 18 {
			t.Errorf("tree %d has %d rows", tree, n)
		}
		for i, n := range nodes {
			if got := held(n, tree, i); !reflect.DeepEqual(got, want) {
				t.Errorf("peer %d has %d rows in tree %d, not those %d of peer 0", i, len(got), tree, len(want))
			}
		}
	}
	each(t, nodes, func(i int, n *node) (err error) {
		for k, p := range all {
			found, findErr := version(i).find(ctx, n.store, p.title)
			if findErr != nil || !slices.Equal(found, []int{1, 1, 1}) {
				err = errors.Join(err, fmt.Errorf("peer %d finds %v of %q: %w", i, found, p.title, findErr))
			}
			if k%4 == i%4 || !testing.Short() {
				err = errors.Join(err, version(i).resolve(ctx, n, p))
			}
		}
		found, findErr := version(i).find(ctx, n.store, "one of two")
		if findErr != nil || found[0] != 6 {
			err = errors.Join(err, fmt.Errorf("peer %d finds %v of two: %w", i, found, findErr))
		}
		return err
	})
	// A peer changes a record of a newer version, which keeps what that peer does not know.
	if err := version(0).revise(ctx, nodes[0], 2, 2, "revised"); err != nil {
		t.Fatal(err)
	}
	want := shop3.fill(nodes[2].host.ID(), 2, 2, "revised")
	if got, err := record.Resolve(ctx, nodes[5].node, shop3.open, 2); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("revised is %+v, %v, want %+v", got, err, want)
	}
}

func connectAll(t testing.TB, nodes []*node) {
	t.Helper()
	dhts := make([]*dht.IpfsDHT, len(nodes))
	for i, n := range nodes {
		dhts[i] = n.dht
	}
	connect(t, dhts...)
}

// each calls do with every node, all at once.
func each(t testing.TB, nodes []*node, do func(i int, n *node) error) {
	t.Helper()
	var group errgroup.Group
	for i, n := range nodes {
		group.Go(func() error { return do(i, n) })
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// A value of another version is stored as it came. Reading it sets the fields that it lacks to
// their defaults, and Modify and Publish keep those that are not known.
func TestFieldsOfOtherVersions(t *testing.T) {
	ctx, seller := t.Context(), newTrader(t).id
	old, oldStore := openRecords(t, memory.Engine(), optionsOf(shop1.declared))
	_, newStore := openRecords(t, memory.Engine(), optionsOf(shop3.declared))
	one, three := shop1.fill(seller, 7, 1, "old"), shop3.fill(seller, 7, 2, "new")
	oldValue, newValue := value(t, shop1.open, one), value(t, shop3.open, three)
	key := record.Key(shop1.open, 7)
	primary := shop1.open.EncodeKey(7)

	// Old records are read by the new program.
	if valid, err := shop3.open.Raw().Validate(primary, oldValue); err != nil || valid.Clock() != 1 {
		t.Fatalf("an old value: clock %d, %v", valid.Clock(), err)
	}
	err := shop3.open.Raw().Put(ctx, newStore, primary, oldValue)
	got, getErr := shop3.open.Get(ctx, newStore, 7)
	if err := errors.Join(err, getErr); err != nil {
		t.Fatal(err)
	}
	want := ware3{
		Seller: seller, Number: 7, Clock: 1, Title: "old", Parts: []part3{{Name: "wheel"}, {Name: "axle"}},
		Maker: part3{Name: "ann"}, Stock: 7,
	}
	if !bytes.Equal(value(t, shop3.open, got), value(t, shop3.open, want)) { // an empty map is as good as none
		t.Errorf("an old record is read as %+v, want %+v", got, want)
	}

	// New records are read, served on and changed by the old program.
	if err := take(t, old, key, newValue); err != nil {
		t.Fatal(err)
	}
	stored, err := shop1.open.Raw().Get(ctx, oldStore, primary)
	if err != nil || !bytes.Equal(stored, newValue) {
		t.Errorf("stored is %x, %v, want %x", stored, err, newValue)
	}
	served := mustGet(t, old, dsKey("shop.open", key))
	if !bytes.Contains(served, newValue) {
		t.Errorf("served is %x, want %x", served, newValue)
	}
	if _, isIn := oldStore.Datastore().Get(ctx, dsKey("shop.open", key)); isIn == nil {
		t.Error("the record is a plain value")
	}
	read, err := shop1.open.Get(ctx, oldStore, 7)
	if want := (ware1{Seller: seller, Number: 7, Clock: 2, Title: "new", Parts: []part1{{"wheel"}, {"axle"}}, Maker: part1{"cas"}}); err != nil || !reflect.DeepEqual(read, want) {
		t.Errorf("a new record is read as %+v, %v, want %+v", read, err, want)
	}
	if found, err := shop1.find(ctx, oldStore, "new"); err != nil || found[0] != 1 {
		t.Errorf("the index has %v, %v", found, err)
	}
	unchanged := func(*ware1) error { return nil }
	if err := shop1.open.Modify(ctx, oldStore, 7, unchanged); err != nil {
		t.Fatal(err)
	}
	if stored, err = shop1.open.Raw().Get(ctx, oldStore, primary); err != nil || !bytes.Equal(stored, newValue) {
		t.Errorf("a Modify that changes nothing has made %x, %v, want %x", stored, err, newValue)
	}
	err = shop1.open.Modify(ctx, oldStore, 7, func(w *ware1) error {
		w.Clock, w.Title, w.Price = 3, "changed", 9
		w.Maker.Name = "dan"
		w.Parts[0].Name = "hub"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	stored, err = shop1.open.Raw().Get(ctx, oldStore, primary)
	if err == nil {
		err = shop3.open.Raw().Put(ctx, newStore, primary, stored)
	}
	if err != nil {
		t.Fatal(err)
	}
	changed := three
	changed.Clock, changed.Title, changed.Maker.Name = 3, "changed", "dan"
	changed.Parts = slices.Clone(three.Parts)
	changed.Parts[0].Name = "hub"
	if got, err = shop3.open.Get(ctx, newStore, 7); err != nil || !reflect.DeepEqual(got, changed) {
		t.Errorf("after Modify the new program has %+v, %v, want %+v", got, err, changed)
	}
	for title, want := range map[string]int{"old": 0, "new": 0, "changed": 1} {
		if found, err := shop3.find(ctx, newStore, title); err != nil || found[0] != want {
			t.Errorf("the index has %v of %q, %v", found, title, err)
		}
	}
	verify(t, newStore)
	verify(t, oldStore)
}

func optionsOf(d *models.Definition) record.Options {
	return record.Options{Models: []*models.Definition{d}}
}

// A value that no version of the model can have written is refused.
func TestValuesOfNoVersion(t *testing.T) {
	type renamed struct {
		Seller        peer.ID
		Number, Clock uint64
		Title         uint64
	}
	seller := newTrader(t).id
	good := value(t, shop3.open, shop3.fill(seller, 7, 1, "x"))
	primary := shop1.open.EncodeKey(7)
	for name, value := range map[string][]byte{
		"another type of a field": encode(t, &renamed{Seller: seller, Number: 7, Title: 5}),
		"another key":             value(t, shop3.open, shop3.fill(seller, 8, 1, "x")),
		"cut short":               good[:len(good)-1],
		"a trailing byte":         append(bytes.Clone(good), 0),
		"a long spelling":         bytes.Replace(good, []byte("eStock\x02"), []byte("eStock\x18\x02"), 1),
		"a field twice":           bytes.Replace(good, []byte("eStock\x02"), []byte("eStock\x02eStock\x02"), 1),
		"a field that is no text": bytes.Replace(good, []byte("eStock"), []byte("EStock"), 1),
	} {
		if bytes.Equal(value, good) {
			t.Fatalf("%s: the value is the good one", name)
		}
		if _, err := shop1.open.Raw().Validate(primary, value); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Values that do not travel have one version only.
	local := models.NewTree("local", models.Uint64, func(w *ware1) uint64 { return w.Number })
	if _, err := local.Raw().Validate(primary, good); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("in a local tree: %v", err)
	}
}

// Fields that are not known count for the bounds.
func TestFieldsOfOtherVersionsAreBounded(t *testing.T) {
	seller := newTrader(t).id
	opts := optionsOf(shop1.declared)
	opts.MaxValueBytes = 500
	r, _ := openRecords(t, memory.Engine(), opts)
	w := shop3.fill(seller, 7, 1, "x")
	key := record.Key(shop1.open, 7)
	if err := take(t, r, key, value(t, shop3.open, w)); err != nil {
		t.Fatal(err)
	}
	if got, want := r.RecordUsage().Bytes, int64(8+len(value(t, shop3.open, w))); got != want {
		t.Errorf("it counts %d bytes, want %d", got, want)
	}
	w.Clock, w.Note = 2, string(make([]byte, 500))
	if err := take(t, r, key, value(t, shop3.open, w)); !errors.Is(err, models.ErrTooLarge) {
		t.Errorf("a large one: %v", err)
	}
}
