package rivals

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
	"github.com/timshannon/badgerhold/v4"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
	"github.com/newsnet-africa/netabase-go/models"
)

// Badgerhold keeps a list of all keys with each index value.
type Badgerhold struct {
	db *badgerhold.Store
}

// badgerholdArticle tells badgerhold the name and indexes without reflection.
type badgerholdArticle article.Article

func (*badgerholdArticle) Type() string { return "Article" }

func (*badgerholdArticle) Indexes() map[string]badgerhold.Index { return badgerholdIndexes }

var badgerholdIndexes = map[string]badgerhold.Index{"AuthorID": {
	IndexFunc: func(_ string, value any) ([]byte, error) {
		a, ok := value.(*badgerholdArticle)
		if !ok {
			return nil, fmt.Errorf("index of %T", value)
		}
		return codec{}.encode(a.AuthorID)
	},
}}

// OpenBadgerhold makes a database.
func OpenBadgerhold(o badger.Options, rows models.Codec[article.Article]) (*Badgerhold, error) {
	c := codec{rows}
	db, err := badgerhold.Open(badgerhold.Options{Encoder: c.encode, Decoder: c.decode, Options: o})
	if err != nil {
		return nil, err
	}
	return &Badgerhold{db}, nil
}

// Insert implements contender.Store.
func (b *Badgerhold) Insert(rows []article.Article) error {
	return b.update(func(tx *badger.Txn) error {
		for i := range rows {
			if err := b.db.TxInsert(tx, rows[i].ID, (*badgerholdArticle)(&rows[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// InsertEach implements contender.Store.
func (b *Badgerhold) InsertEach(rows []article.Article) error {
	return contender.InsertEach(rows, b.Insert)
}

// Update implements contender.Store.
func (b *Badgerhold) Update(rows []article.Article) error {
	return b.update(func(tx *badger.Txn) error {
		for i := range rows {
			if err := b.db.TxUpdate(tx, rows[i].ID, (*badgerholdArticle)(&rows[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *Badgerhold) update(do func(*badger.Txn) error) error {
	err := b.db.Badger().Update(do)
	if errors.Is(err, badger.ErrTxnTooBig) {
		return fmt.Errorf("%w: %w", contender.ErrTooLarge, err)
	}
	return err
}

// Get implements contender.Store.
func (b *Badgerhold) Get(ids []uint64) (t contender.Tally, err error) {
	err = b.db.Badger().View(func(tx *badger.Txn) error {
		for _, id := range ids {
			var a badgerholdArticle
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
func (b *Badgerhold) GetEach(ids []uint64) (contender.Tally, error) {
	return contender.Each(ids, b.Get)
}

// Find implements contender.Store.
func (b *Badgerhold) Find(authors []uint64) (t contender.Tally, err error) {
	err = b.db.Badger().View(func(tx *badger.Txn) error {
		for _, author := range authors {
			var found []*badgerholdArticle
			if err := b.db.TxFind(tx, &found, badgerhold.Where("AuthorID").Eq(author).Index("AuthorID")); err != nil {
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
func (b *Badgerhold) FindEach(authors []uint64) (contender.Tally, error) {
	return contender.Each(authors, b.Find)
}

// Keys implements contender.Store.
func (*Badgerhold) Keys([]uint64) (contender.Tally, error) {
	return contender.Tally{}, contender.ErrUnsupported
}

// KeysEach implements contender.Store.
func (*Badgerhold) KeysEach([]uint64) (contender.Tally, error) {
	return contender.Tally{}, contender.ErrUnsupported
}

// Close implements contender.Store.
func (b *Badgerhold) Close() error { return b.db.Close() }
