package compress

import (
	"encoding/binary"
	"math/bits"
)

// index finds where a dictionary has some bytes: the last place where it has the next eight bytes
// of a value, and the last one where it has the next five. An entry is a place plus 1, or 0.
type index struct {
	long, short []uint32
}

const (
	indexBits  = 15
	longBytes  = 8
	shortBytes = 5
)

// add adds the last n bytes of content.
func (x *index) add(content []byte, n int) {
	if x.long == nil {
		x.long, x.short = make([]uint32, 1<<indexBits), make([]uint32, 1<<indexBits)
	}
	for i := max(0, len(content)-n-longBytes+1); i+longBytes <= len(content); i++ {
		v := load(content, i)
		x.long[longHash(v)], x.short[shortHash(v, indexBits)] = uint32(i+1), uint32(i+1)
	}
}

func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// Both hashes multiply by an odd number near 2⁶⁴ divided by the golden ratio.
const golden = 0x9E3779B97F4A7C15

func longHash(v uint64) uint32 { return uint32(v * golden >> (64 - indexBits)) }

func shortHash(v uint64, n uint8) uint32 {
	return uint32(v << (64 - 8*shortBytes) * golden >> (64 - n))
}

// common returns how many bytes a and b have in common at their fronts.
func common(a, b []byte) int {
	n, i := min(len(a), len(b)), 0
	for ; i+8 <= n; i += 8 {
		if x := load(a, i) ^ load(b, i); x != 0 {
			return i + bits.TrailingZeros64(x)>>3
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}
