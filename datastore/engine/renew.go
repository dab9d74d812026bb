package engine

import "context"

// Renewer is a ReadTxn of View that can be used for one transaction after the
// other, which saves making a new one for every read of a single row. An engine
// need not implement it. It is not used on a WriteTxn.
type Renewer interface {
	ReadTxn
	// Renew begins the transaction anew after Discard, over a snapshot of now. It
	// returns the errors of View. After an error the transaction is in the same
	// state as after Discard.
	Renew(ctx context.Context) error
}
