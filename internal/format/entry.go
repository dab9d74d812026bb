package format

// Entry returns the stored key and value of an index entry, in new memory. The key is the space
// of the index, the index key in its delimited form, and the primary key in its last form. In a
// unique index the value holds the primary key.
func Entry(space, key, primary []byte, unique bool) (entry, value []byte) {
	size := len(space) + len(key) + len(primary)
	buf := make([]byte, 0, size+ChecksumSize)
	buf = append(append(append(buf, space...), key...), primary...)
	if unique {
		size -= len(primary)
	}
	entry = buf[:size:size]
	return entry, AppendChecksum(buf[size:], entry)
}

// EntryKey is Entry without the value.
func EntryKey(space, key, primary []byte, unique bool) []byte {
	entry := append(append(make([]byte, 0, len(space)+len(key)+len(primary)), space...), key...)
	if unique {
		return entry
	}
	return append(entry, primary...)
}
