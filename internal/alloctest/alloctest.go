// Package alloctest bounds, in tests, the memory that a parser allocates for bytes from other
// peers.
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

// attempts is how often Bound measures a call that seems to be over the bound. A measurement
// counts the memory of all goroutines of the process, those of a fuzzer too.
const attempts = 5

// Bound calls read, which parses input, and fails the test if read allocates more than the
// bound. It may call read several times.
func Bound(t testing.TB, input int, read func()) {
	t.Helper()
	BoundBy(t, Factor, input, read)
}

// BoundBy is Bound with another factor, for values that are larger in memory than in the input.
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
	t.Errorf("reading %d bytes of input allocated %d bytes, the bound is %d", input, least, bound)
}

func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}
