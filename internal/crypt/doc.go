// Package crypt encrypts the rows of a store, and the keys that they are encrypted with.
// docs/format.md describes the bytes that it writes, under "Encryption". The primitives are those of
// golang.org/x/crypto.
package crypt

import (
	"crypto/cipher"
	"crypto/rand"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/newsnet-africa/netabase-go/internal/format"
)

// KeySize is the length of every key in bytes.
const KeySize = chacha20poly1305.KeySize

// Overhead is by how many bytes Seal makes bytes longer.
const Overhead = format.NonceSize + format.TagSize

// newAEAD returns the cipher with a key of KeySize bytes.
func newAEAD(key []byte) (cipher.AEAD, error) { return chacha20poly1305.NewX(key) }

// Seal returns plain encrypted with a key: nonce, ciphertext and tag. Open needs the same
// associated data.
func Seal(key, plain, associated []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, format.NonceSize, Overhead+len(plain))
	_, _ = rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, plain, associated), nil
}

// Open returns what Seal has encrypted. Its error matches format.ErrTampered if anything differs: the
// key, the associated data, or any byte.
func Open(key, sealed, associated []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < Overhead {
		return nil, format.ErrTampered
	}
	plain, err := aead.Open(nil, sealed[:format.NonceSize], sealed[format.NonceSize:], associated)
	if err != nil {
		return nil, format.ErrTampered
	}
	return plain, nil
}
