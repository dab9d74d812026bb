package journal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// NoSpace makes an exception that says that the quota is used up, or the disk, an engine.ErrNoSpace. For
// the disk there is no exception of its own, and Chromium says so in its text.
func NoSpace(err error) error {
	e, ok := errors.AsType[*jsvalue.Exception](err)
	if ok && (e.Name == "QuotaExceededError" || strings.Contains(e.Message, "FILE_ERROR_NO_SPACE")) {
		return fmt.Errorf("%w: %w", engine.ErrNoSpace, err)
	}
	return err
}

// Caught makes an exception of JavaScript the error of the function that defers it.
func Caught(err *error) {
	if thrown := jsvalue.Thrown(recover()); thrown != nil {
		*err = NoSpace(thrown)
	}
}
