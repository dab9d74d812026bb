package session

// DeleteUntyped deletes the rows of a tree under the encoded primary keys, and their index
// entries. It uses the store's catalog, so the store may be open without the tree. It leaves
// out keys without a row, and rows for which keep returns true; keep gets the number of the key
// and the value. It returns how many rows it deleted.
//
// It finds entries by walking the tree's indexes, so its time grows with the tree. It returns
// models.ErrDefinition if the tree uses a key codec from outside this module, and models.ErrVersion
// if a newer version has written one of the rows or an index. Package datastore sets the variable.
var DeleteUntyped func(s *Session, tree string, keys [][]byte, keep func(i int, value []byte) bool) (int, error)
