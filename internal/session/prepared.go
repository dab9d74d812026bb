package session

// Prepared is a model encoded for its tree: everything needed to write it, in new memory.
type Prepared struct {
	// Primary is the primary key in its last form, Value the output of the codec.
	Primary, Value []byte
	// Entries are the index entries of the row, in the order of the indexes.
	Entries []PreparedEntry
}

// PreparedEntry is an index entry of a Prepared.
type PreparedEntry struct {
	// Index is the number of the index.
	Index int
	// Key is the index key in its delimited form.
	Key []byte
}
