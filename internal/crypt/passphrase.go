package crypt

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/argon2"

	"github.com/newsnet-africa/netabase-go/internal/format"
)

// The cost of passphrases: the second recommended option of RFC 9106, section 4. A
// store may ask for another cost, up to a bound.
const (
	passes  = 3
	memory  = 64 << 10 // KiB
	threads = 4

	maxPasses = 16
	maxMemory = 1 << 20 // KiB

	saltSize = 16
	// costSize is the length of the salt and of the cost.
	costSize = saltSize + 4 + 4 + 1
)

// SealByPassphrase is Seal with a key that is derived from a passphrase.
func SealByPassphrase(passphrase, plain, associated []byte) ([]byte, error) {
	cost := make([]byte, saltSize, costSize)
	_, _ = rand.Read(cost) // never fails
	cost = binary.BigEndian.AppendUint32(cost, passes)
	cost = binary.BigEndian.AppendUint32(cost, memory)
	cost = append(cost, threads)
	key, err := derive(passphrase, cost)
	if err != nil {
		return nil, err
	}
	sealed, err := Seal(key, plain, associated)
	return append(cost, sealed...), err
}

// OpenByPassphrase returns what SealByPassphrase has encrypted. Its errors match format.ErrTampered.
func OpenByPassphrase(passphrase, sealed, associated []byte) ([]byte, error) {
	if len(sealed) < costSize {
		return nil, format.ErrTampered
	}
	key, err := derive(passphrase, sealed[:costSize])
	if err != nil {
		return nil, err
	}
	return Open(key, sealed[costSize:], associated)
}

// derive returns the key of a passphrase, with a salt and a cost as they are stored.
func derive(passphrase, cost []byte) ([]byte, error) {
	salt, n := cost[:saltSize], cost[saltSize:]
	passes, memory, threads := binary.BigEndian.Uint32(n), binary.BigEndian.Uint32(n[4:]), n[8]
	if passes < 1 || passes > maxPasses || threads < 1 || memory < 8*uint32(threads) || memory > maxMemory {
		return nil, fmt.Errorf("%w: it asks for %d passes over %d KiB with %d threads", format.ErrTampered, passes,
			memory, threads)
	}
	return argon2.IDKey(passphrase, salt, passes, memory, threads, KeySize), nil
}
