package models

// The interfaces of this file are optional: a [KeyCodec] can implement any of
// them. The codecs of this package implement those that fit their keys. A codec
// of your own that does so gets the same ranges, and is as fast.

// PrefixCodec is implemented by key codecs whose keys can be searched for by
// their first characters or bytes: [StartingWith] needs it.
type PrefixCodec[K any] interface {
	// AppendPrefix appends the bytes with which the encodings of all keys begin
	// that begin with prefix, and of no others: in their last form if last is
	// set, and else in their delimited one.
	AppendPrefix(dst []byte, prefix K, last bool) []byte
}

// PartsCodec is implemented by key codecs whose keys have several parts, by which
// they are ordered from the first to the last: [Leading] needs it. Format and
// AppendText of such a codec write all parts with commas between them.
type PartsCodec[K any] interface {
	// Parts returns how many parts a key has, two or more.
	Parts() int
	// AppendParts appends the first n parts of key, each in its delimited form.
	// It is called with an n above 0 and below Parts().
	AppendParts(dst []byte, key K, n int) []byte
}

// SizedCodec is implemented by key codecs whose keys all take the same number of
// bytes, and have one form: delimited and last are the same. Indexes by such
// keys are read without looking for where a key ends.
type SizedCodec interface {
	// KeySize returns how many bytes a key takes, one or more.
	KeySize() int
}

// SkippingCodec is implemented by key codecs that find the end of a delimited key
// without decoding it. Indexes by such keys are read without an allocation for
// each key.
type SkippingCodec interface {
	// Skip returns what follows the delimited key at the front of src. It may
	// take what Decode would refuse, but for a key without an end. The error
	// matches [ErrInvalid].
	Skip(src []byte) (rest []byte, err error)
}
