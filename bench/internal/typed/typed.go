// Package typed has the contenders of this module: typed trees on each engine.
package typed

import (
	"context"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
)

// Store is a store of typed trees.
type Store struct {
	store *datastore.Store
	trees article.Trees
}

var ctx = context.Background()

// Open opens a store of the trees on an engine.
func Open(eng engine.Engine, trees article.Trees) (*Store, error) {
	s, err := datastore.Open(ctx, eng, trees.Definition)
	if err != nil {
		return nil, err
	}
	return &Store{s, trees}, nil
}

// Insert gives the tree all rows at once.
func (s *Store) Insert(rows []article.Article) error {
	return s.trees.Articles.PutMany(ctx, s.store, rows)
}

// InsertEach gives the store one row at a time.
func (s *Store) InsertEach(rows []article.Article) error {
	for i := range rows {
		if err := s.trees.Articles.Put(ctx, s.store, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// Update is Insert: a put replaces.
func (s *Store) Update(rows []article.Article) error { return s.Insert(rows) }

// Get reads through a ReadTx.
func (s *Store) Get(ids []uint64) (t contender.Tally, err error) {
	err = s.store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		t, err = s.get(tx, ids)
		return err
	})
	return t, err
}

// GetEach reads through the store.
func (s *Store) GetEach(ids []uint64) (contender.Tally, error) { return s.get(s.store, ids) }

func (s *Store) get(r models.Reader, ids []uint64) (t contender.Tally, err error) {
	for _, id := range ids {
		a, err := s.trees.Articles.Get(ctx, r, id)
		if err != nil {
			return t, err
		}
		t.Add(&a)
	}
	return t, nil
}

// Find reads through a ReadTx.
func (s *Store) Find(authors []uint64) (t contender.Tally, err error) {
	err = s.store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		t, err = s.find(tx, authors)
		return err
	})
	return t, err
}

// FindEach reads through the store, page by page.
func (s *Store) FindEach(authors []uint64) (contender.Tally, error) { return s.find(s.store, authors) }

func (s *Store) find(r models.Reader, authors []uint64) (t contender.Tally, err error) {
	for _, author := range authors {
		for a, err := range s.trees.ByAuthor.Find(ctx, r, author) {
			if err != nil {
				return t, err
			}
			t.Add(&a)
		}
	}
	return t, nil
}

// Keys reads through a ReadTx.
func (s *Store) Keys(authors []uint64) (t contender.Tally, err error) {
	err = s.store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		t, err = s.keys(tx, authors)
		return err
	})
	return t, err
}

// KeysEach reads through the store.
func (s *Store) KeysEach(authors []uint64) (contender.Tally, error) { return s.keys(s.store, authors) }

func (s *Store) keys(r models.Reader, authors []uint64) (t contender.Tally, err error) {
	for _, author := range authors {
		for e, err := range s.trees.ByAuthor.Keys(ctx, r, models.Only(author)) {
			if err != nil {
				return t, err
			}
			t.AddKey(e.Primary)
		}
	}
	return t, nil
}

// Close closes the store.
func (s *Store) Close() error { return s.store.Close() }

// Loop is a Store that puts the rows of a transaction one by one.
type Loop struct{ *Store }

// Insert puts rows in a WriteTx.
func (l Loop) Insert(rows []article.Article) error {
	return l.store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		for i := range rows {
			if err := l.trees.Articles.Put(ctx, tx, &rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Update is Insert: a put replaces.
func (l Loop) Update(rows []article.Article) error { return l.Insert(rows) }

// Borrowed is a Store that reads rows in the engine's own memory, without copying their text.
// It must be opened with the generated trees.
type Borrowed struct{ *Store }

// Get borrows rows in a ReadTx.
func (b Borrowed) Get(ids []uint64) (t contender.Tally, err error) {
	err = b.store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		t, err = b.get(tx, ids)
		return err
	})
	return t, err
}

// GetEach borrows rows through the store.
func (b Borrowed) GetEach(ids []uint64) (contender.Tally, error) { return b.get(b.store, ids) }

func (b Borrowed) get(r models.Reader, ids []uint64) (t contender.Tally, err error) {
	add := func(row models.BorrowedRow) error { return addRow(&t, row) }
	for _, id := range ids {
		if err := b.trees.Articles.Borrow(ctx, r, id, add); err != nil {
			return t, err
		}
	}
	return t, nil
}

// Find borrows rows in a ReadTx.
func (b Borrowed) Find(authors []uint64) (t contender.Tally, err error) {
	err = b.store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		t, err = b.find(tx, authors)
		return err
	})
	return t, err
}

// FindEach borrows rows through the store.
func (b Borrowed) FindEach(authors []uint64) (contender.Tally, error) {
	return b.find(b.store, authors)
}

func (b Borrowed) find(r models.Reader, authors []uint64) (t contender.Tally, err error) {
	add := func(row models.BorrowedRow) error { return addRow(&t, row) }
	for _, author := range authors {
		if err := b.trees.ByAuthor.BorrowRange(ctx, r, models.Only(author), add); err != nil {
			return t, err
		}
	}
	return t, nil
}

func addRow(t *contender.Tally, row models.BorrowedRow) error {
	var a article.BorrowedArticle
	if err := a.Decode(row.Value); err != nil {
		return err
	}
	t.Rows++
	t.Bytes += a.Title.Len() + a.Content.Len()
	t.Sum += a.ID + a.AuthorID
	return nil
}
