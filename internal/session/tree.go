// Package session is shared by models and datastore, and users cannot reach it. It has a tree
// with its types erased, the place of a tree in one store, and the transaction that one
// operation runs in.
package session

import (
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Tree is a tree handle with its types erased: everything that a store has to know of it. One
// handle serves any number of stores. It does not change once the first store has been opened
// with it.
type Tree struct {
	// Name is the tree's full name, "blog.user", once a definition holds the tree. Before that
	// it is the name without the definition's.
	Name string
	// Definition is the name of the definition, empty if none holds the tree.
	Definition string
	// Key and Codec name the codecs of primary keys and values.
	Key, Codec string
	// Policy is the name of the tree's policy.
	Policy string
	// Schema is the version of the shape in which rows are written.
	Schema uint32
	Fields []Field
	// Indexes are in the order of their declaration.
	Indexes []*Index
	// Fault is an error of the declaration, reported on opening.
	Fault error
	// Late is an error of declarations that came after a definition had taken the tree. Such
	// declarations do not affect open stores.
	Late atomic.Pointer[error]

	// Verify checks that a value decodes and belongs under the encoded primary
	// key.
	Verify func(primary, value []byte) error
	// Entries calls emit with the key, in delimited form, of every index entry of the row under
	// the encoded primary key. Emit must not keep the keys.
	Entries func(primary, value []byte, emit func(index int, key []byte) error) error
	// Prepare encodes a model, which is a *M. Store writes the encoded model, and replaces the
	// row with the same primary key if there is one.
	Prepare func(model any) (Prepared, error)
	Store   func(*Session, Prepared) error
	// Encode makes the row of a value, and PutRow writes it, in place of the row with
	// the same primary key if there is one. Both are only for a tree that keeps values as
	// they are given, without indexes.
	Encode func(p *Place, primary, value []byte, expiry int64) (Row, error)
	PutRow func(*Session, Row) error
	// Remove deletes the row under the encoded primary key and its entries.
	Remove func(s *Session, primary []byte) error
	// FormatKey returns an encoded primary key as people write it, or in hex if it does not
	// decode.
	FormatKey func(key []byte) string
	// PathText turns an encoded primary key into text for a path, and ParsePathText turns it
	// back.
	PathText      func(key []byte) (string, error)
	ParsePathText func(text string) ([]byte, error)
}

// Field is a field of a model as the catalog describes it.
type Field = shape.Field

// Index is an index with its types erased.
type Index struct {
	Name string
	Kind Kind
	// Key names the codec of index keys.
	Key string
	// Partial says that a row may have no key.
	Partial bool
	// FormatKey returns a delimited index key as people write it, or in hex if it does not
	// decode.
	FormatKey func(key []byte) string
	// PathText turns a delimited index key into text for a path, and ParsePathText turns it
	// back.
	PathText      func(key []byte) (string, error)
	ParsePathText func(text string) ([]byte, error)
	// CutKey splits an entry's key, without its space number, into the delimited index key and
	// the rest.
	CutKey func(entry []byte) (key, rest []byte, err error)
}

// Kind is how an index maps keys to rows.
type Kind string

const (
	// Plain gives every row one key; rows may share it.
	Plain Kind = "index"
	// Unique gives every row one key of its own.
	Unique Kind = "unique"
	// Claim is Unique in a tree with rows of other peers: several rows may claim a key, and
	// every peer agrees on the row that gets it.
	Claim Kind = "claim"
	// Multi gives a row any number of keys.
	Multi Kind = "multi"
)

// Place is the place of a tree in one store. Space and Indexes never change.
type Place struct {
	// Space is the space number of the rows as stored keys begin with it.
	Space []byte
	// Indexes are the spaces of the tree's indexes, in the order of Tree.Indexes.
	Indexes [][]byte
	// Expires is set once a row of the tree may have an expiry. Until then a write to a tree
	// without indexes need not read the row that it replaces. It is set before the row is
	// written, and stays set if that fails.
	Expires atomic.Bool

	// Claimed says that package record has the tree for itself.
	Claimed atomic.Bool
	// Changed, if set, is called in the transaction of each write to the tree that is not
	// [Trusted], after the row under the encoded primary key has been stored with value, or
	// deleted if value is nil. It must not keep either slice.
	Changed atomic.Pointer[func(s *Session, primary, value []byte) error]
	// Sequence numbers the tree's rows, if the tree has a sequence.
	Sequence *Sequence
}
