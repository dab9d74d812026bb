package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// Key encrypts the secrets of a store, for OpenOptions.Key. [SecretKey] and [Passphrase] return
// ready-made ones. A program that has its keys in another place, such as a key management service,
// implements Key itself. All methods may be called concurrently.
type Key interface {
	// Wrap returns secret, which has 65 bytes, in a form that only Unwrap can read, of at most
	// 65 536 bytes. Purpose is not secret: it names the store and the number of the secret in it.
	// Unwrap is given the same purpose, and returns an error for any other. Wrap keeps neither
	// slice.
	Wrap(ctx context.Context, secret, purpose []byte) (wrapped []byte, err error)
	// Unwrap returns the secret that Wrap was given, in memory of the caller's. It returns an error
	// that matches ErrWrongKey if it can tell that another key has wrapped it, and any error if it
	// cannot do its work now. It keeps neither slice.
	Unwrap(ctx context.Context, wrapped, purpose []byte) (secret []byte, err error)
}

// SecretKey returns a Key of 32 secret random bytes, which it copies. With any other number of bytes
// Open returns models.ErrInvalid.
func SecretKey(key []byte) Key { return secretKey(bytes.Clone(key)) }

type secretKey []byte

func (k secretKey) check() error {
	if len(k) != crypt.KeySize {
		return fmt.Errorf("%w: the key has %d bytes, it must have %d", models.ErrInvalid, len(k), crypt.KeySize)
	}
	return nil
}

// Wrap encrypts secret.
func (k secretKey) Wrap(_ context.Context, secret, purpose []byte) ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	return crypt.Seal(k, secret, purpose)
}

// Unwrap decrypts what Wrap has encrypted.
func (k secretKey) Unwrap(_ context.Context, wrapped, purpose []byte) ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	return unwrapped(crypt.Open(k, wrapped, purpose))
}

// Passphrase returns the Key that is derived from a passphrase, which it copies. Deriving it takes
// 64 MiB of memory and a tenth of a second, so that guessing is slow: but a short passphrase can be
// guessed. Open returns models.ErrInvalid for an empty one.
func Passphrase(passphrase []byte) Key { return passphraseKey(bytes.Clone(passphrase)) }

type passphraseKey []byte

func (k passphraseKey) check() error {
	if len(k) == 0 {
		return fmt.Errorf("%w: the passphrase is empty", models.ErrInvalid)
	}
	return nil
}

// Wrap encrypts secret with a key that is derived with a new salt.
func (k passphraseKey) Wrap(_ context.Context, secret, purpose []byte) ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	return crypt.SealByPassphrase(k, secret, purpose)
}

// Unwrap decrypts what Wrap has encrypted.
func (k passphraseKey) Unwrap(_ context.Context, wrapped, purpose []byte) ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	return unwrapped(crypt.OpenByPassphrase(k, wrapped, purpose))
}

// unwrapped makes the refusal of a cipher ErrWrongKey.
func unwrapped(secret []byte, err error) ([]byte, error) {
	if errors.Is(err, format.ErrTampered) {
		err = ErrWrongKey
	}
	return secret, err
}

// byOf returns the name of a kind of Key in the catalog.
func byOf(key Key) string {
	switch key.(type) {
	case secretKey:
		return "key"
	case passphraseKey:
		return "passphrase"
	}
	return "function"
}
