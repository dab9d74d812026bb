package models

import (
	"bytes"
	"slices"
)

// keyList is a list of encoded keys in one piece of memory, reused from row to
// row.
type keyList struct {
	buf  []byte
	ends []int
	// order is scratch of sortUnique.
	order [][]byte
}

func (l *keyList) reset() { l.buf, l.ends = l.buf[:0], l.ends[:0] }

func (l *keyList) len() int { return len(l.ends) }

// at returns key i, borrowed until the list changes.
func (l *keyList) at(i int) []byte {
	start := 0
	if i > 0 {
		start = l.ends[i-1]
	}
	return l.buf[start:l.ends[i]:l.ends[i]]
}

// appendKey adds key in its delimited form. (A method cannot have type
// parameters.)
func appendKey[K any](l *keyList, codec KeyCodec[K], key K) {
	l.buf = codec.Append(l.buf, key)
	l.ends = append(l.ends, len(l.buf))
}

// append adds a key that is encoded already.
func (l *keyList) append(key []byte) {
	l.buf = append(l.buf, key...)
	l.ends = append(l.ends, len(l.buf))
}

// sortUnique sorts the list and drops repeated keys, so that two lists can be
// compared in one pass however many keys a row has.
func (l *keyList) sortUnique() {
	if l.len() < 2 {
		return
	}
	l.order = l.order[:0]
	for i := range l.len() {
		l.order = append(l.order, l.at(i))
	}
	slices.SortFunc(l.order, bytes.Compare)
	l.order = slices.CompactFunc(l.order, bytes.Equal)
	sorted := make([]byte, 0, len(l.buf))
	l.ends = l.ends[:0]
	for _, key := range l.order {
		sorted = append(sorted, key...)
		l.ends = append(l.ends, len(sorted))
	}
	l.buf = sorted
	clear(l.order)
}

// missingFrom calls fn for every key of l that other lacks. Both lists are
// sorted and free of repeats.
func (l *keyList) missingFrom(other *keyList, fn func(key []byte) error) error {
	j := 0
	for i := range l.len() {
		key := l.at(i)
		order := -1
		for j < other.len() {
			if order = bytes.Compare(key, other.at(j)); order <= 0 {
				break
			}
			j++
		}
		if j < other.len() && order == 0 {
			continue
		}
		if err := fn(key); err != nil {
			return err
		}
	}
	return nil
}
