// Package reshape rewrites values from one shape to another. It knows the DAG-CBOR of docs/format.md
// and [shape.Type], and neither stores nor Go types.
//
// Values of a store's own rows have a [Version]: a shape, and a number for each field that the field
// keeps from version to version. [Next] numbers the fields of a new version and tells what stands in
// its way; [Between] makes a [Plan] that rewrites values of an earlier version. Values of other peers
// have no version: [ByName] makes a plan that finds fields by their names, and [Merge] puts back the
// fields of such a value that this peer does not know.
//
// Every automatic change of a type leaves the bytes of its scalars as they are: an integer, a float,
// a time or what an optional holds is written in one way, however wide the type is. So a plan adds,
// leaves out, renames and sorts the fields of structs, and copies the rest.
package reshape
