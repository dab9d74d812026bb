package datastore

// WithIndexKey returns o with the index key of a store that is encrypted.
func WithIndexKey(o OpenOptions, key []byte) OpenOptions {
	o.indexKey = key
	return o
}
