// Package before has the model that changes, as one release of a program has it.
package before

import (
	"iter"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
)

//go:generate go run github.com/newsnet-africa/netabase-go/models/modelgen

// Post is an article that readers vote for.
//
//netabase:definition forum Forum
type Post struct {
	ID       uint64 `netabase:"primary" bstore:"noauto"`
	Title    string
	Content  string
	AuthorID uint64 `netabase:"index" bstore:"index"`
	Votes    uint32 `netabase:"index" bstore:"index"`
}

// Stream yields n posts with the ids 1, 2 and so on.
func Stream(n int) iter.Seq2[Post, error] {
	return func(yield func(Post, error) bool) {
		for a := range article.Stream(n) {
			if !yield(Post{a.ID, a.Title, a.Content, a.AuthorID, uint32(a.ID % 997)}, nil) {
				return
			}
		}
	}
}
