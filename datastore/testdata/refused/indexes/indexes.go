// Package indexes asks indexes what they cannot answer.
package indexes

import (
	"context"

	"example.com/refused/blog"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

func find(ctx context.Context, store *datastore.Store) {
	for range blog.PostByAuthor.Find(ctx, store, "alice") { // want `cannot use "alice" .* as uint64 value in argument to blog\.PostByAuthor\.Find`
	}
	for range blog.UserByTag.Find(ctx, store, uint64(1)) { // want `cannot use uint64\(1\) .* as string value in argument to blog\.UserByTag\.Find`
	}
	// One row has a unique key: there is Get, and nothing to loop over.
	for range blog.UserByEmail.Find(ctx, store, "a@example.com") { // want `blog\.UserByEmail\.Find undefined \(type \*models\.Unique\[.*\] has no field or method Find\)`
	}
	// Many rows may have an index key: there is Find, and no single row to get.
	_, _ = blog.PostByAuthor.Get(ctx, store, 1) // want `blog\.PostByAuthor\.Get undefined \(type \*models\.Index\[.*\] has no field or method Get\)`

	for post, err := range blog.UserByTag.Find(ctx, store, "admin") {
		var _ blog.Post = post // want `cannot use post .*blog\.User.* as blog\.Post value in variable declaration`
		_ = err
	}
	for entry := range blog.PostByAuthor.Keys(ctx, store, models.Only(uint64(1))) {
		_, _ = blog.Users.Get(ctx, store, entry.Primary) // want `cannot use entry\.Primary .*string.* as uint64 value`
	}
	// An index is read through its tree's writes alone.
	_ = blog.PostByAuthor.Put(ctx, store, &blog.Post{}) // want `blog\.PostByAuthor\.Put undefined`
}
