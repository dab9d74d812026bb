package shape

import "errors"

// ErrInvalid is returned for bytes that are no shape. It is models.ErrInvalid.
var ErrInvalid = errors.New("invalid data")
