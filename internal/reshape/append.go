package reshape

import (
	"slices"
	"sync"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
)

// Append appends the value src, rewritten, to dst. The result is as canonical as src, which is only
// read and shares no memory with dst. It is no longer than src and the defaults of the structs in it.
//
// A src that does not have the shape that the plan starts from, or is not canonical DAG-CBOR, gives
// an error that matches [shape.ErrInvalid] and says which byte of which field, and dst with its
// length unchanged.
func (p *Plan) Append(dst, src []byte) ([]byte, error) { return p.append(dst, src, false) }

func (p *Plan) append(dst, src []byte, lean bool) ([]byte, error) {
	if p.err != nil {
		return dst, p.err
	}
	w := writer{source: source{src: src}, dst: dst, lean: lean}
	ok := w.value(p.root, 0)
	if ok && w.at < len(src) {
		ok = w.fail("%d bytes follow the value", len(src)-w.at)
	}
	if !ok {
		return dst, w.err()
	}
	w.flush(w.at)
	return w.dst, nil
}

// writer rewrites a value. It copies what stays as it is in pieces that are as long as possible.
type writer struct {
	source
	dst []byte
	// done is how much of the source has been copied or left out.
	done int
	// lean leaves out all fields that are zero, of a plan that changes no names. Whether a value has
	// them depends on who has written it.
	lean bool
}

// span is where a field lies in the result.
type span struct{ start, end int }

// spans holds *[]span, one for each struct whose fields are sorted at the moment.
var spans = sync.Pool{New: func() any { return new([]span) }}

// flush copies the source as far as end.
func (w *writer) flush(end int) {
	w.dst = append(w.dst, w.src[w.done:end]...)
	w.done = end
}

// value reads a value. Depth is that of the maps and lists around it.
func (w *writer) value(n *node, depth int) bool {
	if n.null && w.null() {
		return true
	}
	switch n.form {
	case formList:
		count, ok := w.count(cbor.List, 1)
		if !ok || depth >= maxDepth {
			return w.tooDeep()
		}
		if n.size != 0 && count != n.size {
			return w.fail("a list has %d elements, not %d", count, n.size)
		}
		for range count {
			if !w.value(n.elem, depth+1) {
				return false
			}
		}
		return true
	case formMap:
		count, ok := w.count(cbor.Map, 2)
		if !ok || depth >= maxDepth {
			return w.tooDeep()
		}
		var key []byte
		for range count {
			if key, ok = w.key(key); !ok || !w.value(n.elem, depth+1) {
				return false
			}
		}
		return true
	case formStruct:
		return w.fields(n, depth)
	default:
		return w.scalar(n)
	}
}

// fields reads a struct.
func (w *writer) fields(n *node, depth int) bool {
	start := w.at
	left, ok := w.count(cbor.Map, 2)
	if !ok || depth >= maxDepth {
		return w.tooDeep()
	}
	head, written := 0, 0
	if !n.same {
		w.flush(start)
		w.done = w.at
		head = len(w.dst)
		w.dst = cbor.AppendHead(w.dst, cbor.Map, uint64(max(0, left+n.more)))
	}
	first := len(w.dst)
	var fields *[]span // of the result, by the number of the step
	if n.order != nil {
		fields = spans.Get().(*[]span)
		*fields = append((*fields)[:0], make([]span, len(n.steps))...)
	}
	var before []byte // the last key of an open struct
	for i := range n.steps {
		s := &n.steps[i]
		if n.order != nil {
			w.flush(w.at)
		}
		from := len(w.dst)
		found := s.key != "" && w.next(left, s.key)
		if n.open {
			if !found {
				if left, before, ok = w.unknown(left, before, s.key, depth); !ok {
					return false
				}
				found = w.next(left, s.key)
			}
			if found {
				before = w.src[w.at : w.at+len(s.key)]
			}
		}
		switch {
		case found:
			left--
			kept, ok := w.known(s, depth)
			if !ok {
				return w.failedIn(s.key)
			}
			if !kept {
				continue
			}
		case s.add != "":
			w.flush(w.at)
			w.dst = append(w.dst, s.add...)
		default:
			continue
		}
		written++
		if n.order != nil {
			w.flush(w.at)
			(*fields)[i] = span{from, len(w.dst)}
		}
	}
	switch {
	case n.open:
		if _, _, ok := w.unknown(left, before, "", depth); !ok {
			return false
		}
	case left > 0:
		if key, ok := w.text(); ok {
			return w.fail("the field %.40q is unknown, repeated or out of order", string(key))
		}
		return false
	}
	if n.same {
		return true
	}
	if n.order != nil {
		w.sort(first, *fields, n.order)
		spans.Put(fields)
	}
	w.dst = setHead(w.dst, head, first, written)
	return true
}

// next reports whether a key comes next.
func (w *writer) next(left int, key string) bool {
	end := w.at + len(key)
	return left > 0 && end <= len(w.src) && string(w.src[w.at:end]) == key
}

// known reads a field that the plan knows, and reports whether the result has it.
func (w *writer) known(s *step, depth int) (kept, ok bool) {
	if s.drop || s.rename != "" || w.lean {
		w.flush(w.at)
	}
	from := len(w.dst)
	w.at += len(s.key)
	if s.rename != "" {
		w.dst, w.done = append(w.dst, s.rename...), w.at
	}
	if !w.value(s.node, depth+1) {
		return false, false
	}
	switch {
	case s.drop:
		w.done = w.at
		return false, true
	case w.lean:
		w.flush(w.at)
		if value := (source{src: w.dst[from+len(s.key):]}); value.zero() {
			w.dst = w.dst[:from]
			return false, true
		}
	}
	return true, true
}

// unknown leaves out the fields before the field of a key, or all that are left if key is empty.
// Before is the last key.
func (w *writer) unknown(left int, before []byte, until string, depth int) (int, []byte, bool) {
	for left > 0 {
		start := w.at
		key, ok := w.key(before)
		if !ok {
			return 0, nil, false
		}
		if until != "" && string(key) >= until {
			w.at = start
			return left, before, true
		}
		w.flush(start)
		if !w.any(depth + 1) {
			return 0, nil, w.failedIn(string(key))
		}
		w.done, before = w.at, key
		left--
	}
	return left, before, true
}

// sort puts the fields of a struct, whose first begins at first, in order.
func (w *writer) sort(first int, fields []span, order []int) {
	end := len(w.dst)
	for _, i := range order {
		w.dst = append(w.dst, w.dst[fields[i].start:fields[i].end]...)
	}
	copy(w.dst[first:], w.dst[end:])
	w.dst = w.dst[:end]
}

// setHead writes the head of a struct's map, at head, where another was put before its fields were
// counted. The first field begins at first.
func setHead(dst []byte, head, first, fields int) []byte {
	var buf [9]byte
	right := cbor.AppendHead(buf[:0], cbor.Map, uint64(fields))
	if len(right) != first-head {
		return slices.Replace(dst, head, first, right...)
	}
	copy(dst[head:], right)
	return dst
}
