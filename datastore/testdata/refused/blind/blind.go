// Package blind asks blind indexes what they cannot answer: anything but which rows have a key.
package blind

import (
	"context"

	"example.com/refused/blog"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

func read(ctx context.Context, store *datastore.Store) {
	for range blog.UserByPhone.Find(ctx, store, uint64(555)) { // want `cannot use uint64\(555\) .* as string value in argument to blog\.UserByPhone\.Find`
	}
	for range blog.UserByPhone.Range(ctx, store, models.StartingWith("555")) { // want `blog\.UserByPhone\.Range undefined`
	}
	_, _ = blog.UserByPhone.Count(ctx, store, models.From("555"))               // want `cannot use models\.From.* as string value in argument to blog\.UserByPhone\.Count`
	_, _, _ = blog.UserByPhone.Page(ctx, store, models.Only("555"), "")         // want `blog\.UserByPhone\.Page undefined`
	_, _ = blog.UserByPhone.DeleteRange(ctx, store, models.Range[string]{})     // want `blog\.UserByPhone\.DeleteRange undefined`
	_, _, _ = blog.UserByCode.Page(ctx, store, models.Range[uint64]{}, "")      // want `blog\.UserByCode\.Page undefined`
	_, _ = blog.UserByCode.Get(ctx, store, "555")                               // want `cannot use "555" .* as uint64 value in argument to blog\.UserByCode\.Get`
	for range blog.UserByCode.Range(ctx, store, models.From(uint64(1)).To(9)) { // want `blog\.UserByCode\.Range undefined`
	}
	var _ models.Ranged[string] = blog.UserByPhone // want `does not implement models\.Ranged\[string\]`
}
