package models

// KeyCodec turns keys of type K into bytes whose order is the order of the
// keys, and back. No two keys share an encoding. All methods may be called
// concurrently. The codecs that come with this package are described byte by
// byte in docs/format.md.
type KeyCodec[K any] interface {
	// Name is recorded in the store's catalog: a store written under one name
	// does not open under another. "uint64" or "pair(string,uint64)", say.
	Name() string

	// Append appends key in its delimited form, which can be told apart from
	// whatever follows it.
	Append(dst []byte, key K) []byte
	// Decode reads a delimited key from the front of src and returns what
	// follows it. The key shares no memory with src.
	Decode(src []byte) (key K, rest []byte, err error)

	// AppendLast appends key in its last form, for the end of a stored key: as
	// Append, but free of the delimiter and escapes of strings and bytes.
	AppendLast(dst []byte, key K) []byte
	// DecodeLast reads a key in its last form from the whole of src. The key
	// shares no memory with src.
	DecodeLast(src []byte) (K, error)

	// AppendText appends key as text for a path: one segment without '/',
	// never empty, and sorting as the key does.
	AppendText(dst []byte, key K) []byte
	// ParseText reads what AppendText wrote, and refuses any other spelling of
	// the same key.
	ParseText(text string) (K, error)
}
