package negentropy_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/newsnet-africa/netabase-go/internal/negentropy"
)

// ids is a Set in memory: sorted ids.
type ids []negentropy.ID

func newIDs(all []negentropy.ID) ids {
	set := slices.Clone(all)
	slices.SortFunc(set, func(a, b negentropy.ID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(set)
}

// random returns n ids.
func random(r *rand.Rand, n int) []negentropy.ID {
	all := make([]negentropy.ID, n)
	for i := range all {
		for j := 0; j < len(all[i]); j += 8 {
			binary.LittleEndian.PutUint64(all[i][j:], r.Uint64())
		}
	}
	return all
}

// within returns the ids of a range.
func (s ids) within(lower, upper []byte) ids {
	at := func(b []byte) int {
		return sort.Search(len(s), func(i int) bool { return bytes.Compare(s[i][:], b) >= 0 })
	}
	from, to := at(lower), len(s)
	if upper != nil {
		to = at(upper)
	}
	return s[from:max(from, to)]
}

func (s ids) Sums(_ context.Context, bounds [][]byte) (sums []negentropy.Sum, err error) {
	for i, upper := range bounds[1:] {
		var of negentropy.Sum
		for _, id := range s.within(bounds[i], upper) {
			of.Count++
			carry := uint64(0)
			for i := 0; i < len(id); i += 8 {
				var part uint64
				part, carry = bits.Add64(binary.LittleEndian.Uint64(of.Sum[i:]), binary.LittleEndian.Uint64(id[i:]), carry)
				binary.LittleEndian.PutUint64(of.Sum[i:], part)
			}
		}
		sums = append(sums, of)
	}
	return sums, nil
}

func (s ids) IDs(_ context.Context, lower, upper []byte) iter.Seq2[negentropy.ID, error] {
	return func(yield func(negentropy.ID, error) bool) {
		for _, id := range s.within(lower, upper) {
			if !yield(id, nil) {
				return
			}
		}
	}
}

func (s ids) Split(_ context.Context, lower, upper []byte, parts int) (bounds [][]byte, err error) {
	in := s.within(lower, upper)
	for i := 1; i < parts; i++ {
		at := i * len(in) / parts
		if at == 0 || at == (i-1)*len(in)/parts {
			continue
		}
		same := 0
		for in[at][same] == in[at-1][same] {
			same++
		}
		bounds = append(bounds, in[at][:same+1])
	}
	return bounds, nil
}
