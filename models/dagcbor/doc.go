// Package dagcbor supports the codecs that modelgen writes. It has functions
// that append DAG-CBOR to a byte slice, and readers that decode it. The bytes
// are those of [models.DagCBOR], as docs/format.md describes them.
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
// never reads deeper than the calls made to it, so that the type it reads into
// bounds the nesting of the data.
//
// A [BorrowReader] reads text and byte strings without copying them, for as
// long as the memory is lent.
//
// Errors match [models.ErrInvalid].
package dagcbor
