package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/newfile"
)

// NewKey returns a new identity: an Ed25519 key.
func NewKey() (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	return key, err
}

// LoadKey reads the identity from the file at path. If there is no file it makes a new identity
// and writes it there, readable by its owner only.
func LoadKey(path string) (crypto.PrivKey, error) {
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		key, err := crypto.UnmarshalPrivateKey(data)
		if err != nil {
			return nil, fmt.Errorf("identity in %s: %w", path, err)
		}
		return key, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("identity: %w", err)
	}
	key, err := NewKey()
	if err != nil {
		return nil, fmt.Errorf("new identity: %w", err)
	}
	if data, err = crypto.MarshalPrivateKey(key); err != nil {
		return nil, fmt.Errorf("new identity: %w", err)
	}
	err = newfile.Write(path, data)
	switch {
	case errors.Is(err, fs.ErrExist): // another process has made one meanwhile
		return LoadKey(path)
	case err != nil:
		return nil, fmt.Errorf("new identity: %w", err)
	}
	return key, nil
}
