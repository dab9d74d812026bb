package datastore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// page is a model whose rows have much in common.
type page struct {
	ID                uint64
	Title, Text, Host string
	Links             []string
}

// pages is the tree of pages with compression, and plainPages the same tree without it.
var (
	pages      = newPages(models.WithCompression[page]())
	plainPages = newPages()
)

type pageTrees struct {
	tree       *models.Tree[page, uint64]
	byHost     *models.Index[page, uint64, string]
	byTitle    *models.Unique[page, uint64, string]
	definition *models.Definition
}

func newPages(options ...models.TreeOption[page]) (p pageTrees) {
	p.tree = models.NewTree("page", models.Uint64, func(p *page) uint64 { return p.ID }, options...)
	p.byHost = models.NewIndex(p.tree, "host", models.String, func(p *page) string { return p.Host })
	p.byTitle = models.NewUnique(p.tree, "title", models.String, func(p *page) string { return p.Title })
	p.definition = models.NewDefinition("web", p.tree)
	return p
}

// pageNumber returns page i of a kind. Pages of one kind are alike.
func pageNumber(kind string, i uint64) page {
	host := fmt.Sprintf("host-%d.example.org", i%13)
	return page{
		ID: i, Title: fmt.Sprintf("%s no. %d", kind, i), Host: host,
		Text: fmt.Sprintf("This is the text of %s number %d, which was written on %s at %d:%02d; %d people have seen it.",
			kind, i, host, i%24, i%60, i*i%1009),
		Links: []string{"https://" + host + "/" + kind, fmt.Sprintf("https://%s/archive/%d", host, i/100)},
	}
}

func pagesOf(kind string, from, n uint64) []page {
	rows := make([]page, n)
	for i := range rows {
		rows[i] = pageNumber(kind, from+uint64(i))
	}
	return rows
}

// putPages puts pages in transactions of 100 rows.
func putPages(t testing.TB, s *datastore.Store, rows []page) {
	t.Helper()
	for part := range slices.Chunk(rows, 100) {
		if err := pages.tree.PutMany(t.Context(), s, part); err != nil {
			t.Fatal(err)
		}
	}
}

