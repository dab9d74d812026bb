package golang

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
)

//go:generate go run ./generate -o packages.jsonl

// EmbeddedName is the name of the data in the program.
const EmbeddedName = "packages.jsonl"

//go:embed packages.jsonl
var embedded []byte

// Embedded returns the packages in the program, by import path: those of the standard library
// and of every module that this one was built from when the list was made. See command
// generate.
func Embedded() ([]Package, error) {
	var faults []error
	packages, err := Read(bytes.NewReader(embedded), EmbeddedName, func(line int, reason error) {
		faults = append(faults, fmt.Errorf("line %d: %w", line, reason))
	})
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, fmt.Errorf("%s: %w", EmbeddedName, err)
	}
	return packages, nil
}
