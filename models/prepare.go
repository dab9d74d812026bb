package models

import (
	"bytes"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// prepare encodes a model, a *M, for storePrepared to write later in the place:
// an import has to know the key of a row to sort by, and its size, before it
// writes any, and the encoded row is all that it keeps of it.
func (t *table) prepare(place *session.Place, model any) (session.Prepared, error) {
	d := t.draft()
	defer t.drafts.Put(d)
	var p session.Prepared
	if place == nil {
		p.Primary = t.types.appendPrimary(nil, model)
		return p, errUnknownTree
	}
	buf := t.types.appendPrimary(d.buf[:0], model)
	end := len(buf)
	buf, err := t.types.appendValue(buf, model)
	if err != nil {
		p.Primary = bytes.Clone(buf[:end]) // for whoever tells which it was
		return p, err
	}
	d.buf = buf
	buf = bytes.Clone(buf)
	p.Primary, p.Value = buf[:end:end], buf[end:len(buf):len(buf)]

	t.types.appendKeys(d.new, place, model, p.Primary, p.Value)
	entries, size := 0, 0
	for i := range d.new {
		entries += d.new[i].len()
		size += len(d.new[i].buf)
	}
	if entries == 0 {
		return p, nil
	}
	p.Entries = make([]session.PreparedEntry, 0, entries)
	keys := make([]byte, 0, size)
	for i := range d.new {
		for n := range d.new[i].len() {
			start := len(keys)
			keys = append(keys, d.new[i].at(n)...)
			p.Entries = append(p.Entries, session.PreparedEntry{Index: i, Key: keys[start:len(keys):len(keys)]})
		}
	}
	return p, nil
}

// storePrepared writes what prepare made, as Put does the model. It may be done
// more than once.
func (t *table) storePrepared(s *session.Session, p session.Prepared) error {
	place, err := t.writePlace(s)
	if err != nil {
		return err
	}
	d := t.draft()
	defer t.drafts.Put(d)
	for _, e := range p.Entries {
		d.new[e.Index].append(e.Key)
	}
	size := len(place.Space) + len(p.Primary) + place.RowSize(len(p.Value))
	buf := append(append(make([]byte, 0, size), place.Space...), p.Primary...)
	key := buf[:len(buf):len(buf)]
	buf, err = place.AppendRow(s, buf, key, format.Header{Schema: place.Schema}, p.Value)
	if err != nil {
		return err
	}
	return t.replace(s, d, place, key, format.AppendChecksum(buf[len(key):], key), writing{})
}