// checkPages reads all rows in every way.
func checkWeb(t testing.TB, s *datastore.Store, of pageTrees, want []page) {
	t.Helper()
	ctx := t.Context()
	at := 0
	for row, err := range of.tree.All(ctx, s) {
		if err != nil || at == len(want) || !reflect.DeepEqual(row, want[at]) {
			t.Fatalf("row %d is %+v, %v", at, row, err)
		}
		at++
	}
	if at != len(want) {
		t.Fatalf("%d rows, not %d", at, len(want))
	}
	raw := of.tree.Raw()
	for i := 0; i < len(want); i += 97 {
		key, value, err := of.tree.Encode(&want[i])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := raw.Get(ctx, s, key); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("value %x, %v, not %x", got, err, value)
		}
		if size, err := raw.Size(ctx, s, key); err != nil || size != len(value) {
			t.Fatalf("a value of %d bytes, %v, not %d", size, err, len(value))
		}
		if row, err := of.byTitle.Get(ctx, s, want[i].Title); err != nil || !reflect.DeepEqual(row, want[i]) {
			t.Fatalf("row %d is %+v, %v", i, row, err)
		}
		err = of.tree.Borrow(ctx, s, want[i].ID, func(row models.BorrowedRow) error {
			if !bytes.Equal(row.Value.Clone(), value) {
				return fmt.Errorf("value %x is lent, not %x", row.Value.Clone(), value)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for row, err := range of.byHost.Find(ctx, s, want[i].Host) {
			if err != nil {
				t.Fatal(err)
			}
			found = found || reflect.DeepEqual(row, want[i])
		}
		if !found {
			t.Fatalf("row %d is not found by its host", i)
		}
		stop := errors.New("stop")
		err = of.tree.PutIf(ctx, s, &want[i], func(size int) error {
			if size != len(value) {
				return fmt.Errorf("a value of %d bytes, not %d", size, len(value))
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
	}
}

// The catalog's keys and the container's bit for compression: see docs/format.md.
var dictionaryKeys = []byte{1, 3}

const compressedBit = 4

// pageSpace is the space of the pages: 64 is the store's own tree.
const pageSpace = 65

// stored is what lies on disk of the pages.
type stored struct{ rows, compressed, bytes, dictionaries int }

func storedPages(t testing.TB, eng engine.Engine) (found stored) {
	t.Helper()
	for _, p := range dump(t, eng) {
		switch {
		case p.key[0] == pageSpace:
			found.rows++
			found.bytes += len(p.value)
			if p.value[0]&compressedBit != 0 {
				found.compressed++
			}
		case bytes.HasPrefix(p.key, dictionaryKeys):
			found.dictionaries++
		}
	}
	return found
}

func TestCompression(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := newEngine(t)
			rows := pagesOf("page", 0, 3000)
			s := datastore.Temp(t, eng, pages.definition)
			putPages(t, s, rows)
			checkWeb(t, s, pages, rows)
			for i := uint64(0); i < 3000; i += 5 {
				if err := pages.tree.Modify(t.Context(), s, i, func(p *page) error { p.Text += "!"; return nil }); err != nil {
					t.Fatal(err)
				}
				rows[i].Text += "!"
			}
			if err := pages.tree.Delete(t.Context(), s, 2999); err != nil {
				t.Fatal(err)
			}
			rows = rows[:2999]
			checkWeb(t, s, pages, rows)
			info, err := s.Inspect().Store(t.Context())
			if err != nil || !slices.Equal(info.Features.Incompatible, []string{"compression"}) {
				t.Errorf("features %+v, %v", info.Features, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			found := storedPages(t, eng)
			plain := 0
			for i := range rows {
				_, value, err := pages.tree.Encode(&rows[i])
				if err != nil {
					t.Fatal(err)
				}
				plain += len(value)
			}
			if found.rows != 2999 || found.compressed < 2000 || found.dictionaries != 1 || found.bytes > plain*6/10 {
				t.Errorf("%+v of %d bytes", found, plain)
			}

			// The rows stay as they are without the option, and new ones are not compressed.
			s = datastore.Temp(t, eng, plainPages.definition)
			checkWeb(t, s, plainPages, rows)
			extra := pageNumber("page", 5000)
			if err := plainPages.tree.Put(t.Context(), s, &extra); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			after := storedPages(t, eng)
			if after.compressed != found.compressed || after.rows != found.rows+1 {
				t.Errorf("%+v, and after a put without the option %+v", found, after)
			}
			// With the option again, it goes on where it was.
			s = datastore.Temp(t, eng, pages.definition)
			again := pageNumber("page", 5001)
			if err := pages.tree.Put(t.Context(), s, &again); err != nil {
				t.Fatal(err)
			}
			checkWeb(t, s, pages, append(rows, extra, again))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if last := storedPages(t, eng); last.compressed != after.compressed+1 || last.dictionaries != 1 {
				t.Errorf("%+v, and after a put with the option %+v", after, last)
			}
		})
	}
}

// All rows of one transaction but the first ones are compressed, and of one that does not commit
// nothing is left.
func TestCompressionWithinATransaction(t *testing.T) {
	skipShort(t)
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := newEngine(t)
			s := datastore.Temp(t, eng, pages.definition)
			rows := pagesOf("page", 0, 2500)
			stop := errors.New("stop")
			for range 2 {
				err := s.Update(t.Context(), func(ctx context.Context, tx *datastore.WriteTx) error {
					if err := pages.tree.PutMany(ctx, tx, rows); err != nil {
						return err
					}
					if row, err := pages.tree.Get(ctx, tx, 2400); err != nil || !reflect.DeepEqual(row, rows[2400]) {
						t.Errorf("%+v, %v", row, err)
					}
					return stop
				})
				if !errors.Is(err, stop) {
					t.Fatal(err)
				}
			}
			info, err := s.Inspect().Store(t.Context())
			if err != nil || len(info.Features.Incompatible) > 0 {
				t.Errorf("features of an empty store: %+v, %v", info.Features, err)
			}
			if err := pages.tree.PutMany(t.Context(), s, rows); err != nil {
				t.Fatal(err)
			}
			checkWeb(t, s, pages, rows)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if found := storedPages(t, eng); found.compressed != 2500 || found.dictionaries != 1 {
				t.Errorf("%+v", found)
			}
		})
	}
}

// Rows that were there before the option are what the first dictionary is trained from.
func TestCompressionOfAStoreWithRows(t *testing.T) {
	eng := memory.Engine()
	s := datastore.Temp(t, eng, plainPages.definition)
	rows := pagesOf("page", 0, 3000)
	if err := plainPages.tree.PutMany(t.Context(), s, rows); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = datastore.Temp(t, eng, pages.definition)
	putPages(t, s, rows[:10])
	checkWeb(t, s, pages, rows)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if found := storedPages(t, eng); found.compressed != 10 || found.dictionaries != 1 {
		t.Errorf("%+v", found)
	}
}

// When values change, a dictionary is trained anew. Rows of the old one are read as ever.
func TestDictionaryIsTrainedAgain(t *testing.T) {
	skipShort(t)
	eng := memory.Engine()
	s := datastore.Temp(t, eng, pages.definition)
	rows := append(pagesOf("page", 0, 3000), pagesOf("UNLIKE ANY THING THAT WAS BEFORE", 3000, 12_000)...)
	for i := range rows[3000:] {
		rows[3000+i].Text = strings.ToUpper(rows[3000+i].Text)
	}
	putPages(t, s, rows)
	checkWeb(t, s, pages, rows)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if found := storedPages(t, eng); found.dictionaries != 2 {
		t.Errorf("%+v", found)
	}
	s = datastore.Temp(t, eng, pages.definition)
	checkWeb(t, s, pages, rows)
}

// Rows that do not become shorter are stored as they are.
func TestRowsThatDoNotShrink(t *testing.T) {
	skipShort(t)
	eng := memory.Engine()
	s := datastore.Temp(t, eng, pages.definition)
	random := rand.New(rand.NewPCG(7, 13))
	rows := make([]page, 3000)
	for i := range rows {
		noise := make([]byte, 60)
		for j := range noise {
			noise[j] = byte('!' + random.IntN(90))
		}
		rows[i] = page{ID: uint64(i), Title: string(noise), Links: []string{}}
	}
	putPages(t, s, rows)
	checkWeb(t, s, pages, rows)
}

// A row whose dictionary is not there, or which is damaged in what is compressed, is damaged, and
// no other.
func TestDamagedCompression(t *testing.T) {
	skipShort(t)
	eng := memory.Engine()
	s := datastore.Temp(t, eng, pages.definition)
	rows := pagesOf("page", 0, 3000)
	putPages(t, s, rows)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	last := binary.BigEndian.AppendUint64([]byte{pageSpace}, 2999)
	for name, change := range map[string]func(row []byte) []byte{
		"another dictionary": func(row []byte) []byte { row[2] = 9; return row },
		"cut":                func(row []byte) []byte { return row[:len(row)-1] },
		"nothing":            func(row []byte) []byte { return row[:3] },
		"large":              func(row []byte) []byte { return append(row[:3], 0xA0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			eng := load(t, dump(t, eng))
			rewrite(t, eng, last, change)
			s, err := datastore.Open(t.Context(), eng, pages.definition)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := pages.tree.Get(t.Context(), s, 2999); !errors.Is(err, models.ErrCorrupt) {
				t.Errorf("get: %v", err)
			}
			if _, err := pages.tree.Raw().Size(t.Context(), s, last[1:]); !errors.Is(err, models.ErrCorrupt) {
				t.Errorf("size: %v", err)
			}
			if row, err := pages.tree.Get(t.Context(), s, 2998); err != nil || !reflect.DeepEqual(row, rows[2998]) {
				t.Errorf("the row before: %+v, %v", row, err)
			}
			report, err := datastore.Verify(t.Context(), s)
			if err != nil || len(report.Damage) == 0 {
				t.Errorf("verify: %+v, %v", report, err)
			}
		})
	}
	t.Run("the dictionary is missing", func(t *testing.T) {
		eng := load(t, slices.DeleteFunc(dump(t, eng), func(p pair) bool { return bytes.HasPrefix(p.key, dictionaryKeys) }))
		s, err := datastore.Open(t.Context(), eng, plainPages.definition)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := plainPages.tree.Get(t.Context(), s, 2999); !errors.Is(err, models.ErrCorrupt) {
			t.Errorf("get: %v", err)
		}
		if row, err := plainPages.tree.Get(t.Context(), s, 0); err != nil || !reflect.DeepEqual(row, rows[0]) {
			t.Errorf("a row that is not compressed: %+v, %v", row, err)
		}
	})
	t.Run("the dictionary is damaged", func(t *testing.T) {
		eng := load(t, dump(t, eng))
		rewrite(t, eng, []byte{1, 3, pageSpace, 0, 0, 0, 1}, func(row []byte) []byte { return row[:100] })
		if s, err := datastore.Open(t.Context(), eng, pages.definition); !errors.Is(err, models.ErrCorrupt) {
			t.Errorf("%v, %v", s, err)
		}
	})
}

// Without its Go types a store shows what its rows hold.
func TestInspectCompressedRows(t *testing.T) {
	eng := memory.Engine()
	s := datastore.Temp(t, eng, pages.definition)
	rows := pagesOf("page", 0, 3000)
	putPages(t, s, rows)
	look := func(in *datastore.Inspection) {
		t.Helper()
		at := 0
		for row, err := range in.Rows(t.Context(), "web.page") {
			if err != nil || row.Err != nil || !strings.Contains(string(row.Value), fmt.Sprintf("%q", rows[at].Text)) {
				t.Fatalf("row %d: %+v, %v", at, row, err)
			}
			at++
		}
		if at != len(rows) {
			t.Errorf("%d rows", at)
		}
	}
	look(s.Inspect())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	in, err := datastore.Inspect(t.Context(), eng)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	look(in)
}

// A backup has rows as they are outside of the store, and needs no feature.
func TestBackupIsNotCompressed(t *testing.T) {
	skipShort(t)
	eng := memory.Engine()
	s := datastore.Temp(t, eng, pages.definition)
	rows := pagesOf("page", 0, 3000)
	putPages(t, s, rows)
	var backup bytes.Buffer
	if _, err := s.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	restored := memory.Engine()
	if _, err := datastore.Restore(t.Context(), restored, bytes.NewReader(backup.Bytes())); err != nil {
		t.Fatal(err)
	}
	if found := storedPages(t, restored); found.rows != 3000 || found.compressed != 0 || found.dictionaries != 0 {
		t.Errorf("%+v", found)
	}
	again := datastore.Temp(t, restored, plainPages.definition)
	checkWeb(t, again, plainPages, rows)
	info, err := again.Inspect().Store(t.Context())
	if err != nil || len(info.Features.Incompatible) > 0 {
		t.Errorf("features %+v, %v", info.Features, err)
	}
}

// Writers that train the first dictionary at the same time do not get in each other's way.
func TestCompressionByManyWriters(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			s := datastore.Temp(t, newEngine(t), pages.definition)
			rows := pagesOf("page", 0, 4000)
			var writers sync.WaitGroup
			for part := range slices.Chunk(rows, 500) {
				writers.Go(func() {
					for few := range slices.Chunk(part, 20) {
						if err := pages.tree.PutMany(t.Context(), s, few); err != nil {
							t.Error(err)
						}
						if row, err := pages.tree.Get(t.Context(), s, few[0].ID); err != nil || !reflect.DeepEqual(row, few[0]) {
							t.Errorf("%+v, %v", row, err)
						}
					}
				})
			}
			writers.Wait()
			checkWeb(t, s, pages, rows)
		})
	}
}
