// Package dagcbor has the name of a package that generated code imports.
package dagcbor

// Value is a struct of this package.
type Value struct{ Text string }
