package models

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Errors of declaring and opening.
var (
	// ErrUpgrade is returned for a row of an earlier version of a model that cannot be made one of
	// the newest. The row stays as it is.
	ErrUpgrade = errors.New("row of an earlier version cannot be upgraded")
	// ErrDefinition is returned where a definition is faulty or does not fit
	// what the store's catalog says of it.
	ErrDefinition = errors.New("definition does not fit")
	// ErrUnknownTree is returned for a tree whose definition the store was not
	// opened with.
	ErrUnknownTree = errors.New("unknown tree")
)

// Errors of reading and writing rows.
var (
	// ErrNotFound is returned where no row has the key.
	ErrNotFound = engine.ErrNotFound
	// ErrExists is returned by Insert where a row has the key already.
	ErrExists = errors.New("already exists")
	// ErrUnique is returned for a write that would give two rows the same key
	// in a Unique index of a tree that is Local.
	ErrUnique = errors.New("unique index violated")
	// ErrPolicy is returned for a write that the tree's policy does not allow.
	ErrPolicy = errors.New("not allowed by the tree's policy")
	// ErrInvalid is returned for input that cannot be taken: a value that does
	// not decode or is not canonical, a key that does not match its row, a
	// model that cannot be encoded.
	ErrInvalid = shape.ErrInvalid
	// ErrMerge is returned where what the function of WithMerge makes of two rows cannot be stored: it
	// has another primary key, cannot be encoded, or is too large for a record. The stored row stays.
	ErrMerge = errors.New("merge of two rows cannot be stored")
	// ErrCorrupt is returned where stored bytes are not what was written, or
	// an index and its rows disagree.
	ErrCorrupt = engine.ErrCorrupt
	// ErrTampered is returned for a row of an encrypted store that somebody without the key has
	// changed, moved from another key, or put there without encryption. It is not damage: the
	// row's checksum is right.
	ErrTampered = format.ErrTampered
	// ErrVersion is returned for a row, or a whole store or backup, that a newer version has
	// written. It is not damaged; a newer version of the program can read it.
	ErrVersion = format.ErrVersion
)

// Errors of stores and transactions.
var (
	// ErrClosed is returned by every call after Close.
	ErrClosed = engine.ErrClosed
	// ErrReadOnly is returned for a write to a store opened to be read.
	ErrReadOnly = engine.ErrReadOnly
	// ErrTxnDone is returned for a transaction that has already ended.
	ErrTxnDone = engine.ErrTxnDone
	// ErrNested is returned for a call on a store with the context that its View
	// or Update has given to a function: such a call belongs in the transaction.
	ErrNested = errors.New("called on a store inside its own transaction; use the transaction")
	// ErrConflict is returned where other writers changed what a transaction
	// had read every time it was tried. Nothing was written.
	ErrConflict = engine.ErrConflict
	// ErrTooLarge is returned for a row or a transaction that the engine
	// cannot take; errors.As with *engine.TooLargeError tells the sizes.
	ErrTooLarge = engine.ErrTooLarge
	// ErrKeySize is returned for a key of more than engine.MaxKeySize encoded
	// bytes.
	ErrKeySize = engine.ErrKeySize
)

// Error says which operation on which tree, index and key failed. With
// errors.Is and errors.As it matches the errors that Err matches.
type Error struct {
	// Op is the method, in lower case: "get", "put", "find".
	Op string
	// Tree is the full name of the tree, "blog.user".
	Tree string
	// Index is the name of the index, empty where none is concerned.
	Index string
	// Key is the primary or index key as people write it, by the codec's
	// Format, or in hex where it does not decode. It is empty where no single
	// key is concerned. The message shows the beginning of a long one.
	Key string
	// Err is why it failed.
	Err error
}

func (e *Error) Error() string {
	where := e.Tree
	if e.Index != "" {
		where += "/" + e.Index
	}
	if e.Key != "" {
		where += " " + shown(e.Key)
	}
	return fmt.Sprintf("%s %s: %v", e.Op, where, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// maxShown is how many bytes of a long key a message shows.
const maxShown = 64

// shown is the text of a key as messages have it.
func shown(text string) string {
	if len(text) <= 2*maxShown {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", cutShort(text), len(text))
}

// cutShort returns the beginning of a long text, in whole characters.
func cutShort(text string) string {
	if len(text) <= maxShown {
		return text
	}
	end := maxShown
	for end > maxShown-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
