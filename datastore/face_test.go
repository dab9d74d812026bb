package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	dstest "github.com/ipfs/go-datastore/test"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// allSuites, set in the environment, has go-datastore's own suite run on every engine,
// and with all of its rows, of which it otherwise has as many as fewElements.
const allSuites = "NETABASE_SUITES"

const fewElements = 30

// suite runs go-datastore's own suite on d, which lies in the store of h.
func suite(t *testing.T, h *harness, d ds.Batching) {
	if h.restarts && !testing.Short() {
		t.Skip("go-datastore's suite does not restart")
	}
	if os.Getenv(allSuites) == "" {
		if h.engine.Name() != "memory" {
			t.Skip("not asked for by " + allSuites)
		}
		defer func(n int) { dstest.ElemCount = n }(dstest.ElemCount)
		dstest.ElemCount = fewElements
	}
	dstest.SubtestAll(t, d)
	for _, sub := range dstest.BatchSubtests {
		sub(t, d)
	}
}

// TestDatastoreSuite runs go-datastore's own suite on a whole store.
func TestDatastoreSuite(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		suite(t, h, h.Datastore())
	}, town)
}

// document is a model that can hold whatever go-datastore's suite stores.
type document struct {
	Path string
	Body []byte
}

var (
	documents = models.NewTree("document", models.String, func(d *document) string { return d.Path },
		models.WithCodec(models.Codec[document](bodyCodec{})),
		models.WithKey(func(d *document, path string) { d.Path = path }))
	_       = models.NewIndex(documents, "length", models.Int, func(d *document) int { return len(d.Body) })
	archive = models.NewDefinition("archive", documents)
)

// bodyCodec is a codec of a program's own: the body as it is.
type bodyCodec struct{}

func (bodyCodec) Name() string           { return "body" }
func (bodyCodec) Fields() []models.Field { return nil }
func (bodyCodec) Append(dst []byte, d *document) ([]byte, error) {
	return append(dst, d.Body...), nil
}

func (bodyCodec) Decode(src []byte, d *document) error {
	*d = document{Body: bytes.Clone(src)}
	return nil
}

// TestTreeSuite runs go-datastore's own suite on one typed tree with an index.
func TestTreeSuite(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		suite(t, h, rowPaths{h.Tree(documents)})
	}, archive)
}

// rowPaths names a document by its path, as the suite does, where the face
// names it by the key of its row.
type rowPaths struct{ *datastore.Face }

const documentRows = "/archive.document/primary/"

func rowKey(key ds.Key) ds.Key { return ds.RawKey(documentRows + documents.PathText(key.String())) }

func (r rowPaths) Get(ctx context.Context, key ds.Key) ([]byte, error) {
	return r.Face.Get(ctx, rowKey(key))
}

func (r rowPaths) Has(ctx context.Context, key ds.Key) (bool, error) {
	return r.Face.Has(ctx, rowKey(key))
}

func (r rowPaths) GetSize(ctx context.Context, key ds.Key) (int, error) {
	return r.Face.GetSize(ctx, rowKey(key))
}

func (r rowPaths) Put(ctx context.Context, key ds.Key, value []byte) error {
	return r.Face.Put(ctx, rowKey(key), value)
}

func (r rowPaths) Delete(ctx context.Context, key ds.Key) error {
	return r.Face.Delete(ctx, rowKey(key))
}

func (r rowPaths) Batch(ctx context.Context) (ds.Batch, error) {
	b, err := r.Face.Batch(ctx)
	return rowBatch{b}, err
}

type rowBatch struct{ ds.Batch }

func (b rowBatch) Put(ctx context.Context, key ds.Key, value []byte) error {
	return b.Batch.Put(ctx, rowKey(key), value)
}

func (b rowBatch) Delete(ctx context.Context, key ds.Key) error {
	return b.Batch.Delete(ctx, rowKey(key))
}

func (r rowPaths) Query(ctx context.Context, q dsq.Query) (dsq.Results, error) {
	results, err := r.Face.Query(ctx, dsq.Query{})
	if err != nil {
		return nil, err
	}
	entries, err := results.Rest()
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		path, err := models.String.ParseText(strings.TrimPrefix(e.Key, documentRows))
		if err != nil {
			return nil, err
		}
		entries[i].Key = path
	}
	found := dsq.NaiveQueryApply(q, dsq.ResultsWithEntries(q, entries))
	if !q.KeysOnly {
		return found, nil
	}
	if entries, err = found.Rest(); err != nil {
		return nil, err
	}
	for i := range entries {
		entries[i].Value = nil
	}
	return dsq.ResultsWithEntries(q, entries), nil
}

