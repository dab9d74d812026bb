// Package versioned puts a version in front of the values of package record's own trees, so
// that a later version can change them: see docs/format.md.
package versioned

import (
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/models"
)

// Size is how many bytes the version takes.
const Size = 1

// current is the version that this package writes.
const current = 1

// Of returns codec with the version in front of its values.
func Of[M any](codec models.Codec[M]) models.Codec[M] { return versioned[M]{codec} }

type versioned[M any] struct{ models.Codec[M] }

func (v versioned[M]) Append(dst []byte, m *M) ([]byte, error) {
	all, err := v.Codec.Append(append(dst, current), m)
	if err != nil {
		return dst, err
	}
	return all, nil
}

func (v versioned[M]) Decode(src []byte, m *M) error {
	value, err := Cut(src)
	if err != nil {
		return err
	}
	return v.Codec.Decode(value, m)
}

// Cut returns what follows the version of a stored value, in the same memory. Its error matches
// models.ErrVersion for another version, and models.ErrInvalid for a value without one.
func Cut(value []byte) ([]byte, error) {
	switch {
	case len(value) == 0:
		return nil, fmt.Errorf("%w: value has no version", models.ErrInvalid)
	case value[0] != current:
		return nil, fmt.Errorf("%w: value has version %d", models.ErrVersion, value[0])
	}
	return value[Size:], nil
}

// Unreadable reports whether err is that of a row that this version cannot read: because it
// is damaged, or because a newer version has written it. Work on many rows passes over it.
func Unreadable(err error) bool { return Damaged(err) || errors.Is(err, models.ErrVersion) }

// Damaged reports whether err is that of a row that is damaged, or that somebody has tampered with.
func Damaged(err error) bool {
	return errors.Is(err, models.ErrCorrupt) || errors.Is(err, models.ErrTampered)
}
