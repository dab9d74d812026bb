package shape

import "errors"

// ErrInvalid is returned for bytes or text that describe no shape, for types that no model can
// have, and for bytes that are no value of a type. It is models.ErrInvalid.
var ErrInvalid = errors.New("invalid data")
