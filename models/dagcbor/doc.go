// Package dagcbor is what the codecs that modelgen writes run on: functions
// that append DAG-CBOR to a byte slice, and readers that take it apart. The
// bytes are those of [models.DagCBOR], as docs/format.md describes them.
//
//	dst = dagcbor.AppendUint(dst, 7)
//
//	r := dagcbor.NewReader(src)
//	seven := r.Uint(64)
//	err := r.End("a seven")
//
// A [Reader] takes one spelling of every value and refuses all others: longer
// heads than needed, map keys out of order or repeated, tags, indefinite
// lengths, text that is not UTF-8, NaN and infinities, and trailing bytes. It
// never reads deeper than the calls made to it, so that the nesting of what it
// reads is bounded by that of the type it is read into.
//
// A [BorrowReader] reads text and byte strings without copying them, for the
// length of a loan.
//
// Errors match [models.ErrInvalid].
package dagcbor
