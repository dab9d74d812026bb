// Package borrowed keeps what is lent to it, which only Clone can.
package borrowed

import (
	"context"
	"strings"

	"example.com/refused/blog"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

func keep(ctx context.Context, store *datastore.Store) (kept []byte, text string) {
	_ = blog.Users.Borrow(ctx, store, 1, func(row models.BorrowedRow) error {
		kept = row.Value                            // want `cannot use row\.Value \(variable of struct type models\.BorrowedBytes\) as \[\]byte value in assignment`
		kept = []byte(row.Value)                    // want `cannot convert row\.Value .*models\.BorrowedBytes.* to type \[\]byte`
		kept = append(kept, row.Value...)           // want `cannot use row\.Value .*models\.BorrowedBytes.* as`
		kept = row.Value[1:]                        // want `cannot slice row\.Value`
		text = row.Value.Text()                     // want `cannot use row\.Value\.Text\(\) \(value of struct type models\.BorrowedString\) as string value in assignment`
		text = string(row.Value.Text())             // want `cannot convert row\.Value\.Text\(\) .*models\.BorrowedString.* to type string`
		text = strings.TrimSpace(row.Value.Text())  // want `cannot use row\.Value\.Text\(\) .*models\.BorrowedString.* as string value in argument to strings\.TrimSpace`
		_ = map[string]bool{row.Value.Text(): true} // want `cannot use row\.Value\.Text\(\) .*models\.BorrowedString.* as string value in map literal`
		_ = blog.User{Email: row.Value.Text()}      // want `cannot use row\.Value\.Text\(\) .*models\.BorrowedString.* as string value in struct literal`
		kept, text = row.Value.Clone(), text        // a copy is the caller's
		return nil
	})
	return kept, text
}

var _ = keep
