// Package session is what models and datastore share and users cannot reach:
// a tree with its types erased, the place it has in one store, and the
// transaction that one operation runs in.
package session

import "sync/atomic"

// Tree is a tree handle with its types erased: what a store has to know of it.
// One handle serves any number of stores. It does not change once the first
// store has been opened with it.
type Tree struct {
	// Name is the full name, "blog.user", once a definition holds the tree;
	// before that the tree's own.
	Name string
	// Definition is the name of the definition, empty while none holds it.
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
	// Fault is what is wrong with the declaration, reported on opening.
	Fault error
	// Late is what is wrong with declarations that came after a definition had
	// taken the tree. They do no harm to stores that are open.
	Late atomic.Pointer[error]

	// Verify checks that a value decodes and belongs under the encoded primary
	// key.
	Verify func(primary, value []byte) error
	// Entries calls emit with the key, in delimited form, of every index entry
	// of the row under the encoded primary key. Emitted keys are borrowed.
	Entries func(primary, value []byte, emit func(index int, key []byte) error) error
	// Prepare encodes a model, which is a *M, and Store writes what it made, in
	// place of the row with the same primary key if there is one.
	Prepare func(model any) (Prepared, error)
	Store   func(*Session, Prepared) error
	// Remove deletes the row under the encoded primary key and its entries.
	Remove func(s *Session, primary []byte) error
	// FormatKey returns an encoded primary key as people write it, and in hex
	// where it does not decode.
	FormatKey func(key []byte) string
	// PathText and ParsePathText turn an encoded primary key to text for a path
	// and back.
	PathText      func(key []byte) (string, error)
	ParsePathText func(text string) ([]byte, error)
}

// Field is a field of a model as the catalog describes it.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Index is an index with its types erased.
type Index struct {
	Name string
	Kind Kind
	// Key names the codec of index keys.
	Key string
	// Partial says that rows may have no key.
	Partial bool
	// FormatKey returns a delimited index key as people write it, and in hex
	// where it does not decode.
	FormatKey func(key []byte) string
	// PathText and ParsePathText turn a delimited index key to text for a path
	// and back.
	PathText      func(key []byte) (string, error)
	ParsePathText func(text string) ([]byte, error)
	// CutKey splits what follows the space number in an entry's key into the
	// delimited index key and the rest.
	CutKey func(entry []byte) (key, rest []byte, err error)
}

// Kind is how an index maps keys to rows.
type Kind string

const (
	// Plain gives every row one key; rows may share it.
	Plain Kind = "index"
	// Unique gives every row one key of its own.
	Unique Kind = "unique"
	// Claim is Unique in a tree whose rows come from other peers: several rows may
	// claim a key, and every peer agrees on whose it is.
	Claim Kind = "claim"
	// Multi gives a row any number of keys.
	Multi Kind = "multi"
)

// Place is where a tree lives in one store. Space and Indexes never change.
type Place struct {
	// Space is the space number of the rows as stored keys begin with it.
	Space []byte
	// Indexes are those of the tree's indexes, in the same order.
	Indexes [][]byte
	// Expires is set once a row of the tree may have an expiry. Until then a write
	// to a tree without indexes need not read the row that it replaces. It is set
	// before the row is written, and stays set if that fails.
	Expires atomic.Bool

	// Claimed is set while package record has the tree for itself.
	Claimed atomic.Bool
	// Changed, if set, is called in the transaction of each write to the tree that is
	// not [Trusted], after the row under the encoded primary key has been stored with
	// the value, or deleted, when value is nil. It keeps neither.
	Changed atomic.Pointer[func(s *Session, primary, value []byte) error]
	// Sequence numbers the tree's rows, where it has them numbered.
	Sequence *Sequence
}
