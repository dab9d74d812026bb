package providers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// seed is hashed in front of each provided key of this store, so that nobody outside can
// construct keys with similar hashes.
type seed struct {
	// Of says what the seed is for: 1 for provided keys.
	Of    uint8
	Value [16]byte
}

// seeds holds the one seed.
var seeds = models.NewTree("seed", models.UintOf[uint8](), func(s *seed) uint8 { return s.Of },
	models.WithCodec(versioned.Of[seed](seedCodec{})),
	models.WithKey(func(s *seed, of uint8) { s.Of = of }))

// seedCodec writes the value.
type seedCodec struct{}

func (seedCodec) Name() string { return "libp2p-seed" }

func (seedCodec) Fields() []models.Field { return nil }

func (seedCodec) Append(dst []byte, s *seed) ([]byte, error) { return append(dst, s.Value[:]...), nil }

func (seedCodec) Decode(src []byte, s *seed) error {
	*s = seed{}
	if copy(s.Value[:], src) != len(s.Value) || len(src) != len(s.Value) {
		return fmt.Errorf("%w: seed of %d bytes", models.ErrInvalid, len(src))
	}
	return nil
}

// ofKeys is the Of of the seed for provided keys.
const ofKeys = 1

// loadSeed reads the store's seed, or makes one if there is none. A read-only store without a
// seed has no provider records either.
func (s *Store) loadSeed(ctx context.Context) error {
	found, err := seeds.Get(ctx, s.store, ofKeys)
	if errors.Is(err, models.ErrNotFound) {
		found.Of = ofKeys
		_, _ = rand.Read(found.Value[:]) // Read never fails
		if err = seeds.Put(ctx, s.store, &found); errors.Is(err, models.ErrReadOnly) {
			err = nil
		}
	}
	s.seed = found
	return err
}

// hash returns the hash of a provided key: the first 64 bits of the SHA-256 (FIPS 180-4) of the
// seed and the key.
func (s *seed) hash(key []byte) uint64 {
	var room [128]byte
	sum := sha256.Sum256(append(append(room[:0], s.Value[:]...), key...))
	return binary.BigEndian.Uint64(sum[:])
}