func keysOf(t *testing.T, d ds.Datastore, q dsq.Query) []string {
	t.Helper()
	results, err := d.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := results.Rest()
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	return keys
}

func TestFaceNamespaces(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		for i := range uint64(3) {
			p := somebody(i)
			p.Name = "net/http"
			if err := people.Put(ctx, h.Store, &p); err != nil {
				t.Fatal(err)
			}
		}
		face := h.Datastore()
		for _, key := range []string{"/a", "/town.person", "/town.person2/x", "/z/deep/er"} {
			if err := face.Put(ctx, ds.RawKey(key), []byte(key)); key == "/town.person" {
				if !errors.Is(err, datastore.ErrForeignKey) {
					t.Error(key, err)
				}
			} else if err != nil {
				t.Error(key, err)
			}
		}
		h.restart()
		face = h.Datastore()

		row := func(i int) string { return fmt.Sprintf("/town.person/primary/%020d", i) }
		everything := []string{"/a", row(0), row(1), row(2), "/town.person2/x", "/z/deep/er"}
		if got := keysOf(t, face, dsq.Query{Orders: []dsq.Order{dsq.OrderByKey{}}}); !slices.Equal(got, everything) {
			t.Error(got)
		}
		backwards := slices.Clone(everything)
		slices.Reverse(backwards)
		q := dsq.Query{Orders: []dsq.Order{dsq.OrderByKeyDescending{}}, Offset: 1, Limit: 3, KeysOnly: true}
		if got := keysOf(t, face, q); !slices.Equal(got, backwards[1:4]) {
			t.Error(got)
		}
		for prefix, want := range map[string][]string{
			"/town.person":           everything[1:4],
			"town.person/primary/":   everything[1:4],
			"/town.person/primary/0": nil,
			"/z":                     {"/z/deep/er"},
			"/z/deep/er":             nil,
			"/town.person/nonsense":  nil,
			"/town.person/index/name/net-2fhttp": {
				"/town.person/index/name/net-2fhttp/" + fmt.Sprintf("%020d", 0),
				"/town.person/index/name/net-2fhttp/" + fmt.Sprintf("%020d", 1),
				"/town.person/index/name/net-2fhttp/" + fmt.Sprintf("%020d", 2),
			},
			"/town.person/index/name/other": nil,
		} {
			if got := keysOf(t, face, dsq.Query{Prefix: prefix}); !slices.Equal(got, want) && len(got)+len(want) > 0 {
				t.Errorf("below %s: %v, want %v", prefix, got, want)
			}
		}
		if got := keysOf(t, face, dsq.Query{Prefix: "/town.person/index"}); len(got) != 3*5 {
			// name, email, city_age and two tags a row
			t.Errorf("%d entries: %v", len(got), got)
		}

		// An index entry reads as its row, and cannot be written.
		entry := ds.RawKey("/town.person/index/name/net-2fhttp/" + fmt.Sprintf("%020d", 1))
		value, err := face.Get(ctx, entry)
		direct, directErr := face.Get(ctx, ds.RawKey(row(1)))
		if err != nil || directErr != nil || !bytes.Equal(value, direct) {
			t.Error(err, directErr)
		}
		if size, err := face.GetSize(ctx, entry); err != nil || size != len(direct) {
			t.Error(size, err)
		}
		if err := face.Put(ctx, entry, value); !errors.Is(err, datastore.ErrIndexKey) {
			t.Error(err)
		}
		if err := face.Delete(ctx, entry); !errors.Is(err, datastore.ErrIndexKey) {
			t.Error(err)
		}

		// Absence is go-datastore's own error, unwrapped.
		for _, key := range []string{row(77), "/nothing", "/town.person/primary/x", "/town.person/x", "/town.person/index/name/other/" + fmt.Sprintf("%020d", 1)} {
			if _, err := face.Get(ctx, ds.RawKey(key)); err != ds.ErrNotFound {
				t.Error(key, err)
			}
			if has, err := face.Has(ctx, ds.RawKey(key)); has || err != nil {
				t.Error(key, has, err)
			}
		}

		// A key that is too long is absent, and cannot be put.
		long := ds.RawKey("/" + strings.Repeat("x", 40_000))
		if _, err := face.Get(ctx, long); err != ds.ErrNotFound {
			t.Error(err)
		}
		if err := face.Delete(ctx, long); err != nil {
			t.Error(err)
		}
		if err := face.Put(ctx, long, nil); !errors.Is(err, models.ErrKeySize) || len(err.Error()) > 400 {
			t.Error(err)
		}

		// A row's value has to be one, under its own key.
		for name, put := range map[string]struct {
			key   string
			value []byte
		}{
			"the key of another row": {row(7), direct},
			"a byte too many":        {row(1), append(bytes.Clone(direct), 0)},
			"a byte too few":         {row(1), direct[:len(direct)-1]},
			"no value":               {row(1), nil},
			"a key without padding":  {"/town.person/primary/1", direct},
		} {
			if err := face.Put(ctx, ds.RawKey(put.key), put.value); !errors.Is(err, models.ErrInvalid) || !strings.Contains(err.Error(), "town.person") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if after, err := face.Get(ctx, ds.RawKey(row(1))); err != nil || !bytes.Equal(after, direct) {
			t.Error("a refused put has changed the row")
		}

		// Writing a row through the face keeps the indexes.
		if err := face.Delete(ctx, ds.RawKey(row(1))); err != nil {
			t.Error(err)
		}
		if n, err := byName.Count(ctx, h.Store, models.Only("net/http")); n != 2 || err != nil {
			t.Error(n, err)
		}
		if err := face.Put(ctx, ds.RawKey(row(1)), direct); err != nil {
			t.Error(err)
		}
		if n, err := byName.Count(ctx, h.Store, models.Only("net/http")); n != 3 || err != nil {
			t.Error(n, err)
		}
	}, town)
}

