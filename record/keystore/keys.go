package keystore

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/ipfs/go-libdht/kad/key/bitstr"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/models"
)

// kademlia returns the Kademlia key of a multihash.
func kademlia(m multihash.Multihash) []byte {
	sum := sha256.Sum256(m)
	return sum[:]
}

// entry is a multihash that a caller has given, and its row's primary key.
type entry struct {
	key       key
	multihash multihash.Multihash
	// at is the multihash's place among those that were given.
	at int
	// isNew is set by Put.
	isNew bool
}

// entriesOf returns the multihashes in the order of their keys, each once.
func entriesOf(name string, given []multihash.Multihash) []entry {
	entries := make([]entry, len(given))
	for i, m := range given {
		entries[i] = entry{key: models.MakePair(name, kademlia(m)), multihash: m, at: i}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return bytes.Compare(a.key.Second, b.key.Second) })
	return slices.CompactFunc(entries, func(a, b entry) bool { return bytes.Equal(a.key.Second, b.key.Second) })
}

// within returns the range of the rows under a prefix. No key is under a prefix that is
// longer than keys are.
func within(name string, prefix bitstr.Key) (rng models.Range[key], none bool, err error) {
	low, high := [sha256.Size]byte{}, [sha256.Size]byte(bytes.Repeat([]byte{0xFF}, sha256.Size))
	for i, bit := range []byte(prefix) {
		if bit != '0' && bit != '1' {
			return rng, false, fmt.Errorf("%w: %q in a prefix, which has '0' and '1' only", models.ErrInvalid, bit)
		}
		if i >= 8*sha256.Size {
			none = true
			continue
		}
		mask := byte(0x80) >> (i % 8)
		if bit == '1' {
			low[i/8] |= mask
		} else {
			high[i/8] &^= mask
		}
	}
	return models.From(models.MakePair(name, low[:])).To(models.MakePair(name, high[:])), none, nil
}
