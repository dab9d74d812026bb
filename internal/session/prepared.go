package session

// Prepared is a model encoded for its tree: everything needed to write it, in new memory.
type Prepared struct {
	// Primary is the primary key in its last form, Value the output of the codec.
	Primary, Value []byte
	// Entries are the index entries of the row, in the order of the indexes.
	Entries []PreparedEntry
}

// Row is a row encoded for its place in one store. It is in memory of its own, which
// the engine gets when the row is written. An engine does not change that memory, so a
// transaction that runs again can write the same Row.
type Row struct {
	// Key is the stored key, which begins with the number of the tree's space, and
	// Stored is what lies there.
	Key, Stored []byte
	// Expiry is as in format.Row.
	Expiry int64
	// DataKey is the number of the key that the row is encrypted with, zero if it is not.
	DataKey uint32
}

// PreparedEntry is an index entry of a Prepared.
type PreparedEntry struct {
	// Index is the number of the index.
	Index int
	// Key is the index key in its delimited form.
	Key []byte
}
