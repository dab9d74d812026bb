package main

import (
	"context"
	"errors"
	"strings"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/models"
)

// rows is the datastore for a go-ds-crdt that keeps the values of a tree's keys as rows of the tree. All
// else, such as the state of the go-ds-crdt and its blocks, is kept as it is given.
//
// A go-ds-crdt has the value of a key /notes.note/primary/1 at /crdt/s/k/notes.note/primary/1/v, which is
// stable: another place needs a migration of go-ds-crdt's. Rows keeps it at /notes.note/primary/1, which the
// store takes for the row. So a commit of the go-ds-crdt changes its state, the row and the index entries
// together, or none of them. There is no second copy of a value that could differ.
//
// A peer can write a value that is no row of the tree. All peers have to keep it, or they would not agree,
// so it stays where go-ds-crdt puts it, and the tree has no row then.
type rows struct {
	ds.Batching
	tree models.AnyTree
}

// The part of go-ds-crdt's keys before and behind the key of a value.
const (
	beforeKey = crdtNamespace + "/s/k"
	behindKey = "/v"
)

// rowKey returns the key of the row for that of a value of go-ds-crdt.
func (r rows) rowKey(key ds.Key) (row ds.Key, ok bool) {
	text, before := strings.CutPrefix(key.String(), beforeKey)
	text, behind := strings.CutSuffix(text, behindKey)
	if !before || !behind || !strings.HasPrefix(text, "/"+r.tree.Name()+"/primary/") {
		return ds.Key{}, false
	}
	return ds.RawKey(text), true
}

// put puts a value by a writer: the datastore itself, or a batch.
func (r rows) put(ctx context.Context, to ds.Write, key ds.Key, value []byte) error {
	row, ok := r.rowKey(key)
	if !ok {
		return to.Put(ctx, key, value)
	}
	if !r.isRow(row, value) {
		return errors.Join(to.Delete(ctx, row), to.Put(ctx, key, value))
	}
	return errors.Join(to.Delete(ctx, key), to.Put(ctx, row, value))
}

// isRow reports whether a value is the row of a key.
func (r rows) isRow(row ds.Key, value []byte) bool {
	raw := r.tree.Raw()
	_, text, _ := strings.Cut(row.String(), "/primary/")
	key, err := raw.ParsePathText(text)
	if err != nil {
		return false
	}
	_, err = raw.Validate(key, value)
	return err == nil
}

func (r rows) remove(ctx context.Context, from ds.Write, key ds.Key) error {
	err := from.Delete(ctx, key)
	if row, ok := r.rowKey(key); ok && err == nil {
		err = from.Delete(ctx, row)
	}
	return err
}

func (r rows) Put(ctx context.Context, key ds.Key, value []byte) error {
	return r.put(ctx, r.Batching, key, value)
}

func (r rows) Delete(ctx context.Context, key ds.Key) error { return r.remove(ctx, r.Batching, key) }

func (r rows) Get(ctx context.Context, key ds.Key) ([]byte, error) {
	if row, ok := r.rowKey(key); ok {
		value, err := r.Batching.Get(ctx, row)
		if !errors.Is(err, ds.ErrNotFound) {
			return value, err
		}
	}
	return r.Batching.Get(ctx, key)
}

func (r rows) Has(ctx context.Context, key ds.Key) (bool, error) {
	if row, ok := r.rowKey(key); ok {
		if has, err := r.Batching.Has(ctx, row); has || err != nil {
			return has, err
		}
	}
	return r.Batching.Has(ctx, key)
}

func (r rows) GetSize(ctx context.Context, key ds.Key) (int, error) {
	return ds.GetBackedSize(ctx, r, key)
}

func (r rows) Batch(ctx context.Context) (ds.Batch, error) {
	batch, err := r.Batching.Batch(ctx)
	return rowsBatch{batch, r}, err
}

// rowsBatch is a batch of rows.
type rowsBatch struct {
	ds.Batch
	of rows
}

func (b rowsBatch) Put(ctx context.Context, key ds.Key, value []byte) error {
	return b.of.put(ctx, b.Batch, key, value)
}

func (b rowsBatch) Delete(ctx context.Context, key ds.Key) error {
	return b.of.remove(ctx, b.Batch, key)
}
