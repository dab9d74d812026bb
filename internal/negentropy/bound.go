package negentropy

import (
	"bytes"
	"cmp"
	"math"
)

// bound is the upper end of one range, exclusive, and the lower end of the next. The zero value is
// the beginning.
type bound struct {
	time uint64
	// id has zeros behind the first size bytes.
	id   ID
	size int
}

// never is the timestamp of the end.
const never = math.MaxUint64

// end is the bound above all items.
var end = bound{time: never}

func boundOf(prefix []byte) (b bound) {
	b.size = copy(b.id[:], prefix)
	return b
}

func (b *bound) compare(other *bound) int {
	return cmp.Or(cmp.Compare(b.time, other.time), bytes.Compare(b.id[:], other.id[:]))
}

// prefix returns the bound among the items of this package, whose timestamps are 0. It is nil for
// one that is above them all.
func (b *bound) prefix() []byte {
	if b.time > 0 {
		return nil
	}
	return b.id[:b.size]
}
