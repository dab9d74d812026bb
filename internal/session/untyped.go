package session

// DeleteUntyped deletes the rows of a tree under the encoded primary keys, with their
// index entries, in a store that may not have been opened with the tree: by what the
// catalog says. It leaves out keys without a row, and rows for which keep, given the
// number of the key and the value, returns true, and returns how many it deleted.
//
// It finds entries by walking the tree's indexes, so it takes time in proportion to the
// tree. It returns models.ErrDefinition where that has a codec of keys that is not one of
// this module's. Package datastore sets it.
var DeleteUntyped func(s *Session, tree string, keys [][]byte, keep func(i int, value []byte) bool) (int, error)
