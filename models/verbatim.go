package models

import (
	"bytes"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// verbatim is a codec that writes a value as it is: any bytes are a value, and no other
// bytes encode the same one. So a value need not be decoded to be checked.
type verbatim interface{ Verbatim() }

// isVerbatim reports whether a row of the tree is its key and its value and nothing
// else has to be known of the model.
func (t *table) isVerbatim() bool {
	return t.verbatim && t.keyless && len(t.core.Indexes) == 0 && !t.clocked
}

// encodeValue makes the row of a value in a verbatim tree, in one piece of memory that
// the engine gets. It is the one copy that is made of the value.
func (t *table) encodeValue(
	place *session.Place, primary, value []byte, expiry int64,
) (row session.Row, err error) {
	m := t.types.take()
	defer t.types.give(m)
	if err := t.types.setPrimary(m, primary); err != nil {
		return row, err
	}
	if err := t.checkKey(m, primary); err != nil {
		return row, err
	}
	buf := roomFor(place, len(place.Space)+len(primary), value)
	buf = append(append(buf, place.Space...), primary...)
	return seal(nil, place, buf, value, format.Header{Schema: place.Schema, Expiry: expiry})
}

// roomFor returns empty memory that holds a stored key of some bytes and the row of a
// value.
func roomFor(place *session.Place, key int, value []byte) []byte {
	return make([]byte, 0, key+place.RowSize(len(value)))
}

// seal appends the row of a value to its stored key, which is all of buf.
func seal(s *session.Session, place *session.Place, buf, value []byte, h format.Header) (row session.Row, err error) {
	end := len(buf)
	if key := place.DataKey(s); key != nil {
		row.DataKey = key.Number
	}
	if buf, err = place.AppendRow(s, buf, buf, h, value); err != nil {
		return row, err
	}
	buf = format.Seal(buf)
	if place.Compressor != nil {
		buf = bytes.Clone(buf) // there was room for the whole value
	}
	row.Key, row.Stored, row.Expiry = buf[:end:end], buf[end:], h.Expiry
	return row, nil
}

// putRow stores what encodeValue made. It may be called again, in another transaction.
func (t *table) putRow(s *session.Session, row session.Row) error {
	place, err := t.writePlace(s)
	if err != nil {
		return err
	}
	if place.Compressor != nil {
		if err := place.Compressor.Keep(s); err != nil {
			return err
		}
	}
	if key := place.DataKey(s); key != nil && key.Number != row.DataKey {
		// The row was encrypted before a rotation.
		parsed, err := format.ParseRow(row.Key, row.Stored)
		if err == nil {
			row.Stored, err = place.Rewrite(s, nil, row.Key, parsed, row.Expiry)
		}
		if err != nil {
			return err
		}
		row.Stored = format.AppendChecksum(row.Stored, row.Key)
	}
	d := t.draft()
	defer t.drafts.Put(d)
	return t.replace(s, d, place, row.Key, row.Stored, writing{expiry: row.Expiry})
}
