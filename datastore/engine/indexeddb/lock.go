//go:build js

package indexeddb

import (
	"context"
	"errors"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// lock waits for a Web Lock of the origin, and returns a function that releases it. It returns
// engine.ErrLocked where the lock is not to be had at once, and should be.
func lock(ctx context.Context, name string, how jsvalue.LockMode) (release func(), err error) {
	release, err = jsvalue.Lock(ctx, name, how)
	if errors.Is(err, jsvalue.ErrHeld) {
		err = engine.ErrLocked
	}
	return release, err
}
