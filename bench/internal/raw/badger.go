package raw

import (
	"errors"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
)

// Badger is Badger by hand.
type Badger struct {
	db    *badger.DB
	codec codec
	key   []byte // for reading; the transaction keeps the keys of writes
	old   article.Article
	size  int
}

// BadgerOptions are the settings of the badger engine, except that Badger itself makes commits
// durable: there is only one goroutine.
func BadgerOptions(dir string) badger.Options {
	o := badger.DefaultOptions(dir)
	o.SyncWrites = true
	o.Logger = nil
	o.MetricsEnabled = false
	o.MemTableSize = 16 << 20
	o.NumMemtables = 2
	o.NumCompactors = 2
	o.NumLevelZeroTables = 2
	o.NumLevelZeroTablesStall = 8
	o.Compression = options.None
	o.BlockCacheSize = 0
	o.ValueThreshold = 1 << 20
	o.ValueLogFileSize = 1 << 20
	return o
}

// OpenBadger makes a database.
func OpenBadger(o badger.Options, codec codec) (*Badger, error) {
	db, err := badger.Open(o)
	if err != nil {
		return nil, err
	}
	return &Badger{db: db, codec: codec}, nil
}

// Insert implements contender.Store.
func (b *Badger) Insert(rows []article.Article) error {
	return b.db.Update(func(txn *badger.Txn) error {
		for i := range rows {
			if err := b.put(txn, &rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// InsertEach implements contender.Store.
func (b *Badger) InsertEach(rows []article.Article) error {
	return contender.InsertEach(rows, b.Insert)
}

// Update implements contender.Store.
func (b *Badger) Update(rows []article.Article) error { return b.Insert(rows) }

func (b *Badger) put(txn *badger.Txn, a *article.Article) error {
	row, entry, err := newItems(&b.size, b.codec, a)
	if err != nil {
		return err
	}
	item, err := txn.Get(row.key)
	replaces := err == nil
	if replaces {
		err = item.Value(func(old []byte) error { return parseRow(row.key, old, b.codec, &b.old) })
	}
	if err != nil && !errors.Is(err, badger.ErrKeyNotFound) {
		return err
	}
	if err := txn.Set(row.key, row.value); err != nil {
		return err
	}
	if replaces {
		if b.old.AuthorID == a.AuthorID {
			return nil
		}
		stale := appendEntryKey(make([]byte, 0, entryKeySize), b.old.AuthorID, a.ID)
		if err := txn.Delete(stale); err != nil {
			return err
		}
	}
	return txn.Set(entry.key, entry.value)
}

// Get implements contender.Store.
func (b *Badger) Get(ids []uint64) (t contender.Tally, err error) {
	err = b.db.View(func(txn *badger.Txn) error {
		for _, id := range ids {
			if err := b.get(txn, id, &t); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

func (b *Badger) get(txn *badger.Txn, id uint64, t *contender.Tally) error {
	b.key = appendRowKey(b.key[:0], id)
	item, err := txn.Get(b.key)
	if err != nil {
		return err
	}
	err = item.Value(func(row []byte) error { return parseRow(b.key, row, b.codec, &b.old) })
	if err != nil {
		return err
	}
	t.Add(&b.old)
	return nil
}

// GetEach implements contender.Store.
func (b *Badger) GetEach(ids []uint64) (contender.Tally, error) { return contender.Each(ids, b.Get) }

// Find implements contender.Store.
func (b *Badger) Find(authors []uint64) (t contender.Tally, err error) {
	err = b.entries(authors, func(txn *badger.Txn, id uint64) error { return b.get(txn, id, &t) })
	return t, err
}

// FindEach implements contender.Store.
func (b *Badger) FindEach(authors []uint64) (contender.Tally, error) {
	return contender.Each(authors, b.Find)
}

// Keys implements contender.Store.
func (b *Badger) Keys(authors []uint64) (t contender.Tally, err error) {
	err = b.entries(authors, func(_ *badger.Txn, id uint64) error {
		t.AddKey(id)
		return nil
	})
	return t, err
}

// KeysEach implements contender.Store.
func (b *Badger) KeysEach(authors []uint64) (contender.Tally, error) {
	return contender.Each(authors, b.Keys)
}

var entryPrefix = []byte{entrySpace}

// entries has one iterator for all authors, as Badger's documentation advises.
func (b *Badger) entries(authors []uint64, visit func(*badger.Txn, uint64) error) error {
	return b.db.View(func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false // prefetching is for values outside the tree
		prefix := make([]byte, 0, 1+8)
		if o.Prefix = entryPrefix; len(authors) == 1 { // the iterator then opens fewer tables
			o.Prefix = appendAuthor(prefix, authors[0])
		}
		iterator := txn.NewIterator(o)
		defer iterator.Close()
		for _, author := range authors {
			prefix = appendAuthor(prefix[:0], author)
			for iterator.Seek(prefix); iterator.ValidForPrefix(prefix); iterator.Next() {
				item := iterator.Item()
				var id uint64
				err := item.Value(func(value []byte) (err error) {
					id, err = entryID(item.Key(), value)
					return err
				})
				if err == nil {
					err = visit(txn, id)
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Close implements contender.Store.
func (b *Badger) Close() error { return b.db.Close() }
