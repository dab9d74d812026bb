package alloctest

import "testing"

// recorder records the failure of a test.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

var kept []byte

func TestBound(t *testing.T) {
	for allocate, fails := range map[int]bool{Base / 2: false, Factor*1000 + Base/2: false, Factor*1000 + 2*Base: true} {
		r := &recorder{}
		Bound(r, 1000, func() { kept = make([]byte, allocate) })
		if r.failed != fails {
			t.Errorf("%d bytes: failed is %v", allocate, r.failed)
		}
	}
}
