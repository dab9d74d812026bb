package datastore

import (
	"errors"

	"github.com/newsnet-africa/netabase-go/models"
)

// Errors of opening a store; those of using one are in package models.
var (
	// ErrNotStore is returned for a database that is not a Netabase store.
	ErrNotStore = errors.New("not a Netabase store")
	// ErrNoKey is returned for an encrypted store that is opened without OpenOptions.Key, and for its
	// rows where it is inspected without a key.
	ErrNoKey = errors.New("the store is encrypted and no key was given")
	// ErrWrongKey is returned for an encrypted store that the key given does not open: another key
	// has encrypted it, or somebody has changed what the store keeps of it.
	ErrWrongKey = errors.New("wrong key")
	// ErrNotEncrypted is returned for a store that is not encrypted and is opened with
	// OpenOptions.Key, but without Encrypt.
	ErrNotEncrypted = errors.New("a key was given, and the store is not encrypted")
	// ErrVersion is models.ErrVersion: a newer version has written the store or the backup.
	ErrVersion = models.ErrVersion
)
