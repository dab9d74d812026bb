package reshape

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Union appends known to dst, a value of the shape to, with those fields put back that the values a
// and b have and to does not. Known is the merge of a and b as far as to tells, and both are canonical
// but of shapes that are not known. If both have a field, the union has the larger of the two, by their
// bytes. So the result does not depend on which of the two is a.
//
// Fields that are not known stay with their struct. A struct in a map is found by its key. One in a list
// gets those of the first element of a, and of b, that is the same as far as its fields are known and
// that no other has got. Fields of other elements are gone, as are those of structs that known has not.
//
// No value is changed or shares memory with the result, which is no longer than all three together. A
// value that is not canonical, or does not have its shape, gives an error that matches
// [shape.ErrInvalid], and dst with its length unchanged.
func Union(dst, known, a, b []byte, to shape.Type) ([]byte, error) {
	p := ByName(to)
	if p.err != nil {
		return dst, p.err
	}
	for _, value := range [][]byte{known, a, b} {
		if _, err := p.Append(nil, value); err != nil {
			return dst, err
		}
	}
	u := union{dst: dst}
	if err := u.value(p.root, known, [][]byte{a, b}); err != nil {
		return dst, err
	}
	return u.dst, nil
}

// union writes the union of values that have been checked.
type union struct{ dst []byte }

// value appends an item of known with the fields of the items of others that stand in its place.
func (u *union) value(n *node, known []byte, others [][]byte) error {
	others = slices.DeleteFunc(others, func(item []byte) bool { return n.null && isNull(item) })
	if !n.structs || n.null && isNull(known) || len(others) == 0 {
		u.dst = append(u.dst, known...)
		return nil
	}
	switch n.form {
	case formList:
		return u.list(n.elem, known, others)
	case formMap:
		return u.entries(n, known, others)
	default:
		return u.fields(n, known, others)
	}
}

func isNull(item []byte) bool { return len(item) == 1 && item[0] == cbor.Null }

// pair is an entry of a map: its encoded key and its value.
type pair struct{ key, value []byte }

// pairs returns the entries of a map.
func pairs(item []byte) ([]pair, error) {
	s := source{src: item}
	count, ok := s.count(cbor.Map, 2)
	if !ok {
		return nil, s.err()
	}
	found := make([]pair, count)
	var key []byte
	for i := range found {
		if key, ok = s.key(key); !ok {
			return nil, s.err()
		}
		start := s.at
		if !s.any(0) {
			return nil, s.err()
		}
		found[i] = pair{key, item[start:s.at]}
	}
	return found, nil
}

// entryOf returns the value of a key in the entries of each map, where it is there.
func entryOf(maps [][]pair, key []byte) (values [][]byte) {
	for _, entries := range maps {
		if i, found := search(entries, key); found {
			values = append(values, entries[i].value)
		}
	}
	return values
}

func search(entries []pair, key []byte) (int, bool) {
	return slices.BinarySearchFunc(entries, key, func(p pair, key []byte) int { return bytes.Compare(p.key, key) })
}

// allPairs returns the entries of maps.
func allPairs(known []byte, others [][]byte) (of []pair, more [][]pair, err error) {
	if of, err = pairs(known); err != nil {
		return nil, nil, err
	}
	for _, item := range others {
		entries, err := pairs(item)
		if err != nil {
			return nil, nil, err
		}
		more = append(more, entries)
	}
	return of, more, nil
}

// entries appends a map.
func (u *union) entries(n *node, known []byte, others [][]byte) error {
	of, more, err := allPairs(known, others)
	if err != nil {
		return err
	}
	u.dst = cbor.AppendHead(u.dst, cbor.Map, uint64(len(of)))
	for _, entry := range of {
		u.dst = append(u.dst, entry.key...)
		if err := u.value(n.elem, entry.value, entryOf(more, entry.key)); err != nil {
			return err
		}
	}
	return nil
}

// fields appends a struct.
func (u *union) fields(n *node, known []byte, others [][]byte) error {
	of, more, err := allPairs(known, others)
	if err != nil {
		return err
	}
	steps := make(map[string]*node, len(n.steps))
	for i := range n.steps {
		steps[n.steps[i].key] = n.steps[i].node
	}
	all := slices.Clone(of)
	for _, entries := range more {
		for _, entry := range entries {
			if steps[string(entry.key)] != nil {
				continue
			}
			i, found := search(all, entry.key)
			switch {
			case !found:
				all = slices.Insert(all, i, entry)
			case bytes.Compare(entry.value, all[i].value) > 0:
				all[i] = entry
			}
		}
	}
	if len(all) > maxElements {
		s := source{}
		s.fail("a struct of more than %d fields", maxElements)
		return s.err()
	}
	u.dst = cbor.AppendHead(u.dst, cbor.Map, uint64(len(all)))
	for _, entry := range all {
		u.dst = append(u.dst, entry.key...)
		field := steps[string(entry.key)]
		if field == nil {
			u.dst = append(u.dst, entry.value...)
		} else if err := u.value(field, entry.value, entryOf(more, entry.key)); err != nil {
			return err
		}
	}
	return nil
}

// items returns the elements of a list.
func items(item []byte) ([][]byte, error) {
	s := source{src: item}
	count, ok := s.count(cbor.List, 1)
	if !ok {
		return nil, s.err()
	}
	found := make([][]byte, count)
	for i := range found {
		start := s.at
		if !s.any(0) {
			return nil, s.err()
		}
		found[i] = item[start:s.at]
	}
	return found, nil
}

// list appends a list whose elements have the type of n.
func (u *union) list(n *node, known []byte, others [][]byte) error {
	of, err := items(known)
	if err != nil {
		return err
	}
	plan := &Plan{root: n}
	elements := make([]map[[sha256.Size]byte][][]byte, len(others)) // those that no other has got
	for i, item := range others {
		list, err := items(item)
		if err != nil {
			return err
		}
		elements[i] = make(map[[sha256.Size]byte][][]byte, len(list))
		for _, element := range list {
			sum, err := plan.sum(element)
			if err != nil {
				return err
			}
			elements[i][sum] = append(elements[i][sum], element)
		}
	}
	u.dst = cbor.AppendHead(u.dst, cbor.List, uint64(len(of)))
	for _, element := range of {
		sum, err := plan.sum(element)
		if err != nil {
			return err
		}
		var same [][]byte
		for _, left := range elements {
			if list := left[sum]; len(list) > 0 {
				same, left[sum] = append(same, list[0]), list[1:]
			}
		}
		if err := u.value(n, element, same); err != nil {
			return err
		}
	}
	return nil
}

// sum hashes what the plan knows of a value, whether or not its empty fields are written.
func (p *Plan) sum(value []byte) (sum [sha256.Size]byte, err error) {
	known, err := p.Append(nil, value)
	if err == nil {
		known, err = p.append(nil, known, true)
	}
	return sha256.Sum256(known), err
}
