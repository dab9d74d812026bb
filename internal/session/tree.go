// Package session is shared by models and datastore, and users cannot reach it. It has a tree
// with its types erased, the place of a tree in one store, and the transaction that one
// operation runs in.
package session

import (
	"fmt"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Tree is a tree handle with its types erased: everything that a store has to know of it. One
// handle serves any number of stores. It does not change once the first store has been opened
// with it.
type Tree struct {
	// Sole says that a store with the tree is open in one program at a time: package record counts and caches
	// what only its own commits may change.
	Sole bool
	// Name is the tree's full name, "blog.user", once a definition holds the tree. Before that
	// it is the name without the definition's.
	Name string
	// Definition is the name of the definition, empty if none holds the tree.
	Definition string
	// Key and Codec name the codecs of primary keys and values. KeyVersion is the version of the
	// primary key.
	Key, Codec string
	KeyVersion uint32
	// Policy is the name of the tree's policy.
	Policy string
	Fields []Field
	// KeyFields names the fields of the model that the primary key is made of, and Clock the one that
	// the clock is: see models.KeyFields and models.ClockField. They are nil and empty if the declaration
	// does not say them.
	KeyFields []string
	Clock     string
	// ComputedClock says that the tree travels and has a clock whose field nobody has said.
	ComputedClock bool
	// Merged says that a function of the program merges two rows with one primary key.
	Merged bool
	// Tombstones is nil if deletions of rows do not travel.
	Tombstones *Tombstones
	// GivenUp has the paths of fields that the model no longer has, on purpose.
	GivenUp []string
	// Feed is nil if the declaration asks for none.
	Feed *Feed
	// Compressed says that rows are to be compressed.
	Compressed bool
	// Earlier are the earlier types of the model that the program knows, with functions to it.
	Earlier []Earlier
	// Indexes are in the order of their declaration.
	Indexes []*Index
	// Fault is an error of the declaration, reported on opening.
	Fault error
	// CheckFields returns an error if what the declaration says of fields is wrong.
	CheckFields func() error
	// Late is an error of declarations that came after a definition had taken the tree. Such
	// declarations do not affect open stores.
	Late atomic.Pointer[error]

	// Verify checks that a row decodes and belongs under the encoded primary key.
	Verify func(p *Place, primary []byte, row format.Row) error
	// Entries calls emit with the index key, as entries have it, of every index entry of the row
	// under the encoded primary key. Emit must not keep the keys.
	Entries func(p *Place, primary []byte, row format.Row, emit func(index int, key []byte) error) error
	// Modernize returns what is to be stored in place of a row of an earlier schema version.
	Modernize func(p *Place, primary []byte, row format.Row) (format.Row, error)
	// Rekey returns the encoded primary key that a row read from p, which had another one, has
	// now, and its value as the newest schema version has it. It is nil for a tree whose values do
	// not tell their keys.
	Rekey func(p *Place, row format.Row) (primary, value []byte, err error)
	// Prepare encodes a model, which is a *M, for the place, nil if the store does not have the
	// tree. Store writes the encoded model, and replaces the
	// row with the same primary key if there is one.
	Prepare func(p *Place, model any) (Prepared, error)
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

// Earlier is an earlier Go type of a model, with its types erased.
type Earlier struct {
	// Fields are those of the earlier type, and Type is its name in Go.
	Fields []Field
	Type   string
	// Upgrade appends a value of the model, made of a value of the earlier type.
	Upgrade Upgrade
}

// Upgrade appends to dst the value of the newest version of a model, made of a value of another
// one. It keeps neither slice.
type Upgrade func(dst, value []byte) ([]byte, error)

// Index is an index with its types erased.
type Index struct {
	Name string
	Kind Kind
	// Key names the codec of index keys.
	Key string
	// Blind says that entries have keyed hashes of index keys, of BlindSize bytes, in place of
	// the keys.
	Blind bool
	// Partial says that a row may have no key.
	Partial bool
	// Version is the version of the index.
	Version uint32
	// Fields names the fields of the model that index keys are made of, and Optional those of them
	// without which a row has no key: see models.Fields and models.OptionalFields.
	Fields, Optional []string
	// FormatKey returns an index key, as entries have it, as people write it, or in hex if it does
	// not decode.
	FormatKey func(key []byte) string
	// PathText turns an index key, as entries have it, into text for a path, and ParsePathText
	// turns it back.
	PathText      func(key []byte) (string, error)
	ParsePathText func(text string) ([]byte, error)
	// CutKey splits an entry's key, without its space number, into the index key and the rest.
	CutKey func(entry []byte) (key, rest []byte, err error)
	// Belongs reports whether a row belongs to a topic. It is nil if all rows do.
	Belongs func(primary, value []byte) (bool, error)
}

// BlindSize is how many bytes the keys of a blind index have in its entries.
const BlindSize = 16

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
	// Topical gives a row the id of its value, if it belongs to the topic.
	Topical Kind = "topic"
)

// TopicKey is the name of the codec of ids.
const TopicKey = "sha2-256"

// KeyInValue reports whether entries have the primary key in their value.
func (k Kind) KeyInValue() bool { return k == Unique || k == Topical }

// Place is the place of a tree in one store. Space and Indexes never change.
type Place struct {
	// Space is the space number of the rows as stored keys begin with it.
	Space []byte
	// Indexes are the spaces of the tree's indexes, in the order of Tree.Indexes.
	Indexes [][]byte
	// Topics are the topics among the indexes, by their numbers, and nil for others. It is nil for a tree
	// without topics.
	Topics []*Topic
	// Blind appends to dst the BlindSize bytes that stand for a delimited key in entries of the
	// blind index with the number. Key may lie in the memory of dst. Blind is nil in a store
	// without a key, which has no blind indexes.
	Blind func(index int, dst, key []byte) []byte
	// Schema is the schema version in which rows are written.
	Schema uint32
	// Older turns values of earlier schema versions into values of Schema. Its index is the
	// version. Versions that no row can have are nil.
	Older []Upgrade
	// Foreign turns the value of a peer whose model has other fields into one of Schema. It is
	// nil if the tree's codec does not allow that.
	Foreign Upgrade
	// Unpacker reads rows that are compressed or encrypted. Compressor compresses the rows that are
	// written, and is nil in a tree that is not compressed. Keys encrypt the rows that are written,
	// and are nil in a store that is not encrypted.
	Unpacker   *Unpacker
	Compressor *Compressor
	Keys       *crypt.Keys
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

// Value returns the value of a row as the newest schema version has it: that of the row itself,
// or memory of its own if the row has another version.
func (p *Place) Value(row format.Row) ([]byte, error) {
	plain := p.Unpacker == nil && row.Dictionary == 0 && row.Key == 0 || row.Opened
	if plain && row.Schema == p.Schema && !row.Foreign {
		return row.Value, nil
	}
	return p.upgrade(row)
}

// growth is how much longer than the old one the value of a newer version usually is, at most.
const growth = 64

func (p *Place) upgrade(row format.Row) ([]byte, error) {
	row, err := p.Unpacker.Plain(row)
	if err != nil || row.Schema == p.Schema && !row.Foreign {
		return row.Value, err
	}
	if row.Foreign && p.Foreign != nil { // of whichever version: its fields have the names that peers use
		return p.Foreign(make([]byte, 0, len(row.Value)+growth), row.Value)
	}
	if row.Schema > p.Schema {
		return nil, fmt.Errorf("%w: the row has schema version %d, the catalog knows %d", format.ErrVersion, row.Schema,
			p.Schema)
	}
	if int(row.Schema) >= len(p.Older) || p.Older[row.Schema] == nil {
		return nil, fmt.Errorf("%w: row has schema version %d, all rows of which were said to be migrated",
			engine.ErrCorrupt, row.Schema)
	}
	return p.Older[row.Schema](make([]byte, 0, len(row.Value)+growth), row.Value)
}
