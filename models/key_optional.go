package models

// The interfaces of this file are optional: a [KeyCodec] can implement any of
// them. The codecs of this package implement those that fit their keys. A codec
// of your own that does so gets the same ranges, and is as fast.

// PrefixCodec is implemented by key codecs whose keys can be searched for by
// their first characters or bytes: [StartingWith] needs it.
type PrefixCodec[K any] interface {
	// AppendPrefix appends the bytes that begin the encodings of all keys with
	// this prefix, and of no other keys. The encodings are in their last form
	// if last is set, and otherwise in their delimited form.
	AppendPrefix(dst []byte, prefix K, last bool) []byte
}

// PartsCodec is implemented by key codecs whose keys have several parts and are
// ordered by them, from the first to the last: [Leading] needs it. Format and
// AppendText of such a codec write all parts with commas between them.
type PartsCodec[K any] interface {
	// Parts returns how many parts a key has, two or more.
	Parts() int
	// AppendParts appends the first n parts of key, each in its delimited form.
	// It is called with an n above 0 and below Parts().
	AppendParts(dst []byte, key K, n int) []byte
}

// SizedCodec is implemented by key codecs whose keys all take the same number of
// bytes, and whose delimited and last forms are the same. Reading an index by
// such keys needs no search for the end of a key.
type SizedCodec interface {
	// KeySize returns how many bytes a key takes, one or more.
	KeySize() int
}

// SkippingCodec is implemented by key codecs that find the end of a delimited key
// without decoding it. Reading an index by such keys needs no allocation for each
// key.
type SkippingCodec interface {
	// Skip returns what follows the delimited key at the front of src. It may
	// take what Decode would refuse, but for a key without an end. The error
	// matches [ErrInvalid].
	Skip(src []byte) (rest []byte, err error)
}
