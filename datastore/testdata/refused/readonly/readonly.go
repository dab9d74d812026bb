// Package readonly writes through a transaction that only reads.
package readonly

import (
	"context"
	"time"

	"example.com/refused/blog"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

func write(ctx context.Context, store *datastore.Store) error {
	return store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		u := blog.User{ID: 1}
		_ = blog.Users.Put(ctx, tx, &u)                                            // want `cannot use tx .*\*datastore\.ReadTx.* as models\.Writer value in argument to blog\.Users\.Put: \*datastore\.ReadTx does not implement models\.Writer \(missing method RunWrite\)`
		_ = blog.Users.Insert(ctx, tx, &u)                                         // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.Replace(ctx, tx, &u)                                        // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.PutMany(ctx, tx, []blog.User{u})                            // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.Delete(ctx, tx, 1)                                          // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.DeleteMany(ctx, tx, []uint64{1})                            // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.Clear(ctx, tx)                                              // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.Modify(ctx, tx, 1, func(u *blog.User) error { return nil }) // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.Upsert(ctx, tx, 1, nil)                                     // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.PutUntil(ctx, tx, &u, time.Time{})                          // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.SetExpiry(ctx, tx, 1, time.Time{})                          // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.PutIf(ctx, tx, nil, nil)                                    // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.Raw().Delete(ctx, tx, nil)                                  // want `ReadTx does not implement models\.Writer`
		_ = blog.Users.Raw().Put(ctx, tx, nil, nil)                                // want `ReadTx does not implement models\.Writer`
		var reader models.Reader = tx
		_ = blog.Users.Put(ctx, reader, &u) // want `cannot use reader .*models\.Reader.* as models\.Writer value`
		return nil
	})
}

func confuse(ctx context.Context, store *datastore.Store) {
	_ = store.View(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { return nil })  // want `cannot use func.*func\(ctx context\.Context, tx \*datastore\.WriteTx\) error.* as func\(ctx context\.Context, tx \*datastore\.ReadTx\) error value`
	_ = store.Update(ctx, func(ctx context.Context, tx *datastore.ReadTx) error { return nil }) // want `cannot use func.*func\(ctx context\.Context, tx \*datastore\.ReadTx\) error.* as func\(ctx context\.Context, tx \*datastore\.WriteTx\) error value`
	var w models.Writer
	_ = w.(*datastore.ReadTx) // want `impossible type assertion.*\*datastore\.ReadTx does not implement models\.Writer \(missing method RunWrite\)`
}
