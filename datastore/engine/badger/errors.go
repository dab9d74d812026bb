package badger

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// ErrReservedKey is returned by Put and Delete for a key that begins with
// "!badger!", as Badger's own keys do, or with "!badger/", as the parts of large
// values do. A store never has such keys: '!' is 0x21, and no space of a store
// has that number.
var ErrReservedKey = errors.New("key is reserved by Badger")

const badgerPrefix = "!badger!"

// translate returns the error of the engine contract for one of Badger's, or the error
// as it is.
func translate(err error) error {
	kind := kindOf(err)
	switch kind {
	case nil:
		return err
	case engine.ErrConflict:
		return kind
	default:
		return fmt.Errorf("%w: %w", kind, err)
	}
}

// kindOf returns the error of the engine contract, or of the operating system, that
// one of Badger's is about, or nil. It goes by texts, since Badger passes on nothing
// but the text of most errors.
func kindOf(err error) error {
	if err == nil || errors.Is(err, engine.ErrCorrupt) {
		return nil // named already
	}
	text := err.Error()
	switch {
	case errors.Is(err, badger.ErrConflict):
		return engine.ErrConflict
	case errors.Is(err, badger.ErrTxnTooBig):
		return engine.ErrTooLarge
	case errors.Is(err, badger.ErrWindowsNotSupported), errors.Is(err, badger.ErrPlan9NotSupported):
		return engine.ErrConfig
	case strings.Contains(text, "Another process is using this Badger database"):
		return engine.ErrLocked
	case strings.Contains(text, badger.ErrTruncateNeeded.Error()):
		return errNotClosed
	case strings.Contains(text, syscall.ENOSPC.Error()):
		return engine.ErrNoSpace
	}
	for _, errno := range []syscall.Errno{
		syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO,
	} {
		if strings.Contains(text, errno.Error()) {
			return errno
		}
	}
	return nil
}

var errNotClosed = fmt.Errorf("%w: the database was not closed, and recovering it takes a write", engine.ErrReadOnly)
