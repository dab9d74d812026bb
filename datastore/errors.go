package datastore

import (
	"errors"

	"github.com/newsnet-africa/netabase-go/models"
)

// Errors of opening a store; those of using one are in package models.
var (
	// ErrNotStore is returned for a database that is not a Netabase store.
	ErrNotStore = errors.New("not a Netabase store")
	// ErrVersion is models.ErrVersion: a newer version has written the store or the backup.
	ErrVersion = models.ErrVersion
)
