package rivals

import (
	"fmt"
	"path/filepath"

	"github.com/timshannon/bolthold"
	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
	"github.com/newsnet-africa/netabase-go/models"
)

// Bolthold keeps a list of all keys with each index value.
type Bolthold struct {
	db *bolthold.Store
}

// boltholdArticle tells bolthold the name and indexes without reflection.
type boltholdArticle article.Article

func (*boltholdArticle) Type() string { return "Article" }

func (*boltholdArticle) Indexes() map[string]bolthold.Index { return boltholdIndexes }

func (*boltholdArticle) SliceIndexes() map[string]bolthold.SliceIndex { return nil }

var boltholdIndexes = map[string]bolthold.Index{"AuthorID": {
	IndexFunc: func(_ string, value any) ([]byte, error) {
		a, ok := value.(*boltholdArticle)
		if !ok {
			return nil, fmt.Errorf("index of %T", value)
		}
		return codec{}.encode(a.AuthorID)
	},
}}

// OpenBolthold makes a database in dir.
func OpenBolthold(dir string, rows models.Codec[article.Article]) (*Bolthold, error) {
	c := codec{rows}
	db, err := bolthold.Open(filepath.Join(dir, "bolthold.db"), 0o600, &bolthold.Options{
		Encoder: c.encode, Decoder: c.decode,
		Options: boltOptions(),
	})
	if err != nil {
		return nil, err
	}
	return &Bolthold{db}, nil
}

// boltOptions are the settings of the bolt engine, for stores that take options.
func boltOptions() *bbolt.Options {
	return &bbolt.Options{
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: 16 << 30,
		NoStatistics:    true,
	}
}

// Insert implements contender.Store.
func (b *Bolthold) Insert(rows []article.Article) error {
	return b.db.Bolt().Update(func(tx *bbolt.Tx) error {
		for i := range rows {
			if err := b.db.TxInsert(tx, rows[i].ID, (*boltholdArticle)(&rows[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// InsertEach implements contender.Store.
func (b *Bolthold) InsertEach(rows []article.Article) error {
	return contender.InsertEach(rows, b.Insert)
}

// Update implements contender.Store.
func (b *Bolthold) Update(rows []article.Article) error {
	return b.db.Bolt().Update(func(tx *bbolt.Tx) error {
		for i := range rows {
			if err := b.db.TxUpdate(tx, rows[i].ID, (*boltholdArticle)(&rows[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// Get implements contender.Store.
func (b *Bolthold) Get(ids []uint64) (t contender.Tally, err error) {
	err = b.db.Bolt().View(func(tx *bbolt.Tx) error {
		for _, id := range ids {
			var a boltholdArticle
			if err := b.db.TxGet(tx, id, &a); err != nil {
				return err
			}
			t.Add((*article.Article)(&a))
		}
		return nil
	})
	return t, err
}

// GetEach implements contender.Store.
func (b *Bolthold) GetEach(ids []uint64) (contender.Tally, error) { return contender.Each(ids, b.Get) }

// Find implements contender.Store.
func (b *Bolthold) Find(authors []uint64) (t contender.Tally, err error) {
	err = b.db.Bolt().View(func(tx *bbolt.Tx) error {
		for _, author := range authors {
			var found []*boltholdArticle
			if err := b.db.TxFind(tx, &found, bolthold.Where("AuthorID").Eq(author).Index("AuthorID")); err != nil {
				return err
			}
			for _, a := range found {
				t.Add((*article.Article)(a))
			}
		}
		return nil
	})
	return t, err
}

// FindEach implements contender.Store.
func (b *Bolthold) FindEach(authors []uint64) (contender.Tally, error) {
	return contender.Each(authors, b.Find)
}

// Keys implements contender.Store.
func (*Bolthold) Keys([]uint64) (contender.Tally, error) {
	return contender.Tally{}, contender.ErrUnsupported
}

// KeysEach implements contender.Store.
func (*Bolthold) KeysEach([]uint64) (contender.Tally, error) {
	return contender.Tally{}, contender.ErrUnsupported
}

// Close implements contender.Store.
func (b *Bolthold) Close() error { return b.db.Close() }
