// Package before uses what is yet to be generated.
package before

import "context"

type User struct {
	ID uint64 `netabase:"primary"`
}

func count(ctx context.Context) (int, error) {
	return Users.Count(ctx, nil, models.Range[uint64]{})
}
