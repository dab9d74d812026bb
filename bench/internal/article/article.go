// Package article has the model of the measurements, its trees, and the rows for all
// contenders.
package article

import (
	"iter"
	"math/rand/v2"
)

//go:generate go run github.com/newsnet-africa/netabase-go/models/modelgen

// Article is the model. Its tags declare the same primary key and the same one
// index to the stores that read tags.
//
//netabase:definition bench Bench
type Article struct {
	ID       uint64 `netabase:"primary" bstore:"noauto" storm:"id"`
	Title    string
	Content  string
	AuthorID uint64 `netabase:"index" bstore:"index" storm:"index"`
}

// PerAuthor is how many articles of a block have the same author.
const PerAuthor = 10

// Authors returns how many authors a block of n articles has.
func Authors(n int) int { return max(1, n/PerAuthor) }

// Block returns n articles with the ids first, first+1 and so on. Their authors take turns. If
// all blocks have n articles, no two blocks share an author.
func Block(first uint64, n int) []Article {
	authors := uint64(Authors(n))
	return articles(first, n, func(i uint64) uint64 { return 1 + first/uint64(n)*authors + i%authors })
}

// OneAuthor returns n articles with the ids first, first+1 and so on, all by the same author.
func OneAuthor(first uint64, n int, author uint64) []Article {
	return articles(first, n, func(uint64) uint64 { return author })
}

// Stream yields n articles with the ids 1, 2 and so on. They repeat a few texts, so that making
// them takes hardly any time.
func Stream(n int) iter.Seq2[Article, error] {
	return func(yield func(Article, error) bool) {
		const texts = 1_000
		block := Block(1, texts)
		for i := range n {
			a := block[i%texts]
			a.ID = uint64(i) + 1
			a.AuthorID += uint64(i/texts) * uint64(Authors(texts))
			if !yield(a, nil) {
				return
			}
		}
	}
}

func articles(first uint64, n int, author func(uint64) uint64) []Article {
	random := rand.New(rand.NewPCG(first, uint64(n)))
	rows := make([]Article, n)
	for i := range rows {
		rows[i] = Article{
			ID:       first + uint64(i),
			Title:    text(random, 24+random.IntN(17)),
			Content:  text(random, 180+random.IntN(41)),
			AuthorID: author(uint64(i)),
		}
	}
	return rows
}

// text returns n letters and spaces.
func text(random *rand.Rand, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz      "
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[random.IntN(len(letters))]
	}
	return string(b)
}
