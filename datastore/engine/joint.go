package engine

import "context"

// Joint is a DB that other programs may have open at the same time, as the tabs of a browser do.
type Joint interface {
	DB
	// Alone keeps other programs from opening the database until shared is called: they get ErrLocked. It
	// returns ErrLocked while another program has it open. Shared need not be called, and may be called more
	// than once.
	Alone(ctx context.Context) (shared func(), err error)
}
