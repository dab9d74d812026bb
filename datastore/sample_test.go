package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// The model of a sample application in its releases. Stores of each of them are in testdata/sample.
type (
	order1 struct {
		ID       uint64
		Customer string
		Cents    uint32
	}

	// order2 has a field renamed, one wider, and one that is new.
	order2 struct {
		ID       uint64
		Buyer    string `netabase:"was=Customer"`
		Cents    uint64
		Currency string `netabase:"default=ZAR"`
	}

	// order3 has two fields in one, which takes a function, and a list.
	price struct {
		Cents    uint64
		Currency string
	}
	order3 struct {
		ID    uint64
		Buyer string
		Price price
		Items []string
	}

	// order4 has given up the list.
	order4 struct {
		ID    uint64
		Buyer string
		Price price
	}

	// order5 is kept by currency and number, and has a note.
	order5 struct {
		ID    uint64
		Buyer string
		Price price
		Note  *string
	}
)

func order2Of(o *order1) (order2, error) {
	return order2{ID: o.ID, Buyer: o.Customer, Cents: uint64(o.Cents), Currency: "ZAR"}, nil
}

func priceOf(o *order2) price { return price{o.Cents, o.Currency} }

type orderKey = models.Pair[string, uint64]

func keyOfOrder(o *order5) orderKey { return models.MakePair(o.Price.Currency, o.ID) }

// The newest release.
var (
	orders = models.NewTree("order", models.PairOf(models.String, models.Uint64), keyOfOrder,
		models.WithKeyVersion[order5](1), models.WithGivenUp[order5]("Items"),
		models.WithEarlier(models.EarlierType(func(o *order2) (order5, error) {
			return order5{ID: o.ID, Buyer: o.Buyer, Price: priceOf(o)}, nil
		}, models.EarlierType(order2Of))))
	orderByBuyer = models.NewMulti(orders, "buyer", models.String, func(o *order5) []string { return wordsOf(o.Buyer) },
		models.IndexVersion[order5](1))
	orderByNumber = models.NewUnique(orders, "number", models.Uint64, func(o *order5) uint64 { return o.ID })
	salesApp      = models.NewDefinition("sales", orders)
)

func wordsOf(name string) []string { return strings.Fields(strings.ToLower(name)) }

func buyerOf(id uint64) string { return fmt.Sprintf("Buyer%d Family%d", id, id%3) }

// sampleRows is how many orders each release stores.
const sampleRows = 6

// orderOf is order number id as the newest release has it. Each release stores the next orders, the
// first of them with numbers up to sampleRows.
func orderOf(id uint64) order5 {
	o := order5{ID: id, Buyer: buyerOf(id), Price: price{100 * id, "ZAR"}}
	if release := (id-1)/sampleRows + 1; release >= 2 {
		o.Price.Currency = []string{"ZAR", "KES"}[id%2]
		if release == 5 {
			note := fmt.Sprint("note ", id)
			o.Note = &note
		}
	}
	return o
}

// releases open a store each, as the releases of the application do, and store the orders that it is
// given.
var releases = []func(context.Context, engine.Engine, []order5) error{
	func(ctx context.Context, eng engine.Engine, rows []order5) error {
		tree := models.NewTree("order", models.Uint64, func(o *order1) uint64 { return o.ID })
		models.NewIndex(tree, "buyer", models.String, func(o *order1) string { return o.Customer })
		return storeOrders(ctx, eng, tree, rows, func(o order5) order1 {
			return order1{ID: o.ID, Customer: o.Buyer, Cents: uint32(o.Price.Cents)}
		})
	},
	func(ctx context.Context, eng engine.Engine, rows []order5) error {
		tree := models.NewTree("order", models.Uint64, func(o *order2) uint64 { return o.ID })
		models.NewIndex(tree, "buyer", models.String, func(o *order2) string { return o.Buyer })
		return storeOrders(ctx, eng, tree, rows, func(o order5) order2 {
			return order2{ID: o.ID, Buyer: o.Buyer, Cents: o.Price.Cents, Currency: o.Price.Currency}
		})
	},
	func(ctx context.Context, eng engine.Engine, rows []order5) error {
		tree := models.NewTree("order", models.Uint64, func(o *order3) uint64 { return o.ID },
			models.WithEarlier(models.EarlierType(func(o *order2) (order3, error) {
				return order3{ID: o.ID, Buyer: o.Buyer, Price: priceOf(o)}, nil
			})))
		models.NewIndex(tree, "buyer", models.String, func(o *order3) string { return o.Buyer })
		return storeOrders(ctx, eng, tree, rows, func(o order5) order3 {
			return order3{ID: o.ID, Buyer: o.Buyer, Price: o.Price, Items: []string{"a", "b"}}
		})
	},
	func(ctx context.Context, eng engine.Engine, rows []order5) error {
		tree := models.NewTree("order", models.Uint64, func(o *order4) uint64 { return o.ID },
			models.WithGivenUp[order4]("Items"), models.WithEarlier(models.EarlierType(func(o *order2) (order4, error) {
				return order4{ID: o.ID, Buyer: o.Buyer, Price: priceOf(o)}, nil
			})))
		models.NewMulti(tree, "buyer", models.String, func(o *order4) []string { return wordsOf(o.Buyer) },
			models.IndexVersion[order4](1))
		return storeOrders(ctx, eng, tree, rows, func(o order5) order4 {
			return order4{ID: o.ID, Buyer: o.Buyer, Price: o.Price}
		})
	},
	func(ctx context.Context, eng engine.Engine, rows []order5) error {
		s, err := datastore.Open(ctx, eng, salesApp)
		if err != nil {
			return err
		}
		return errors.Join(orders.PutMany(ctx, s, rows), s.Close())
	},
}

