// Package ranges selects rows by ranges of another type of key.
package ranges

import (
	"context"

	"example.com/refused/blog"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

func of(ctx context.Context, store *datastore.Store) {
	for range blog.Users.Range(ctx, store, models.From("a")) { // want `type models\.Range\[string\] of models\.From.* does not match|cannot use models\.From\("a"\) .*models\.Range\[string\].* as models\.Range\[uint64\] value`
	}
	for range blog.Users.Range(ctx, store, models.From(1)) { // want `cannot use models\.From\(1\) .*models\.Range\[int\].* as models\.Range\[uint64\] value`
	}
	for range blog.Users.Range(ctx, store, models.From(uint64(1)).Before("z")) { // want `cannot use "z" .* as uint64 value in argument to .*Before`
	}
	for range blog.Posts.Keys(ctx, store, models.Range[uint64]{}) { // want `cannot use models\.Range\[uint64\].* as models\.Range\[string\] value`
	}
	for range blog.PostByAuthor.Range(ctx, store, models.Only("alice")) { // want `models\.Range\[string\].* as models\.Range\[uint64\] value`
	}
	for range blog.PostByAuthorDay.Range(ctx, store, models.FirstIs(blog.PostByAuthorDay, "alice")) { // want `cannot use "alice" .* as uint64 value|mismatched types|cannot convert "alice"`
	}
	for range blog.PostByAuthor.Range(ctx, store, models.FirstIs(blog.PostByAuthor, uint64(1))) { // want `\(type uint64\) does not satisfy models\.hasFirst`
	}
	_ = models.StartingWith(uint64(1)) // want `uint64 does not satisfy ~string \| ~\[\]byte`
}
