package datastore

import (
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// OpenOption is what Open takes: a *models.Definition or OpenOptions.
type OpenOption interface {
	// OpenOption marks what Open takes. Only this module's types implement it.
	OpenOption(session.Sealed)
}

var (
	_ OpenOption = (*models.Definition)(nil)
	_ OpenOption = OpenOptions{}
)

// OpenOptions change how a store is opened. The zero value of every field is its
// default. Where Open is given several, definitions and what is to be dropped add up, and
// the last Progress counts.
type OpenOptions struct {
	// Definitions are more definitions to open the store with, for programs that
	// have them in a slice. Defaults to none.
	Definitions []*models.Definition

	// Relaxed makes every write as UpdateRelaxed does, those of go-datastore faces and
	// of trees included: they do not wait for the disk, and survive a power loss once
	// Sync or Close has returned. It is for programs that call Sync where it matters, as
	// many that use a go-datastore do. Where Open is given several options, one is
	// enough. Defaults to false.
	Relaxed bool

	// Key encrypts the store. A new store is encrypted from its first row on. An encrypted store does
	// not open without its key, and one that is not encrypted does not open with a key, unless
	// Encrypt is set. The key, and those that it protects, are in the memory of the process as long
	// as the store is open. Where Open is given several options, the last key counts. Defaults to
	// none.
	Key Key

	// Encrypt allows Key for a store that is not encrypted: the rows that are written from now on
	// are, and Rotate encrypts the others. Set it once, for a store that is known to be so. Without it
	// Open returns ErrNotEncrypted, because somebody who can change files could put a store of
	// their own in the place of an encrypted one. Where Open is given several options, one is
	// enough. Defaults to false.
	Encrypt bool

	// DropIndexes are the full names of indexes to remove from the store, "blog.user/email",
	// because their trees do not declare them any more. Each tree has to be in one of the
	// definitions. An index that is not in the store is no error, so that a program can keep
	// the option. Defaults to none.
	DropIndexes []string

	// DropFeeds are the full names of trees whose feeds the store is to end, "blog.user": see
	// models.WithFeed. Each tree has to be in one of the definitions. A tree that has no feed is no error.
	// Defaults to none.
	DropFeeds []string

	// Progress is called while a new index is filled or rows get other primary keys, after
	// every transaction, by the goroutine that called Open. Defaults to none.
	Progress func(OpenProgress)
}

// OpenProgress says how far the filling of an index, or the copying of rows, has come.
type OpenProgress struct {
	// Tree is the full name of the tree, Index the index's own. Index is empty while rows are
	// copied to other primary keys.
	Tree, Index string
	// Rows is how many rows have been gone over, expired ones included.
	Rows int64
}

// OpenOption marks OpenOptions as what Open takes.
func (OpenOptions) OpenOption(session.Sealed) {}

// gather puts everything that Open was given into one.
func gather(options []OpenOption) (o OpenOptions) {
	for _, option := range options {
		switch given := option.(type) {
		case *models.Definition:
			o.Definitions = append(o.Definitions, given)
		case OpenOptions:
			o.Definitions = append(o.Definitions, given.Definitions...)
			o.DropIndexes = append(o.DropIndexes, given.DropIndexes...)
			o.DropFeeds = append(o.DropFeeds, given.DropFeeds...)
			o.Relaxed = o.Relaxed || given.Relaxed
			o.Encrypt = o.Encrypt || given.Encrypt
			if given.Progress != nil {
				o.Progress = given.Progress
			}
			if given.Key != nil {
				o.Key = given.Key
			}
		}
	}
	return o
}

// VerifyOptions change Verify and Repair. The zero value is the default.
type VerifyOptions struct {
	// Progress is called with the report so far, after every page, by the
	// goroutine that called. Defaults to none.
	Progress func(Report)
}

// BackupOptions change Backup and Restore. The zero value is the default.
type BackupOptions struct {
	// Plain makes a backup of an encrypted store that is not encrypted. Backup then returns
	// models.ErrTampered for a row that should be encrypted and is not: in the backup nobody could
	// tell it from the others. Restore takes every backup as it is, and returns models.ErrInvalid
	// if Plain is set. Defaults to false.
	Plain bool

	// Progress is called after every chunk of a MiB, by the goroutine that called.
	// Defaults to none.
	Progress func(BackupProgress)
}

// given returns the options that a call was given, or the defaults.
func given[O any](options []O) (o O) {
	if n := len(options); n > 0 {
		o = options[n-1]
	}
	return o
}
