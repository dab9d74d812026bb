package datastore_test

import (
	"bytes"
	"context"
	"io"
	"sync/atomic"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// onlyReader is an engine that refuses commits while somebody reads. On bolt, a commit that makes the file
// larger waits for those who read, and for ever if its own goroutine does.
type onlyReader struct {
	engine.Engine
	t       *testing.T
	reading atomic.Int64
}

func (e *onlyReader) Open(ctx context.Context) (engine.DB, error) {
	db, err := e.Engine.Open(ctx)
	return &onlyReaderDB{db, e}, err
}

type onlyReaderDB struct {
	engine.DB
	engine *onlyReader
}

func (d *onlyReaderDB) View(ctx context.Context) (engine.ReadTxn, error) {
	txn, err := d.DB.View(ctx)
	if err != nil {
		return nil, err
	}
	d.engine.reading.Add(1)
	return &countedRead{ReadTxn: txn, reading: &d.engine.reading}, nil
}

func (d *onlyReaderDB) Update(ctx context.Context) (engine.WriteTxn, error) {
	txn, err := d.DB.Update(ctx)
	return soleWrite{txn, d.engine}, err
}

type countedRead struct {
	engine.ReadTxn
	reading *atomic.Int64
	over    bool
}

func (r *countedRead) Discard() {
	if !r.over {
		r.over = true
		r.reading.Add(-1)
	}
	r.ReadTxn.Discard()
}

type soleWrite struct {
	engine.WriteTxn
	engine *onlyReader
}

func (w soleWrite) Commit(ctx context.Context, d engine.Durability) error {
	if n := w.engine.reading.Load(); n > 0 {
		w.engine.t.Errorf("%d transactions read during a commit", n)
	}
	return w.WriteTxn.Commit(ctx, d)
}

// TestNoReadDuringCommits does all that reads and writes at once, in one goroutine.
func TestNoReadDuringCommits(t *testing.T) {
	ctx := t.Context()
	eng := &onlyReader{Engine: memory.Engine(), t: t}
	shared := models.NewTree("shared", models.Uint64, entryID, models.WithPolicy[entry](models.Open))
	models.NewTopic(shared, "all", func(*entry) bool { return true })
	topics := models.NewDefinition("topics", shared)
	define := func(version uint32, options ...models.TreeOption[entry]) (*models.Tree[entry, uint64], *models.Definition) {
		tree := models.NewTree("entry", models.Uint64, entryID, append(options, models.WithCompression[entry]())...)
		text := func(e *entry) string { return e.Text }
		models.NewIndex(tree, "text", models.String, text, models.IndexVersion[entry](version))
		return tree, models.NewDefinition("journal", tree)
	}
	key := datastore.SecretKey(bytes.Repeat([]byte{7}, 32))
	with := func(feed models.Feed) models.TreeOption[entry] { return models.WithFeed[entry](feed) }
	bounds := with(models.Feed{Changes: 40})
	for step, open := range []struct {
		version uint32
		options []models.TreeOption[entry]
		open    datastore.OpenOptions
	}{
		{version: 1},
		{version: 1, options: []models.TreeOption[entry]{bounds}},
		{version: 2, options: []models.TreeOption[entry]{with(models.Feed{Bytes: 1 << 10})}},
		{version: 2, open: datastore.OpenOptions{DropFeeds: []string{"journal.entry"}}},
		{version: 3, options: []models.TreeOption[entry]{bounds, models.WithKeyVersion[entry](1)}},
	} {
		tree, definition := define(open.version, open.options...)
		open.open.Key, open.open.Encrypt = key, true
		store, err := datastore.Open(ctx, eng, open.open, definition, topics)
		if err != nil {
			t.Fatal(err)
		}
		failing := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("step %d: %s: %v", step, what, err)
			}
		}
		for id := range uint64(60) {
			failing("put", tree.Put(ctx, store, &entry{ID: id, Text: string('a' + rune(id%20))}))
			failing("put", shared.Put(ctx, store, &entry{ID: id, Text: "shared"}))
		}
		failing("delete", tree.Delete(ctx, store, uint64(3)))
		_, err = tree.DeleteRange(ctx, store, models.Range[uint64]{})
		failing("delete range", err)
		failing("put", tree.Put(ctx, store, &entry{ID: 7, Text: "seven"}))
		_, err = datastore.Verify(ctx, store)
		failing("verify", err)
		_, err = datastore.Repair(ctx, store)
		failing("repair", err)
		_, err = store.Rotate(ctx)
		failing("rotate", err)
		_, err = datastore.Migrate(ctx, store)
		failing("migrate", err)
		_, err = store.Backup(ctx, io.Discard)
		failing("backup", err)
		failing("close", store.Close())
	}
}
