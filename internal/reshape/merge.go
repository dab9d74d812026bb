package reshape

import (
	"bytes"
	"crypto/sha256"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Merge appends known to dst, a value of the shape to, with the fields put back that before has and
// to does not. Before is the value that known was made from, canonical but of a shape that is not
// known; fields that to has and known does not are left out, since they were emptied.
//
// Fields that are not known stay with their struct. A struct in a map is found by its key. One in a
// list is found by its number if the list has as many elements as before. Otherwise an element that
// has not changed, as far as its fields are known, gets those of the first such element before that
// no other has got. Fields of other elements are gone, as are those of structs that known has not.
//
// Neither value is changed or shares memory with the result, which is no longer than both together.
// A value that is not canonical, or does not have its shape where the two are compared, gives an
// error that matches [shape.ErrInvalid], and dst with its length unchanged. Parts of known to which
// before has nothing are copied as they are.
func Merge(dst, known, before []byte, to shape.Type) ([]byte, error) {
	p := ByName(to)
	if p.err != nil {
		return dst, p.err
	}
	m := merger{known: source{src: known}, before: source{src: before}, dst: dst}
	if !m.value(p.root, 0) {
		if m.known.fault != nil {
			return dst, m.known.err()
		}
		return dst, m.before.err()
	}
	for _, s := range []*source{&m.known, &m.before} {
		if s.at < len(s.src) {
			s.fail("%d bytes follow the value", len(s.src)-s.at)
			return dst, s.err()
		}
	}
	return m.dst, nil
}

// merger reads two values side by side.
type merger struct {
	known, before source
	dst           []byte
}

// copy appends the next item of s, whatever it is.
func (m *merger) copy(s *source, depth int) bool {
	start := s.at
	if !s.any(depth) {
		return false
	}
	m.dst = append(m.dst, s.src[start:s.at]...)
	return true
}

// keep appends the next item of known and leaves out that of before.
func (m *merger) keep(depth int) bool { return m.copy(&m.known, depth) && m.before.any(depth) }

// value merges two values of a type. Depth is that of the maps and lists around them.
func (m *merger) value(n *node, depth int) bool {
	if !n.structs || n.null && (m.known.nullNext() || m.before.nullNext()) {
		return m.keep(depth)
	}
	if depth >= maxDepth {
		return m.known.tooDeep()
	}
	switch n.form {
	case formList:
		return m.list(n, depth)
	case formMap:
		return m.entries(n, depth)
	default:
		return m.fields(n, depth)
	}
}

// entry is where the reading of a map stands.
type entry struct {
	*source
	left int
	// key is the key that was read last, with its head, and has says that its value was not.
	key []byte
	has bool
}

func (e *entry) read() bool {
	if e.has || e.left == 0 {
		return true
	}
	e.left--
	e.key, e.has = e.source.key(e.key)
	return e.has
}

// maps reads the heads of two maps.
func (m *merger) maps() (known, before entry, ok bool) {
	known, before = entry{source: &m.known}, entry{source: &m.before}
	if known.left, ok = m.known.count(cbor.Map, 2); ok {
		before.left, ok = m.before.count(cbor.Map, 2)
	}
	return known, before, ok
}

// step reads the next keys, where there are any, and says which comes first.
func (m *merger) step(known, before *entry) (order int, end, ok bool) {
	switch {
	case !known.read() || !before.read():
		return 0, false, false
	case !known.has && !before.has:
		return 0, true, true
	case !before.has:
		return -1, false, true
	case !known.has:
		return 1, false, true
	default:
		return bytes.Compare(known.key, before.key), false, true
	}
}

// entries merges two maps.
func (m *merger) entries(n *node, depth int) bool {
	known, before, ok := m.maps()
	if !ok {
		return false
	}
	m.dst = cbor.AppendHead(m.dst, cbor.Map, uint64(known.left))
	for {
		order, end, ok := m.step(&known, &before)
		switch {
		case end || !ok:
			return ok
		case order > 0:
			ok, before.has = m.before.any(depth+1), false
		default:
			m.dst, known.has = append(m.dst, known.key...), false
			if order < 0 {
				ok = m.copy(&m.known, depth+1)
			} else {
				ok, before.has = m.value(n.elem, depth+1), false
			}
		}
		if !ok {
			return false
		}
	}
}

// fields merges two structs.
func (m *merger) fields(n *node, depth int) bool {
	known, before, ok := m.maps()
	if !ok {
		return false
	}
	head, written, steps := len(m.dst), 0, n.steps
	m.dst = cbor.AppendHead(m.dst, cbor.Map, uint64(known.left+before.left))
	first := len(m.dst)
	for {
		order, end, ok := m.step(&known, &before)
		if !ok {
			return false
		}
		if end {
			break
		}
		key := known.key
		if order > 0 {
			key = before.key
		}
		for len(steps) > 0 && steps[0].key < string(key) {
			steps = steps[1:]
		}
		has := len(steps) > 0 && steps[0].key == string(key)
		switch {
		case order <= 0 && !has:
			m.known.fail("there is a field that the shape does not have")
			return m.known.failedIn(string(key))
		case order > 0 && has:
			ok, before.has = m.before.any(depth+1), false
			if !ok {
				return m.before.failedIn(string(key))
			}
			continue
		}
		m.dst = append(m.dst, key...)
		written++
		switch {
		case order > 0:
			ok, before.has = m.copy(&m.before, depth+1), false
		case order < 0:
			ok, known.has = m.copy(&m.known, depth+1), false
		default:
			ok, known.has, before.has = m.value(steps[0].node, depth+1), false, false
		}
		if !ok {
			return m.failedIn(string(key))
		}
	}
	if written > maxElements {
		return m.before.fail("a struct of more than %d fields", maxElements)
	}
	m.dst = setHead(m.dst, head, first, written)
	return true
}

func (m *merger) failedIn(key string) bool {
	if m.known.fault != nil {
		return m.known.failedIn(key)
	}
	return m.before.failedIn(key)
}

// list merges two lists.
func (m *merger) list(n *node, depth int) bool {
	count, ok := m.known.count(cbor.List, 1)
	if !ok {
		return false
	}
	had, ok := m.before.count(cbor.List, 1)
	if !ok {
		return false
	}
	m.dst = cbor.AppendHead(m.dst, cbor.List, uint64(count))
	if count == had {
		for range count {
			if !m.value(n.elem, depth+1) {
				return false
			}
		}
		return true
	}
	unchanged, ok := m.elements(n.elem, had, depth+1)
	if !ok {
		return false
	}
	end := m.before.at
	for range count {
		start := m.known.at
		if !m.known.any(depth + 1) {
			return false
		}
		at, found, ok := unchanged.take(m.known.src[start:m.known.at])
		if !ok {
			return m.known.fail("an element does not have its shape: %w", unchanged.err)
		}
		m.known.at = start
		if !found {
			ok = m.copy(&m.known, depth+1)
		} else {
			m.before.at = at
			ok = m.value(n.elem, depth+1)
		}
		if !ok {
			return false
		}
	}
	m.before.at = end
	return true
}

// elements are those of a list in the value before, by what is known of them.
type elements struct {
	plan  *Plan
	first map[[sha256.Size]byte]int
	next  []int // the next element that is the same, or -1
	at    []int
	err   error

	known, lean []byte // scratch
}

// elements reads the elements of a list in the value before.
func (m *merger) elements(n *node, count, depth int) (*elements, bool) {
	e := &elements{plan: &Plan{root: n}, first: make(map[[sha256.Size]byte]int), next: make([]int, count)}
	last := make(map[[sha256.Size]byte]int)
	for i := range count {
		start := m.before.at
		if !m.before.any(depth) {
			return nil, false
		}
		e.at, e.next[i] = append(e.at, start), -1
		sum, ok := e.sum(m.before.src[start:m.before.at])
		if !ok {
			return nil, m.before.fail("an element does not have its shape: %w", e.err)
		}
		if before, ok := last[sum]; ok {
			e.next[before] = i
		} else {
			e.first[sum] = i
		}
		last[sum] = i
	}
	return e, true
}

// sum hashes what is known of an element.
func (e *elements) sum(element []byte) (sum [sha256.Size]byte, ok bool) {
	if e.known, e.err = e.plan.append(e.known[:0], element, false); e.err == nil {
		e.lean, e.err = e.plan.append(e.lean[:0], e.known, true)
	}
	return sha256.Sum256(e.lean), e.err == nil
}

// take returns where the first element lies that is the same as another as far as is known, and
// takes it out.
func (e *elements) take(element []byte) (at int, found, ok bool) {
	sum, ok := e.sum(element)
	if !ok {
		return 0, false, false
	}
	i, found := e.first[sum]
	switch {
	case !found:
		return 0, false, true
	case e.next[i] < 0:
		delete(e.first, sum)
	default:
		e.first[sum] = e.next[i]
	}
	return e.at[i], true, true
}
