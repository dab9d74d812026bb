package engine

import (
	"errors"
	"fmt"
)

// Errors on opening a database.
var (
	// ErrConfig is returned for a configuration that cannot be used.
	ErrConfig = errors.New("invalid configuration")
	// ErrMissing is returned if there is no database and none may be created.
	ErrMissing = errors.New("database does not exist")
	// ErrOtherEngine is matched by every OtherEngineError.
	ErrOtherEngine = errors.New("database of another engine")
	// ErrLocked is returned while another process, or another open DB of this
	// one, has the database.
	ErrLocked = errors.New("database is in use")
)

// Errors in use.
var (
	// ErrNotFound is returned by Get for a key that is not there.
	ErrNotFound = errors.New("not found")
	// ErrClosed is returned by every call after Close.
	ErrClosed = errors.New("store is closed")
	// ErrReadOnly is returned for a write to a database opened to be read.
	ErrReadOnly = errors.New("store is read-only")
	// ErrTxnDone is returned for a transaction that has already ended.
	ErrTxnDone = errors.New("transaction has ended")
	// ErrConflict is returned by Commit when another commit changed what the
	// transaction had read. Nothing was written; it may be run again.
	ErrConflict = errors.New("transaction conflict")
	// ErrKeySize is returned for a key that is empty or over MaxKeySize bytes.
	ErrKeySize = errors.New("invalid key size")
	// ErrTooLarge is matched by every TooLargeError.
	ErrTooLarge = errors.New("too large")
	// ErrNoSpace is returned by Commit where the disk is full, or so full that
	// the engine does not dare to write. Nothing was written.
	ErrNoSpace = errors.New("no space left")
	// ErrCorrupt is returned if stored bytes differ from those that were
	// written.
	ErrCorrupt = errors.New("corrupt data")
)

// TooLargeError tells which limit a write passed. It matches ErrTooLarge.
type TooLargeError struct {
	// What names the thing that is too large: "value" or "transaction".
	What string
	// Size is the size that was asked for, and Limit the largest that is
	// accepted, in bytes, or in puts and deletes if Unit is "ops".
	Size, Limit int64
	Unit        string
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s too large: %d %s, the limit is %d", e.What, e.Size, e.Unit, e.Limit)
}

// Is reports whether target is ErrTooLarge.
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

// CheckKey returns an error that matches ErrKeySize unless key has 1 to
// MaxKeySize bytes.
func CheckKey(key []byte) error {
	if len(key) == 0 || len(key) > MaxKeySize {
		return fmt.Errorf("%w: %d bytes, a key has 1 to %d", ErrKeySize, len(key), MaxKeySize)
	}
	return nil
}
