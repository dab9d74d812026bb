package dstest_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
)

// document is a model that can hold the values of the suite.
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

// bodyCodec writes the body unchanged.
type bodyCodec struct{}

func (bodyCodec) Name() string                                   { return "body" }
func (bodyCodec) Fields() []models.Field                         { return nil }
func (bodyCodec) Append(dst []byte, d *document) ([]byte, error) { return append(dst, d.Body...), nil }

func (bodyCodec) Decode(src []byte, d *document) error {
	*d = document{Body: bytes.Clone(src)}
	return nil
}

// rows is the prefix of documents in the datastore of their tree.
const rows = "/archive.document/primary/"

// row returns the key of the row for a key of the suite, and path does the reverse.
func row(key ds.Key) ds.Key { return ds.RawKey(rows + documents.PathText(key.String())) }

func path(row string) (string, error) { return models.String.ParseText(strings.TrimPrefix(row, rows)) }

// closing is a datastore that is closed with its store.
type closing struct{ *datastore.Face }

func (c closing) Close() error { return errors.Join(c.Face.Close(), c.Store().Close()) }

// byPath is the datastore of one tree with the keys of the suite.
type byPath struct {
	closing
	readPath
	writePath
}

type readPath struct{ ds.Read }

func (r readPath) Get(ctx context.Context, key ds.Key) ([]byte, error) {
	return r.Read.Get(ctx, row(key))
}

func (r readPath) Has(ctx context.Context, key ds.Key) (bool, error) {
	return r.Read.Has(ctx, row(key))
}

func (r readPath) GetSize(ctx context.Context, key ds.Key) (int, error) {
	return r.Read.GetSize(ctx, row(key))
}

// Query passes on the parts of a query that work on rows. Prefixes and filters use the suite's
// keys.
func (r readPath) Query(ctx context.Context, q dsq.Query) (dsq.Results, error) {
	ask, rest := q, dsq.Query{}
	if ds.NewKey(q.Prefix) != ds.NewKey("/") || len(q.Filters) > 0 {
		ask = dsq.Query{
			ReturnExpirations: q.ReturnExpirations,
			ReturnsSizes:      true,
			KeysOnly:          q.KeysOnly && len(q.Filters) == 0 && q.Orders == nil,
		}
		rest = q
	}
	ask.Prefix = ""
	inRows, err := r.Read.Query(ctx, ask)
	if err != nil {
		return nil, err
	}
	found := dsq.NaiveQueryApply(rest, dsq.ResultsFromIterator(q, dsq.Iterator{
		Next: func() (dsq.Result, bool) {
			e, ok := inRows.NextSync()
			if ok && e.Error == nil {
				e.Key, e.Error = path(e.Key)
			}
			return e, ok
		},
		Close: inRows.Close,
	}))
	return dsq.ResultsFromIterator(q, dsq.Iterator{
		Next: func() (dsq.Result, bool) {
			e, ok := found.NextSync()
			if q.KeysOnly {
				e.Value = nil
			}
			return e, ok
		},
		Close: found.Close,
	}), nil
}

type writePath struct{ ds.Write }

func (w writePath) Put(ctx context.Context, key ds.Key, value []byte) error {
	return w.Write.Put(ctx, row(key), value)
}

func (w writePath) Delete(ctx context.Context, key ds.Key) error {
	return w.Write.Delete(ctx, row(key))
}

// These are the calls that several embedded parts have.

func (b byPath) Get(ctx context.Context, key ds.Key) ([]byte, error) { return b.readPath.Get(ctx, key) }

func (b byPath) Has(ctx context.Context, key ds.Key) (bool, error) { return b.readPath.Has(ctx, key) }

func (b byPath) GetSize(ctx context.Context, key ds.Key) (int, error) {
	return b.readPath.GetSize(ctx, key)
}

func (b byPath) Query(ctx context.Context, q dsq.Query) (dsq.Results, error) {
	return b.readPath.Query(ctx, q)
}

func (b byPath) Put(ctx context.Context, key ds.Key, v []byte) error {
	return b.writePath.Put(ctx, key, v)
}

func (b byPath) Delete(ctx context.Context, key ds.Key) error { return b.writePath.Delete(ctx, key) }

func (b byPath) PutWithTTL(ctx context.Context, key ds.Key, value []byte, ttl time.Duration) error {
	return b.closing.PutWithTTL(ctx, row(key), value, ttl)
}

func (b byPath) SetTTL(ctx context.Context, key ds.Key, ttl time.Duration) error {
	return b.closing.SetTTL(ctx, row(key), ttl)
}

func (b byPath) GetExpiration(ctx context.Context, key ds.Key) (time.Time, error) {
	return b.closing.GetExpiration(ctx, row(key))
}

func (b byPath) Batch(ctx context.Context) (ds.Batch, error) {
	batch, err := b.closing.Batch(ctx)
	if err != nil {
		return nil, err
	}
	return struct {
		writePath
		commit
	}{writePath{batch}, batch}, nil
}

type commit interface{ Commit(context.Context) error }

func (b byPath) NewTransaction(ctx context.Context, readOnly bool) (ds.Txn, error) {
	txn, err := b.closing.NewTransaction(ctx, readOnly)
	if err != nil {
		return nil, err
	}
	return struct {
		readPath
		writePath
		ends
	}{readPath{txn}, writePath{txn}, txn}, nil
}

type ends interface {
	commit
	Discard(context.Context)
}

func openTree(eng engine.Engine) (ds.Batching, error) {
	store, err := datastore.Open(context.Background(), eng, archive)
	if err != nil {
		return nil, err
	}
	face := store.Tree(documents)
	return byPath{closing{face}, readPath{face}, writePath{face}}, nil
}

func TestTree(t *testing.T) {
	scanning := traits
	scanning.Scans = true // because byPath does
	run(t, openTree, scanning)
}
