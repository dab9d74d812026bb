package record

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/models"
)

// Seed is what the hashes of provided keys begin with, in this store, so that
// nobody outside can look for keys whose hashes are alike.
type Seed struct {
	// Of is what it is for: 1, provided keys.
	Of    uint8
	Value [16]byte
}

// Seeds holds the one seed.
var Seeds = models.NewTree("seed", models.UintOf[uint8](), func(s *Seed) uint8 { return s.Of },
	models.WithCodec(models.Codec[Seed](seedCodec{})),
	models.WithKey(func(s *Seed, of uint8) { s.Of = of }))

// seedCodec writes the value.
type seedCodec struct{}

func (seedCodec) Name() string { return "libp2p-seed" }

func (seedCodec) Fields() []models.Field { return nil }

func (seedCodec) Append(dst []byte, s *Seed) ([]byte, error) { return append(dst, s.Value[:]...), nil }

func (seedCodec) Decode(src []byte, s *Seed) error {
	*s = Seed{}
	if copy(s.Value[:], src) != len(s.Value) || len(src) != len(s.Value) {
		return fmt.Errorf("%w: seed of %d bytes", models.ErrInvalid, len(src))
	}
	return nil
}

// ofKeys is Seed.Of of the seed of provided keys.
const ofKeys = 1

// loadSeed reads the store's seed, or makes one where there is none. A store that
// can only be read and has none has no provider records either.
func (r *Records) loadSeed(ctx context.Context) error {
	seed, err := Seeds.Get(ctx, r.store, ofKeys)
	if errors.Is(err, models.ErrNotFound) {
		seed.Of = ofKeys
		_, _ = rand.Read(seed.Value[:]) // never fails
		if err = Seeds.Put(ctx, r.store, &seed); errors.Is(err, models.ErrReadOnly) {
			err = nil
		}
	}
	r.seed = seed
	return err
}

// hash returns the hash of a provided key: the first 64 bits of the SHA-256
// (FIPS 180-4) of the seed and the key.
func (s *Seed) hash(key []byte) uint64 {
	var room [128]byte
	sum := sha256.Sum256(append(append(room[:0], s.Value[:]...), key...))
	return binary.BigEndian.Uint64(sum[:])
}
