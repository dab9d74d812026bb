// Package geo has field types for models of another package.
package geo

// Point is a struct of another package.
type Point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`

	//lint:ignore U1000 a field that is not exported is not written
	cached bool
}

// Shape holds structs in all ways.
type Shape struct {
	Corners []Point
	Named   map[string]Point
	Centre  *Point `cbor:",omitempty"`
}

// Tagged is a generic struct.
type Tagged[T any] struct {
	Tag   string
	Value T
}

type hidden struct{ Depth uint16 }

// Well promotes the field of an unexported struct.
type Well struct {
	hidden
	Name string
}

// Deepen sets fields that other packages cannot set.
func (w *Well) Deepen(depth uint16) { w.Depth = depth }