func storeOrders[M any](ctx context.Context, eng engine.Engine, tree *models.Tree[M, uint64], rows []order5, as func(order5) M) error {
	s, err := datastore.Open(ctx, eng, models.NewDefinition("sales", tree))
	if err != nil {
		return err
	}
	var stored []M
	for _, o := range rows {
		stored = append(stored, as(o))
	}
	return errors.Join(tree.PutMany(ctx, s, stored), s.Close())
}

// sampleStore makes the store that an application has which was updated to each release up to last,
// and returns how many orders it has.
func sampleStore(t *testing.T, eng engine.Engine, last int) uint64 {
	t.Helper()
	n := uint64(0)
	for _, release := range releases[:last] {
		var rows []order5
		for range sampleRows {
			n++
			rows = append(rows, orderOf(n))
		}
		if err := release(t.Context(), eng, rows); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// TestSample opens the stores of every release of the sample application with the newest one: those
// made here, on every engine, and those that were made once. See TestFixtures.
func TestSample(t *testing.T) {
	files := filepath.Join("testdata", "sample")
	version := os.Getenv(writeFixtures)
	for last := 1; last <= len(releases); last++ {
		for name, newEngine := range engines {
			t.Run(fmt.Sprint(last, "/", name), func(t *testing.T) {
				eng := newEngine(t)
				checkSample(t, eng, sampleStore(t, eng, last))
			})
		}
		if version == "" {
			continue
		}
		eng := memory.Engine()
		sampleStore(t, eng, last)
		s, err := datastore.Open(t.Context(), eng)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(files, fmt.Sprintf("%s-%d", version, last))
		if err := errors.Join(os.WriteFile(file+".backup", backup(t, s), 0o644), s.Close()); err != nil {
			t.Fatal(err)
		}
		for name, newEngine := range fixtureEngines {
			dir := t.TempDir()
			sampleStore(t, newEngine(dir), last)
			packDirectory(t, fmt.Sprintf("%s-%s.tar.gz", file, name), dir)
		}
	}
	all, err := filepath.Glob(filepath.Join(files, "*"))
	if err != nil || len(all) < 3*len(releases) {
		t.Fatalf("there are %q, %v", all, err)
	}
	for _, file := range all {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			eng := memory.Engine()
			name, packed := strings.CutSuffix(file, ".tar.gz")
			if packed {
				dir := t.TempDir()
				unpack(t, content, dir)
				dash := strings.LastIndex(name, "-")
				eng, name = fixtureEngines[name[dash+1:]](dir), name[:dash]
			} else {
				name = strings.TrimSuffix(name, ".backup")
				if _, err := datastore.Restore(t.Context(), eng, bytes.NewReader(content)); err != nil {
					t.Fatal(err)
				}
			}
			last := uint64(name[len(name)-1] - '0')
			checkSample(t, eng, last*sampleRows)
		})
	}
}

// checkSample opens a store of some release with the newest one, twice, and looks for n orders.
func checkSample(t *testing.T, eng engine.Engine, n uint64) {
	t.Helper()
	for range 2 {
		s, err := datastore.Open(t.Context(), eng, salesApp)
		if err != nil {
			t.Fatal(err)
		}
		for id := uint64(1); id <= n; id++ {
			want := orderOf(id)
			if got, err := orders.Get(t.Context(), s, keyOfOrder(&want)); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("order %d is %+v, %v; want %+v", id, got, err, want)
			}
			if got, err := orderByNumber.Get(t.Context(), s, id); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("order %d is %+v by its number, %v", id, got, err)
			}
			for _, word := range wordsOf(want.Buyer) {
				found := false
				for o, err := range orderByBuyer.Find(t.Context(), s, word) {
					if err != nil {
						t.Fatal(err)
					}
					found = found || reflect.DeepEqual(o, want)
				}
				if !found {
					t.Errorf("order %d is not found by %q", id, word)
				}
			}
		}
		if all, err := orders.Count(t.Context(), s, models.Range[orderKey]{}); err != nil || uint64(all) != n {
			t.Errorf("%d orders, %v; want %d", all, err, n)
		}
		if _, err := datastore.Migrate(t.Context(), s); err != nil {
			t.Error(err)
		}
		closeStore(t, s)
	}
}
