package raw

import (
	"bytes"
	"iter"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
)

// Bulk loads rows that are all new, in what is the engine's own way to load
// many. It looks for no old rows.

// bulkRows is how many rows a transaction of Bolt's Bulk has. bbolt advises
// against many more.
const bulkRows = 10_000

// Bulk loads rows in large transactions whose keys are sorted, which is what
// bbolt has in place of a bulk loader.
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

// Bulk loads rows by a write batch, and makes them durable in the end. It wants
// a database opened without SyncWrites, which would sync each of the batch's
// transactions.
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

// newItems makes the row and the entry of an article. Size is a guess at that of
// the row.
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
