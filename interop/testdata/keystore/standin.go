package keystore

import (
	"errors"

	ds "github.com/ipfs/go-datastore"
)

// This file takes the place of kad-dht's resettable_keystore.go. Its constructors return our
// key store. Some of it is there only for tests to compile that do not run.

// ErrResetInProgress is the error that our key store returns.
var ErrResetInProgress = errors.New("reset already in progress")

// sharedSlotPrefix is where the go-datastore shows the rows of keys, of old ones and new ones.
var sharedSlotPrefix = [2]ds.Key{ds.NewKey("/keystore.key"), ds.NewKey("/keystore.key")}

// ResettableKeystore is our key store.
type ResettableKeystore struct {
	Ours
	metaDs          ds.Batching
	activeNamespace byte
	prefixBits      int
}

// NewResettableKeystore returns our key store. The options are about kad-dht's own.
func NewResettableKeystore(d ds.Batching, _ ...ResettableKeystoreOption) (*ResettableKeystore, error) {
	ours, err := NewOurs(d)
	return &ResettableKeystore{Ours: ours, metaDs: d}, err
}

// NewKeystore returns our key store. The options are about kad-dht's own.
func NewKeystore(d ds.Batching, _ ...Option) (Keystore, error) { return NewOurs(d) }
