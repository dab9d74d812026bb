// Package alloctest bounds, in tests, the memory that reading the bytes of
// other peers allocates.
package alloctest

import (
	"math"
	"runtime"
	"testing"
)

// Reading n bytes may allocate Factor times n bytes, and Base more.
const (
	Factor = 16
	Base   = 64 << 10
)

// attempts is how often a reading is measured that seems to be over the bound: all
// goroutines of the process are measured, those of a fuzzer too.
const attempts = 5

// Bound calls read, which reads input, and fails the test if it allocates more than
// the bound, and each time that it is called again.
func Bound(t testing.TB, input int, read func()) {
	t.Helper()
	BoundBy(t, Factor, input, read)
}

// BoundBy is Bound with another factor, for what in memory is larger by it than it
// may be in the input.
func BoundBy(t testing.TB, factor, input int, read func()) {
	t.Helper()
	bound, least := uint64(factor*input+Base), uint64(math.MaxUint64)
	for range attempts {
		before := allocated()
		read()
		if least = min(least, allocated()-before); least <= bound {
			return
		}
	}
	t.Errorf("%d bytes of input had %d allocated, the bound is %d", input, least, bound)
}

func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}
