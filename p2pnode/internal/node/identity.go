package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/crypto"
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
	if err := writeKey(path, data); err != nil {
		return nil, fmt.Errorf("new identity: %w", err)
	}
	return key, nil
}

// writeKey makes the whole file appear at path or nothing: an identity that is cut short is
// lost.
func writeKey(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
