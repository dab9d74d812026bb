package models

import (
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Feed says how many of a tree's changes a store keeps on disk, so that a watch can go on where
// an earlier one has ended, also after a restart. Bounds that are zero do not count, and at least
// one is above zero. Beyond the first of the bounds that is reached the oldest changes go, a whole
// transaction at a time. The store may keep an eighth more, and always keeps the last transaction.
type Feed struct {
	// Changes is how many changes are kept.
	Changes int64
	// Age is how old changes get, by the clock of this machine. Old ones go when newer ones come.
	Age time.Duration
	// Bytes is how many bytes of keys and rows, old and new, are kept.
	Bytes int64
}

// WithFeed has stores keep the changes of the tree. Each change is written once more, with the row as
// it was before, in the transaction that makes it. A store that has begun a feed goes on with it, also if
// it is opened by a program that does not declare one, until OpenOptions.DropFeeds names the tree.
func WithFeed[M any](f Feed) TreeOption[M] {
	return func(o *treeOptions[M]) { o.feed = &f }
}

// check returns the feed as stores see it.
func (f *Feed) check() (*session.Feed, error) {
	if f == nil {
		return nil, nil
	}
	if f.Changes < 0 || f.Age < 0 || f.Bytes < 0 || *f == (Feed{}) {
		return nil, fmt.Errorf("%w: a feed of %d changes, %v, %d bytes: one bound has to be above zero, and none below",
			ErrDefinition, f.Changes, f.Age, f.Bytes)
	}
	return &session.Feed{Changes: f.Changes, Age: f.Age, Bytes: f.Bytes}, nil
}
