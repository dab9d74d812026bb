package engine

import (
	"errors"
	"fmt"
)

// DefaultCacheMB is the cache a file engine may use when Config names none.
const DefaultCacheMB = 256

// Config has the settings that every file engine honours; each engine's own
// Options embed it. The zero value of every field but Path is the default.
type Config struct {
	// Path is the directory the database lives in. Required.
	Path string

	// CacheMB bounds the memory, in MiB, in which the engine keeps data that it
	// has read; it is filled as needed. Engines that read only through the
	// operating system's page cache take none, and say so. Defaults to
	// DefaultCacheMB.
	CacheMB int

	// MustExist makes opening return ErrMissing if there is no database.
	// Defaults to false: the database is created.
	MustExist bool

	// Truncate set to DestroyExistingData empties the database on opening.
	// Defaults to KeepExistingData.
	Truncate Truncation

	// ReadOnly opens the database for reading; writes return ErrReadOnly.
	// Nothing is created. Defaults to false.
	ReadOnly bool

	// NoFsync lets commits return before the disk has them, and has Sync do
	// nothing. The end of the process loses nothing; a power loss or a crash of
	// the operating system can lose the last commits on Badger, and the whole
	// database on bolt, which relies on the order of its writes. Defaults to
	// false.
	NoFsync bool
}

// Truncation says what opening does with a database that is there.
type Truncation uint8

const (
	// KeepExistingData leaves it as it is.
	KeepExistingData Truncation = iota
	// DestroyExistingData deletes everything in it.
	DestroyExistingData
)

// Normalize fills in defaults and returns every fault of the configuration, with
// those of the engine's own options that are not nil, in one error that matches
// ErrConfig. Engines call it; users need not.
func (c Config) Normalize(own ...error) (Config, error) {
	var faults []error
	if c.Path == "" {
		faults = append(faults, errors.New("Path is empty: name the directory of the database"))
	}
	if c.CacheMB < 0 {
		faults = append(faults, fmt.Errorf("CacheMB is %d: it must not be negative", c.CacheMB))
	}
	if c.Truncate > DestroyExistingData {
		faults = append(faults, fmt.Errorf("Truncate is %d: use KeepExistingData or DestroyExistingData", c.Truncate))
	}
	if c.ReadOnly && c.Truncate == DestroyExistingData {
		faults = append(faults, errors.New("ReadOnly and DestroyExistingData exclude each other"))
	}
	if err := errors.Join(append(faults, own...)...); err != nil {
		return c, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if c.CacheMB == 0 {
		c.CacheMB = DefaultCacheMB
	}
	return c, nil
}
