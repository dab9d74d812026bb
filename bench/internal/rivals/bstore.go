package rivals

import (
	"context"
	"path/filepath"

	"github.com/mjl-/bstore"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
)

// Bstore has a codec of its own and opens bbolt with default settings. Neither can be changed.
type Bstore struct{ db *bstore.DB }

var ctx = context.Background()

// OpenBstore makes a database in dir.
func OpenBstore(dir string) (*Bstore, error) {
	db, err := bstore.Open(ctx, filepath.Join(dir, "bstore.db"), nil, article.Article{})
	if err != nil {
		return nil, err
	}
	return &Bstore{db}, db.HintAppend(true, article.Article{})
}

// Insert implements contender.Store.
func (b *Bstore) Insert(rows []article.Article) error {
	return b.db.Write(ctx, func(tx *bstore.Tx) error {
		for i := range rows {
			if err := tx.Insert(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// InsertEach implements contender.Store.
func (b *Bstore) InsertEach(rows []article.Article) error {
	for i := range rows {
		if err := b.db.Insert(ctx, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// Update implements contender.Store.
func (b *Bstore) Update(rows []article.Article) error {
	return b.db.Write(ctx, func(tx *bstore.Tx) error {
		for i := range rows {
			if err := tx.Update(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Get implements contender.Store.
func (b *Bstore) Get(ids []uint64) (t contender.Tally, err error) {
	err = b.db.Read(ctx, func(tx *bstore.Tx) error {
		for _, id := range ids {
			a := article.Article{ID: id}
			if err := tx.Get(&a); err != nil {
				return err
			}
			t.Add(&a)
		}
		return nil
	})
	return t, err
}

// GetEach implements contender.Store.
func (b *Bstore) GetEach(ids []uint64) (t contender.Tally, err error) {
	for _, id := range ids {
		a := article.Article{ID: id}
		if err := b.db.Get(ctx, &a); err != nil {
			return t, err
		}
		t.Add(&a)
	}
	return t, nil
}

// Find implements contender.Store.
func (b *Bstore) Find(authors []uint64) (t contender.Tally, err error) {
	err = b.db.Read(ctx, func(tx *bstore.Tx) error {
		for _, author := range authors {
			if err := find(bstore.QueryTx[article.Article](tx), author, &t); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

// FindEach implements contender.Store.
func (b *Bstore) FindEach(authors []uint64) (t contender.Tally, err error) {
	for _, author := range authors {
		if err := find(bstore.QueryDB[article.Article](ctx, b.db), author, &t); err != nil {
			return t, err
		}
	}
	return t, nil
}

func find(q *bstore.Query[article.Article], author uint64, t *contender.Tally) error {
	return q.FilterEqual("AuthorID", author).ForEach(func(a article.Article) error {
		t.Add(&a)
		return nil
	})
}

// Keys implements contender.Store.
func (b *Bstore) Keys(authors []uint64) (t contender.Tally, err error) {
	err = b.db.Read(ctx, func(tx *bstore.Tx) error {
		var ids []uint64
		for _, author := range authors {
			if ids, err = keys(bstore.QueryTx[article.Article](tx), author, ids, &t); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

// KeysEach implements contender.Store.
func (b *Bstore) KeysEach(authors []uint64) (t contender.Tally, err error) {
	var ids []uint64
	for _, author := range authors {
		if ids, err = keys(bstore.QueryDB[article.Article](ctx, b.db), author, ids, &t); err != nil {
			return t, err
		}
	}
	return t, nil
}

// keys appends to ids[:0], which it returns.
func keys(q *bstore.Query[article.Article], author uint64, ids []uint64, t *contender.Tally) ([]uint64, error) {
	ids = ids[:0]
	if err := q.FilterEqual("AuthorID", author).IDs(&ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		t.AddKey(id)
	}
	return ids, nil
}

// Close implements contender.Store.
func (b *Bstore) Close() error { return b.db.Close() }
