package raw

import (
	"bytes"
	"iter"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
)

// Bulk loads new rows in the engine's own way to load many. It does not look for old rows.

// bulkRows is how many rows Bulk of Bolt puts into a transaction. bbolt advises against many
// more.
const bulkRows = 10_000

// Bulk loads rows in large transactions with sorted keys. bbolt has no other bulk loader.
func (b *Bolt) Bulk(rows iter.Seq2[article.Article, error]) error {
	var items []item
	flush := func() error {
		slices.SortFunc(items, func(a, b item) int { return bytes.Compare(a.key, b.key) })
		err := b.db.Update(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket(bucketName)
			for _, i := range items {
				if err := bucket.Put(i.key, i.value); err != nil {
					return err
				}
			}
			return nil
		})
		items = items[:0]
		return err
	}
	for a, err := range rows {
		if err != nil {
			return err
		}
		row, entry, err := newItems(&b.size, b.codec, &a)
		if err != nil {
			return err
		}
		if items = append(items, row, entry); len(items) >= 2*bulkRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// Bulk loads rows by a write batch, and makes them durable at the end. Open the database
// without SyncWrites, which would sync each of the batch's transactions.
func (b *Badger) Bulk(rows iter.Seq2[article.Article, error]) error {
	batch := b.db.NewWriteBatch()
	defer batch.Cancel()
	for a, err := range rows {
		if err != nil {
			return err
		}
		row, entry, err := newItems(&b.size, b.codec, &a)
		if err != nil {
			return err
		}
		for _, i := range []item{row, entry} {
			if err := batch.SetEntry(badger.NewEntry(i.key, i.value)); err != nil {
				return err
			}
		}
	}
	if err := batch.Flush(); err != nil {
		return err
	}
	return b.db.Sync()
}

// newItems makes the row and the entry of an article. Size estimates the size of the row.
func newItems(size *int, codec codec, a *article.Article) (row, entry item, err error) {
	buf := appendRowKey(make([]byte, 0, *size), a.ID)
	if buf, err = appendRow(buf, buf, codec, a); err != nil {
		return row, entry, err
	}
	*size = max(*size, len(buf))
	row = item{buf[:rowKeySize:rowKeySize], buf[rowKeySize:]}
	buf = appendEntryKey(make([]byte, 0, entryKeySize+sumSize), a.AuthorID, a.ID)
	return row, item{buf[:entryKeySize:entryKeySize], appendEntryValue(buf, buf)[entryKeySize:]}, nil
}
