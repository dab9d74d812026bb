// Package accepted is the control: what the programs beside it do wrongly, done
// rightly. It has to compile.
package accepted

import (
	"context"

	"example.com/refused/blog"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

func write(ctx context.Context, store *datastore.Store) error {
	if err := blog.Users.Put(ctx, store, &blog.User{ID: 1}); err != nil {
		return err
	}
	return store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		if _, err := blog.Users.Get(ctx, tx, 1); err != nil {
			return err
		}
		if err := blog.Users.PutMany(ctx, tx, []blog.User{{ID: 2}}); err != nil {
			return err
		}
		if err := blog.Posts.Modify(ctx, tx, "first", func(p *blog.Post) error { p.Day++; return nil }); err != nil {
			return err
		}
		return blog.Users.Delete(ctx, tx, 1)
	})
}

func read(ctx context.Context, store *datastore.Store) error {
	return store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		_, _ = blog.Users.Get(ctx, tx, 1)
		_, _ = blog.Posts.Has(ctx, tx, "first")
		_, _ = blog.UserByEmail.Get(ctx, tx, "a@example.com")
		for range blog.UserByTag.Find(ctx, tx, "admin") {
		}
		for range blog.UserByPhone.Find(ctx, tx, "555") {
		}
		for id := range blog.UserByPhone.Keys(ctx, tx, "555") {
			_, _ = blog.Users.Get(ctx, tx, id)
		}
		_, _ = blog.UserByPhone.Count(ctx, tx, "555")
		_, _ = blog.UserByCode.Get(ctx, tx, 1)
		_, _ = blog.UserByCode.Key(ctx, tx, 1)
		for range blog.Users.Range(ctx, tx, models.From(uint64(1)).Before(9).Reverse().Limit(3)) {
		}
		for range blog.PostByAuthor.Range(ctx, tx, models.Only(uint64(1))) {
		}
		for range blog.PostByAuthorDay.Range(ctx, tx, models.FirstIs(blog.PostByAuthorDay, 1)) {
		}
		for range blog.Posts.Range(ctx, tx, models.StartingWith("a")) {
		}
		return nil
	})
}

// count takes any place that rows can be read from.
func count(ctx context.Context, r models.Reader) (int, error) {
	return blog.Users.Count(ctx, r, models.Range[uint64]{})
}

var _ = []any{write, read, count}
