// Package contender has the interface of all stores that are measured.
package contender

import (
	"errors"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
)

// ErrUnsupported is returned for an operation that a store does not have.
var ErrUnsupported = errors.New("not supported")

// ErrTooLarge is returned if a transaction is too large for a store.
var ErrTooLarge = errors.New("transaction too large")

// Store is an open database of articles with an index by author. Commits are
// durable when the method returns. It belongs to one goroutine.
type Store interface {
	// Insert stores new rows in one transaction.
	Insert(rows []article.Article) error
	// InsertEach stores new rows, each in a transaction of its own.
	InsertEach(rows []article.Article) error
	// Update replaces existing rows in one transaction.
	Update(rows []article.Article) error

	// Get reads the rows with the ids in one read transaction.
	Get(ids []uint64) (Tally, error)
	// GetEach is Get with a transaction for each row.
	GetEach(ids []uint64) (Tally, error)
	// Find reads all rows of each author by the index, in one read transaction.
	Find(authors []uint64) (Tally, error)
	// FindEach is Find with a transaction for each author.
	FindEach(authors []uint64) (Tally, error)
	// Keys reads the ids of all rows of each author from the index alone, in
	// one read transaction.
	Keys(authors []uint64) (Tally, error)
	// KeysEach is Keys with a transaction for each author.
	KeysEach(authors []uint64) (Tally, error)

	Close() error
}

// Tally sums up the rows that were read. It serves to compare the contenders' answers and to
// use every row.
type Tally struct {
	Rows, Bytes int
	Sum         uint64
}

// Add counts a row.
func (t *Tally) Add(a *article.Article) {
	t.Rows++
	t.Bytes += len(a.Title) + len(a.Content)
	t.Sum += a.ID + a.AuthorID
}

// AddKey counts the id of a row.
func (t *Tally) AddKey(id uint64) {
	t.Rows++
	t.Sum += id
}

// Each calls do for each item on its own.
func Each(items []uint64, do func([]uint64) (Tally, error)) (Tally, error) {
	var sum Tally
	for i := range items {
		t, err := do(items[i : i+1])
		if err != nil {
			return sum, err
		}
		sum.Rows, sum.Bytes, sum.Sum = sum.Rows+t.Rows, sum.Bytes+t.Bytes, sum.Sum+t.Sum
	}
	return sum, nil
}

// InsertEach calls insert for each row on its own.
func InsertEach(rows []article.Article, insert func([]article.Article) error) error {
	for i := range rows {
		if err := insert(rows[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}