func TestClosedFace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx, key := t.Context(), ds.NewKey("/k")
		check := func(face *datastore.Face, batch ds.Batch) {
			t.Helper()
			_, getErr := face.Get(ctx, key)
			_, hasErr := face.Has(ctx, key)
			_, rowErr := face.Has(ctx, ds.NewKey("/town.person/primary/x"))
			_, queryErr := queryAll(ctx, face)
			for i, err := range []error{getErr, hasErr, rowErr, queryErr, face.Put(ctx, key, nil), face.Delete(ctx, key), face.Sync(ctx, key), batch.Commit(ctx)} {
				if !errors.Is(err, models.ErrClosed) {
					t.Errorf("call %d: %v", i, err)
				}
			}
		}
		face := h.Datastore()
		batch, err := face.Batch(ctx)
		if err := errors.Join(err, batch.Put(ctx, key, nil), face.Close()); err != nil {
			t.Fatal(err)
		}
		check(face, batch)
		face = h.Datastore()
		batch, err = face.Batch(ctx)
		if err := errors.Join(err, batch.Put(ctx, key, nil), h.Store.Close()); err != nil {
			t.Fatal(err)
		}
		check(face, batch)
		h.open()
	}, town)
}

func queryAll(ctx context.Context, d ds.Datastore) ([]dsq.Entry, error) {
	results, err := d.Query(ctx, dsq.Query{})
	if err != nil {
		return nil, err
	}
	return results.Rest()
}

// TestLargeValues checks that the face takes values of 8 MiB on every engine, and gives
// them back by key and by query.
func TestLargeValues(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		d := h.Store.Datastore()
		for _, size := range []int{1 << 20, 2 << 20, 8 << 20} {
			key, value := ds.NewKey(fmt.Sprint("/blocks/", size)), bytes.Repeat([]byte{byte(size >> 20)}, size)
			if err := d.Put(t.Context(), key, value); err != nil {
				t.Fatal(err)
			}
			if got, err := d.Get(t.Context(), key); err != nil || !bytes.Equal(got, value) {
				t.Errorf("%d bytes come back as %d, %v", size, len(got), err)
			}
			if n, err := d.GetSize(t.Context(), key); err != nil || n != size {
				t.Errorf("%d bytes have size %d, %v", size, n, err)
			}
		}
		results, err := d.Query(t.Context(), dsq.Query{Prefix: "/blocks"})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := results.Rest()
		if err != nil || len(entries) != 3 {
			t.Fatalf("%d values, %v", len(entries), err)
		}
		for _, e := range entries {
			if e.Key != fmt.Sprint("/blocks/", len(e.Value)) {
				t.Errorf("%s has %d bytes", e.Key, len(e.Value))
			}
		}
	})
}
