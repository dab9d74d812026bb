//go:build !race

package reshape

import "testing"

// The race detector takes things out of pools at random, so that they are allocated again.

func TestAppendAllocatesNothing(t *testing.T) {
	src := encode(personValue)
	dst := make([]byte, 0, 4*len(src))
	for name, p := range plans(t) {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := p.Append(dst, src); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
