package raw

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
)

// Bolt is bbolt by hand. It has one bucket, like the bolt engine.
type Bolt struct {
	db      *bbolt.DB
	codec   codec
	key     []byte  // bbolt copies keys
	changed []entry // of the transaction
	old     article.Article
	size    int
}

var bucketName = []byte("netabase")

// OpenBolt makes a database in dir with the settings of the bolt engine.
func OpenBolt(dir string, codec codec) (*Bolt, error) {
	db, err := bbolt.Open(filepath.Join(dir, "raw.bolt"), 0o600, &bbolt.Options{
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: 16 << 30,
		NoStatistics:    true,
	})
	if err != nil {
		return nil, err
	}
	db.AllocSize = 1 << 20
	if err := db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucketName)
		return err
	}); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Bolt{db: db, codec: codec}, nil
}

// Insert implements contender.Store. bbolt moves all the keys that a transaction has put
// into a page for each key that comes between them: rows are put first, entries after
// them, in the order of keys.
func (b *Bolt) Insert(rows []article.Article) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(bucketName)
		b.changed = b.changed[:0]
		for i := range rows {
			if err := b.put(bucket, &rows[i]); err != nil {
				return err
			}
		}
		slices.SortFunc(b.changed, func(a, b entry) int { return bytes.Compare(a.key[:], b.key[:]) })
		for i := range b.changed {
			if err := b.changed[i].apply(bucket); err != nil {
				return err
			}
		}
		return nil
	})
}

// entry is an entry of the index to put or to delete.
type entry struct {
	key   [entryKeySize]byte
	stale bool
}

func newEntry(author, id uint64, stale bool) (e entry) {
	appendEntryKey(e.key[:0], author, id)
	e.stale = stale
	return e
}

func (e *entry) apply(bucket *bbolt.Bucket) error {
	if e.stale {
		return bucket.Delete(e.key[:])
	}
	return bucket.Put(e.key[:], appendEntryValue(nil, e.key[:]))
}

// InsertEach implements contender.Store.
func (b *Bolt) InsertEach(rows []article.Article) error { return contender.InsertEach(rows, b.Insert) }

// Update implements contender.Store.
func (b *Bolt) Update(rows []article.Article) error { return b.Insert(rows) }

func (b *Bolt) put(bucket *bbolt.Bucket, a *article.Article) error {
	b.key = appendRowKey(b.key[:0], a.ID)
	// The transaction keeps the values until it ends.
	row, err := appendRow(make([]byte, 0, b.size), b.key, b.codec, a)
	if err != nil {
		return err
	}
	b.size = max(b.size, len(row))
	old := bucket.Get(b.key)
	if old != nil {
		if err := parseRow(b.key, old, b.codec, &b.old); err != nil {
			return err
		}
	}
	if err := bucket.Put(b.key, row); err != nil {
		return err
	}
	if old != nil {
		if b.old.AuthorID == a.AuthorID {
			return nil
		}
		b.changed = append(b.changed, newEntry(b.old.AuthorID, a.ID, true))
	}
	b.changed = append(b.changed, newEntry(a.AuthorID, a.ID, false))
	return nil
}

// Get implements contender.Store.
func (b *Bolt) Get(ids []uint64) (t contender.Tally, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(bucketName)
		for _, id := range ids {
			if err := b.get(bucket, id, &t); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

func (b *Bolt) get(bucket *bbolt.Bucket, id uint64, t *contender.Tally) error {
	b.key = appendRowKey(b.key[:0], id)
	row := bucket.Get(b.key)
	if row == nil {
		return errMissing
	}
	if err := parseRow(b.key, row, b.codec, &b.old); err != nil {
		return err
	}
	t.Add(&b.old)
	return nil
}

// GetEach implements contender.Store.
func (b *Bolt) GetEach(ids []uint64) (contender.Tally, error) { return contender.Each(ids, b.Get) }

// Find implements contender.Store.
func (b *Bolt) Find(authors []uint64) (t contender.Tally, err error) {
	err = b.entries(authors, func(bucket *bbolt.Bucket, id uint64) error {
		return b.get(bucket, id, &t)
	})
	return t, err
}

// FindEach implements contender.Store.
func (b *Bolt) FindEach(authors []uint64) (contender.Tally, error) {
	return contender.Each(authors, b.Find)
}

// Keys implements contender.Store.
func (b *Bolt) Keys(authors []uint64) (t contender.Tally, err error) {
	err = b.entries(authors, func(_ *bbolt.Bucket, id uint64) error {
		t.AddKey(id)
		return nil
	})
	return t, err
}

// KeysEach implements contender.Store.
func (b *Bolt) KeysEach(authors []uint64) (contender.Tally, error) {
	return contender.Each(authors, b.Keys)
}

func (b *Bolt) entries(authors []uint64, visit func(*bbolt.Bucket, uint64) error) error {
	return b.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(bucketName)
		cursor := bucket.Cursor()
		var prefix []byte
		for _, author := range authors {
			prefix = appendAuthor(prefix[:0], author)
			for key, value := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
				id, err := entryID(key, value)
				if err != nil {
					return err
				}
				if err := visit(bucket, id); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Close implements contender.Store.
func (b *Bolt) Close() error { return b.db.Close() }
