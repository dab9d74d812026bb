package blog_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/examples/generated/blog"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestSameStore checks that a store serves the generated codec and the reflected
// one in turn, and that definitions written by hand fit the generated ones.
func TestSameStore(t *testing.T) {
	byHand := models.NewTree("post", models.Uint64, func(p *blog.Post) uint64 { return p.ID })
	byTag := models.NewMulti(byHand, "tag", models.String, func(p *blog.Post) []string { return p.Tags })
	models.NewIndex(byHand, "author_id", models.Uint64, func(p *blog.Post) uint64 { return p.AuthorID })
	models.NewIndex(
		byHand,
		"author_time",
		models.PairOf(models.Uint64, models.Time),
		func(p *blog.Post) models.Pair[uint64, time.Time] {
			return models.MakePair(p.AuthorID, p.Created)
		},
	)
	models.NewMulti(
		byHand,
		"tag_time",
		models.PairOf(models.String, models.Time),
		func(p *blog.Post) (keys []models.Pair[string, time.Time]) {
			for _, tag := range p.Tags {
				keys = append(keys, models.MakePair(tag, p.Created))
			}
			return keys
		},
	)
	definition := models.NewDefinition("blog", byHand)

	ctx, dir := t.Context(), t.TempDir()
	post := func(id uint64) blog.Post {
		return blog.Post{
			ID: id, AuthorID: 3, Created: time.Date(2026, 3, 2, 9, 0, 0, 1, time.UTC),
			Title: "Title", Content: "Content", Tags: []string{"go"},
		}
	}
	for round := range uint64(2) {
		store := datastore.Temp(t, bolt.Engine(dir), definition)
		old := post(10 + round)
		if err := byHand.Insert(ctx, store, &old); err != nil {
			t.Fatal(err)
		}
		if n, err := byTag.Count(ctx, store, models.Only("go")); err != nil || n != int(round)+1 {
			t.Errorf("round %d: the reflected codec finds %d rows, %v", round, n, err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}

		store = datastore.Temp(t, bolt.Engine(dir), blog.Blog)
		got, err := blog.Posts.Get(ctx, store, old.ID)
		if err != nil || !reflect.DeepEqual(got, old) {
			t.Errorf("round %d: the generated codec reads %+v, %v", round, got, err)
		}
		// The new row has another tag: the entries of the other codec's row must go.
		got.Tags = []string{"moved"}
		if err := blog.Posts.Replace(ctx, store, &got); err != nil {
			t.Fatal(err)
		}
		got.ID, got.Tags = 20+round, []string{"go"}
		if err := blog.Posts.Insert(ctx, store, &got); err != nil {
			t.Fatal(err)
		}
		if n, err := blog.PostByTag.Count(ctx, store, models.Only("go")); err != nil || n != int(round)+1 {
			t.Errorf("round %d: the generated codec finds %d rows, %v", round, n, err)
		}
		report, err := datastore.Verify(ctx, store)
		if err != nil || len(report.Damage) > 0 {
			t.Errorf("round %d: %v, %v", round, report.Damage, err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
