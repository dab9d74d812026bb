// Package keys looks rows up by keys of the wrong type.
package keys

import (
	"context"

	"example.com/refused/blog"

	"github.com/newsnet-africa/netabase-go/datastore"
)

func primary(ctx context.Context, store *datastore.Store, id int) {
	_, _ = blog.Users.Get(ctx, store, "1")             // want `cannot use "1" .* as uint64 value in argument to blog\.Users\.Get`
	_, _ = blog.Users.Get(ctx, store, id)              // want `cannot use id \(variable of type int\) as uint64 value`
	_, _ = blog.Users.Get(ctx, store, -1)              // want `cannot use -1 .* as uint64 value .*(overflows|truncated)`
	_, _ = blog.Posts.Has(ctx, store, 1)               // want `cannot use 1 .* as string value in argument to blog\.Posts\.Has`
	_ = blog.Posts.Delete(ctx, store, []byte("first")) // want `cannot use .*\[\]byte.* as string value`
	_, _ = blog.Users.GetMany(ctx, store, []int{1})    // want `cannot use \[\]int.* as \[\]uint64 value`
}

func model(ctx context.Context, store *datastore.Store) {
	_ = blog.Users.Put(ctx, store, &blog.Post{})      // want `cannot use &blog\.Post.* as \*blog\.User value in argument to blog\.Users\.Put`
	_ = blog.Users.Put(ctx, store, blog.User{})       // want `cannot use blog\.User.* as \*blog\.User value`
	_ = blog.Users.PutMany(ctx, store, []blog.Post{}) // want `cannot use \[\]blog\.Post.* as \[\]blog\.User value`
	var post blog.Post
	post, _ = blog.Users.Get(ctx, store, 1) // want `cannot use blog\.Users\.Get.*blog\.User.* as blog\.Post value in assignment`
	_ = post
}
