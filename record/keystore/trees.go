package keystore

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// Definition declares the trees of key stores. Open a store for key stores with it, beside
// the program's own definitions. Its name is "keystore".
var Definition = models.NewDefinition("keystore", keys, states)

// row is a key in the key store of a name.
type row struct {
	Name      string
	Multihash multihash.Multihash
	// Generation is a generation that the key is in, and Other is another one or zero.
	Generation, Other uint64
}

// in reports whether the key is in a generation. Nothing is in generation zero.
func (r *row) in(generation uint64) bool {
	return generation != 0 && (r.Generation == generation || r.Other == generation)
}

// key is the primary key of a row: the name of the key store, and the Kademlia key.
type key = models.Pair[string, []byte]

var keys = models.NewTree("key", models.PairOf(models.String, models.Bytes),
	func(r *row) key { return models.MakePair(r.Name, kademlia(r.Multihash)) },
	models.WithCodec(versioned.Of[row](rowCodec{})),
	models.WithKey(func(r *row, key key) { r.Name = key.First }))

// rowCodec writes the two generations as varints, then the multihash. A map with named
// fields would take twice the space.
type rowCodec struct{}

func (rowCodec) Name() string { return "keystore-key" }

func (rowCodec) Fields() []models.Field { return nil }

func (rowCodec) Append(dst []byte, r *row) ([]byte, error) {
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, r.Generation), r.Other)
	return append(dst, r.Multihash...), nil
}

func (rowCodec) Decode(src []byte, r *row) error {
	*r = row{}
	rest := src
	for _, into := range []*uint64{&r.Generation, &r.Other} {
		generation, n := binary.Uvarint(rest)
		if n <= 0 {
			return fmt.Errorf("%w: row of %d bytes without two generations", models.ErrInvalid, len(src))
		}
		*into, rest = generation, rest[n:]
	}
	r.Multihash = bytes.Clone(rest)
	return nil
}

// state is the state of a key store. Each transaction that changes rows changes it too, so
// that the sizes are exact whenever the process ends.
type state struct {
	Name string `cbor:"name"`
	// Last is the highest generation so far. A generation is never used again.
	Last uint64 `cbor:"last"`
	// Current is the generation that is read, Size the number of its keys.
	Current uint64 `cbor:"current"`
	Size    int64  `cbor:"size"`
	// Target is the generation that a reset is filling, zero if there is none, and
	// TargetSize the number of its keys.
	Target     uint64 `cbor:"target"`
	TargetSize int64  `cbor:"targetSize"`
	// Leftover says that there may be rows in neither generation.
	Leftover bool `cbor:"leftover"`
}

var states = models.NewTree("state", models.String, func(s *state) string { return s.Name })

// mixed reports whether there may be rows that are not in the current generation.
func (s *state) mixed() bool { return s.Target != 0 || s.Leftover }

// begin returns the number of a new generation.
func (s *state) begin() uint64 {
	s.Last++
	return s.Last
}

// put adds a key to the generations that s names. Found is its row, nil if there is none. It
// returns the row to store, and whether the key is new to the current generation.
func (s *state) put(found *row, m multihash.Multihash) (changed *row, isNew bool) {
	isNew = found == nil || !found.in(s.Current)
	awaits := s.Target != 0 && (found == nil || !found.in(s.Target))
	if isNew {
		s.Size++
	}
	if awaits {
		s.TargetSize++
	}
	if !isNew && !awaits {
		return nil, false
	}
	return &row{Name: s.Name, Multihash: m, Generation: s.Current, Other: s.Target}, isNew
}

// fill adds a key to the target alone, and returns the row to store, nil for none.
func (s *state) fill(found *row, m multihash.Multihash) *row {
	switch {
	case found == nil || !found.in(s.Current) && !found.in(s.Target):
		found = &row{Name: s.Name, Multihash: m, Generation: s.Target}
	case found.in(s.Target):
		return nil
	default:
		found.Generation, found.Other = s.Current, s.Target
	}
	s.TargetSize++
	return found
}

// remove takes a key out of all generations.
func (s *state) remove(found *row) {
	if found.in(s.Current) {
		s.Size--
	}
	if found.in(s.Target) {
		s.TargetSize--
	}
}

// abandon ends the reset that fills target, if it has not ended.
func (s *state) abandon(target uint64) {
	if target != 0 && s.Target == target {
		s.Target, s.TargetSize, s.Leftover = 0, 0, true
	}
}
