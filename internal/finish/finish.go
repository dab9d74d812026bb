// Package finish lets the go-datastore faces do what they were asked for although the
// context of the call has ended.
//
// Programs that use a go-datastore write with contexts that they have cancelled: kad-dht's
// provider, go-header and go-ds-crdt do so when they close. Most datastores do not look
// at the context of a put, and these programs lose state, or hang, if one refuses it.
package finish

import (
	"context"
	"errors"
	"time"
)

// Patience is how long a call goes on after its context has ended. It passes only where the
// call waits for others: for the transaction of another writer, say.
const Patience = time.Minute

// Do calls fn with ctx. If fn fails because ctx has ended, Do calls fn again, with a
// context that has the same values and lasts for Patience. If that is not enough, Do
// returns the error of the first call. So fn has to be right when it is repeated after
// such an error.
//
// A context that has not ended costs nothing.
func Do(ctx context.Context, fn func(context.Context) error) error {
	err := fn(ctx)
	if err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), Patience)
	defer cancel()
	again := fn(late)
	if again != nil && late.Err() != nil && errors.Is(again, late.Err()) {
		return err
	}
	return again
}

// Detach returns a context that has the values of ctx and does not end, for work that
// waits for nobody and must not be left half done.
func Detach(ctx context.Context) context.Context {
	if ctx.Done() == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}
