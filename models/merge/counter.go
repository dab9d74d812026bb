package merge

import "math"

// Counter counts up: for each peer, by its name, what it has counted. It grows by one number for each
// peer that has ever counted, and does not shrink.
type Counter map[string]uint64

// Add counts n more by a peer. Its number stays at the highest one when it is reached.
func (c *Counter) Add(by string, n uint64) {
	if n == 0 {
		return
	}
	if *c == nil {
		*c = Counter{}
	}
	(*c)[by] = sum((*c)[by], n)
}

// Value returns what all peers have counted together, at most the highest number.
func (c Counter) Value() uint64 {
	var total uint64
	for _, n := range c {
		total = sum(total, n)
	}
	return total
}

// Merge returns the counter with the higher of both numbers of each peer.
func (c Counter) Merge(other Counter) Counter {
	return Maps(c, other, func(a, b uint64) uint64 { return max(a, b) })
}

// sum adds, up to the highest number.
func sum(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// UpDownCounter counts up and down. It grows by two numbers for each peer that has ever counted, and
// does not shrink. Peers that count down apart from each other can take more than there was.
type UpDownCounter struct{ Up, Down Counter }

// Add counts n more by a peer, or less if n is negative.
func (c *UpDownCounter) Add(by string, n int64) {
	if n < 0 {
		c.Down.Add(by, -uint64(n))
	} else {
		c.Up.Add(by, uint64(n))
	}
}

// Value returns what all peers have counted together, within the range of its type.
func (c UpDownCounter) Value() int64 {
	up, down := c.Up.Value(), c.Down.Value()
	if up >= down {
		return int64(min(up-down, math.MaxInt64))
	}
	return -int64(min(down-up-1, math.MaxInt64)) - 1
}

// Merge returns the counter with what both have counted.
func (c UpDownCounter) Merge(other UpDownCounter) UpDownCounter {
	return UpDownCounter{c.Up.Merge(other.Up), c.Down.Merge(other.Down)}
}

// Maps returns a map with the keys of both, and the merges of the values that both have. A value that
// one map alone has is merged with itself, which brings one that a stranger has made into the form that
// a merge gives it. It grows by
// each key that was ever there: a key that one of two maps has lost comes back. To let keys go, give it
// values that say so, such as a Register of a pointer that becomes nil.
//
//	Prefs: merge.Maps(a.Prefs, b.Prefs, merge.Register[string].Merge)
func Maps[Map ~map[string]V, V any](a, b Map, merge func(a, b V) V) Map {
	merged := make(Map, max(len(a), len(b)))
	for key, value := range a {
		other, both := b[key]
		if !both {
			other = value
		}
		merged[key] = merge(value, other)
	}
	for key, value := range b {
		if _, both := a[key]; !both {
			merged[key] = merge(value, value)
		}
	}
	return merged
}
