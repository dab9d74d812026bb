package rivals

import (
	"errors"
	"path/filepath"

	"github.com/asdine/storm/v3"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
	"github.com/newsnet-africa/netabase-go/models"
)

// Storm keeps an entry for each row under each index value.
type Storm struct{ db *storm.DB }

// OpenStorm makes a database in dir.
func OpenStorm(dir string, rows models.Codec[article.Article]) (*Storm, error) {
	db, err := storm.Open(filepath.Join(dir, "storm.db"), storm.Codec(codec{rows}),
		storm.BoltOptions(0o600, boltOptions()))
	if err != nil {
		return nil, err
	}
	if err := db.Init(&article.Article{}); err != nil {
		return nil, err
	}
	return &Storm{db}, nil
}

// Insert implements contender.Store.
func (s *Storm) Insert(rows []article.Article) error {
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	for i := range rows {
		if err := tx.Save(&rows[i]); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// InsertEach implements contender.Store.
func (s *Storm) InsertEach(rows []article.Article) error {
	return contender.InsertEach(rows, s.Insert)
}

// Update implements contender.Store: Save replaces.
func (s *Storm) Update(rows []article.Article) error { return s.Insert(rows) }

// Get implements contender.Store.
func (s *Storm) Get(ids []uint64) (t contender.Tally, err error) {
	tx, err := s.db.Begin(false)
	if err != nil {
		return t, err
	}
	defer tx.Rollback()
	for _, id := range ids {
		var a article.Article
		if err := tx.One("ID", id, &a); err != nil {
			return t, err
		}
		t.Add(&a)
	}
	return t, nil
}

// GetEach implements contender.Store.
func (s *Storm) GetEach(ids []uint64) (contender.Tally, error) { return contender.Each(ids, s.Get) }

// Find implements contender.Store.
func (s *Storm) Find(authors []uint64) (t contender.Tally, err error) {
	tx, err := s.db.Begin(false)
	if err != nil {
		return t, err
	}
	defer tx.Rollback()
	for _, author := range authors {
		var found []article.Article
		if err := tx.Find("AuthorID", author, &found); err != nil {
			return t, err
		}
		for i := range found {
			t.Add(&found[i])
		}
	}
	return t, nil
}

// FindEach implements contender.Store.
func (s *Storm) FindEach(authors []uint64) (contender.Tally, error) {
	return contender.Each(authors, s.Find)
}

// Keys implements contender.Store.
func (*Storm) Keys([]uint64) (contender.Tally, error) {
	return contender.Tally{}, contender.ErrUnsupported
}

// KeysEach implements contender.Store.
func (*Storm) KeysEach([]uint64) (contender.Tally, error) {
	return contender.Tally{}, contender.ErrUnsupported
}

// Close implements contender.Store.
func (s *Storm) Close() error { return s.db.Close() }
