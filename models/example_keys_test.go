package models_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// Keys are shown, and read, as people write them.
func ExampleKeyCodec() {
	codec := models.TripleOf(models.String, models.Int8, models.Bytes)
	fmt.Println(codec.Format(models.MakeTriple("sku-00", int8(-5), []byte{0xCA, 0xFE})))

	key, err := codec.Parse(`"Smith, John", 7, 0x`)
	fmt.Println(key.First, key.Second, key.Third, err)
	// Output:
	// sku-00,-5,0xcafe
	// Smith, John 7 [] <nil>
}

type sale struct {
	Shop  string
	Year  uint16
	Month uint8
	Total int
}

var (
	sales = models.NewTree("sale", models.TripleOf(models.String, models.Uint16, models.Uint8),
		func(s *sale) models.Triple[string, uint16, uint8] { return models.MakeTriple(s.Shop, s.Year, s.Month) })

	shops = models.NewDefinition("shops", sales)
)

// A key of several parts is searched by its first ones.
func ExampleFirstTwoAre() {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), shops)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	err = sales.PutMany(ctx, store, []sale{
		{"Lagos", 2025, 12, 90}, {"Lagos", 2026, 1, 50}, {"Lagos", 2026, 2, 70}, {"Nairobi", 2026, 1, 80},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	show := func(title string, rng models.Range[models.Triple[string, uint16, uint8]]) {
		fmt.Print(title)
		for s, err := range sales.Range(ctx, store, rng) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Print(" ", s.Total)
		}
		fmt.Println()
	}
	lagos := models.FirstIs(sales, "Lagos")
	show("Lagos:", lagos)
	show("Lagos, 2026:", models.FirstTwoAre(sales, "Lagos", 2026))
	show("Lagos, from January 2026 on:", lagos.From(models.MakeTriple("Lagos", uint16(2026), uint8(1))))
	// Output:
	// Lagos: 90 50 70
	// Lagos, 2026: 50 70
	// Lagos, from January 2026 on: 50 70
}

// domain is a key of a type of its own: a name in the DNS, ordered by its labels
// from the last to the first, so that a zone lies together.
type domain string

func (d domain) reversed() string {
	labels := strings.Split(string(d), ".")
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	return strings.Join(labels, ".")
}

// domainKey writes domains as strings with their labels reversed. The codec that
// it embeds does the rest.
type domainKey struct{ models.KeyCodec[domain] }

func (domainKey) Name() string { return "domain" }

func (k domainKey) Append(dst []byte, d domain) []byte {
	return k.KeyCodec.Append(dst, domain(d.reversed()))
}

func (k domainKey) Decode(src []byte) (domain, []byte, error) {
	d, rest, err := k.KeyCodec.Decode(src)
	return domain(d.reversed()), rest, err
}

func (k domainKey) AppendLast(dst []byte, d domain) []byte {
	return k.KeyCodec.AppendLast(dst, domain(d.reversed()))
}

func (k domainKey) DecodeLast(src []byte) (domain, error) {
	d, err := k.KeyCodec.DecodeLast(src)
	return domain(d.reversed()), err
}

func (k domainKey) AppendText(dst []byte, d domain) []byte {
	return k.KeyCodec.AppendText(dst, domain(d.reversed()))
}

func (k domainKey) ParseText(text string) (domain, error) {
	d, err := k.KeyCodec.ParseText(text)
	return domain(d.reversed()), err
}

// AppendPrefix makes it a models.PrefixCodec, for models.StartingWith.
func (k domainKey) AppendPrefix(dst []byte, d domain, last bool) []byte {
	return k.KeyCodec.(models.PrefixCodec[domain]).AppendPrefix(dst, domain(d.reversed()), last)
}

type site struct {
	Name   domain
	Visits int
}

var (
	sites = models.NewTree("site", domainKey{models.StringOf[domain]()}, func(s *site) domain { return s.Name })
	web   = models.NewDefinition("web", sites)
)

// A key codec of your own has the same ranges as those of the package.
func ExamplePrefixCodec() {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), web)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	err = sites.PutMany(ctx, store, []site{{"example.org", 1}, {"www.example.org", 2}, {"example.com", 3}, {"go.dev", 4}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for name, err := range sites.Keys(ctx, store, models.StartingWith(domain("example.org"))) {
		fmt.Println(name, err)
	}
	_, err = sites.Get(ctx, store, "go.mod")
	fmt.Println(err)
	// Output:
	// example.org <nil>
	// www.example.org <nil>
	// get web.site go.mod: not found
}
