package datastore_test

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

type article struct {
	ID       uint64
	Title    string
	Content  string
	AuthorID uint64
}

func articles(n int, random bool) iter.Seq2[article, error] {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if random {
		order = rand.New(rand.NewPCG(1, 2)).Perm(n)
	}
	content := fmt.Sprintf("%0200d", 7)
	return func(yield func(article, error) bool) {
		for _, i := range order {
			a := article{ID: uint64(i), Title: fmt.Sprintf("Article %d", i), Content: content, AuthorID: uint64(i) % 1000 * 7919}
			if !yield(a, nil) {
				return
			}
		}
	}
}

// BenchmarkImport compares Import with a loop of PutMany, over rows that come in
// the order of their keys and in none.
func BenchmarkImport(b *testing.B) {
	const rows = 200_000
	load := map[string]func(b *testing.B, s *datastore.Store, tree *models.Tree[article, uint64], rows iter.Seq2[article, error]) error{
		"Import": func(b *testing.B, s *datastore.Store, tree *models.Tree[article, uint64], rows iter.Seq2[article, error]) error {
			_, err := datastore.Import(b.Context(), s, tree, rows, datastore.ImportOptions{})
			return err
		},
		"PutMany": func(b *testing.B, s *datastore.Store, tree *models.Tree[article, uint64], rows iter.Seq2[article, error]) error {
			var batch []article
			for a, err := range rows {
				if err != nil {
					return err
				}
				if batch = append(batch, a); len(batch) == 1000 {
					if err := tree.PutMany(b.Context(), s, batch); err != nil {
						return err
					}
					batch = batch[:0]
				}
			}
			return tree.PutMany(b.Context(), s, batch)
		},
	}
	for name, newEngine := range engines {
		for _, random := range []bool{false, true} {
			for how, load := range load {
				b.Run(fmt.Sprintf("%s/random=%t/%s", name, random, how), func(b *testing.B) {
					for b.Loop() {
						tree := models.NewTree("article", models.Uint64, func(a *article) uint64 { return a.ID })
						models.NewIndex(tree, "author", models.Uint64, func(a *article) uint64 { return a.AuthorID })
						s, err := datastore.Open(b.Context(), newEngine(b), models.NewDefinition("bench", tree))
						if err != nil {
							b.Fatal(err)
						}
						if err := errors.Join(load(b, s, tree, articles(rows, random)), s.Close()); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				})
			}
		}
	}
}
