package datastore

import "errors"

// Errors of opening a store; those of using one are in package models.
var (
	// ErrNotStore is returned for a database that is not a Netabase store.
	ErrNotStore = errors.New("not a Netabase store")
	// ErrVersion is returned for a store that a newer version has written.
	ErrVersion = errors.New("store was written by a newer version")
)
