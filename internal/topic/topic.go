// Package topic computes with the ids of a topic: sums of ids, and the leaves that have the sums of ranges
// of them. It knows neither stores nor models. docs/format.md describes what a topic is.
package topic

import (
	"encoding/binary"
	"math/bits"
)

// IDSize is the length of an id.
const IDSize = 32

// ID is the id of a row.
type ID = [IDSize]byte

// Sum is how many ids there are in a range, and their sum.
type Sum struct {
	Count uint64
	// words is the sum of the ids modulo 2²⁵⁶, the lowest word first.
	words [4]uint64
}

func wordsOf(id *ID) (w [4]uint64) {
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(id[8*i:])
	}
	return w
}

// SumOf returns a sum that is known.
func SumOf(count uint64, total ID) Sum { return Sum{count, wordsOf(&total)} }

// Total returns the sum of the ids, which is a little-endian number.
func (s *Sum) Total() (total ID) {
	for i, w := range s.words {
		binary.LittleEndian.PutUint64(total[8*i:], w)
	}
	return total
}

// Add adds an id.
func (s *Sum) Add(id *ID) { s.Merge(&Sum{1, wordsOf(id)}) }

// Merge adds the ids of another sum.
func (s *Sum) Merge(o *Sum) {
	var carry uint64
	for i := range s.words {
		s.words[i], carry = bits.Add64(s.words[i], o.words[i], carry)
	}
	s.Count += o.Count
}

// Remove takes an id away. The count may be negative until those are added that it is taken from.
func (s *Sum) Remove(id *ID) {
	var borrow uint64
	for i, w := range wordsOf(id) {
		s.words[i], borrow = bits.Sub64(s.words[i], w, borrow)
	}
	s.Count--
}

// Head returns the first 64 bits of an id, as leaves have them.
func Head(id *ID) uint64 { return binary.BigEndian.Uint64(id[:]) }
