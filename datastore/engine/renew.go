package engine

import "context"

// Renewer is a ReadTxn of View that can serve for one transaction after the
// other, which saves making one for every read of a single row. An engine need
// not have it. No WriteTxn is asked to.
type Renewer interface {
	ReadTxn
	// Renew begins the transaction anew after Discard, over a snapshot of now, as
	// View does with its errors. After an error it is as after Discard.
	Renew(ctx context.Context) error
}
