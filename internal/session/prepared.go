package session

// Prepared is a model encoded for its tree: all that writing it takes, in
// memory of its own.
type Prepared struct {
	// Primary is the primary key in its last form, Value what the codec wrote.
	Primary, Value []byte
	// Entries are the index entries it is to have, in the order of the indexes.
	Entries []PreparedEntry
}

// PreparedEntry is an index entry that is to be.
type PreparedEntry struct {
	// Index is the number of the index.
	Index int
	// Key is the index key in its delimited form.
	Key []byte
}
