package models

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// mode says whether a write needs a row to be there already, or not to be
// there.
type mode uint8

const (
	put     mode = iota // anything
	insert              // none: ErrExists
	replace             // one: ErrNotFound
)

func (m mode) String() string { return [...]string{"put", "insert", "replace"}[m] }

// Put stores m. It replaces the row with the same primary key, if there is one,
// and removes that row's index entries in the same transaction. It returns
// ErrUnique, with nothing written, if another row has one of m's unique keys.
func (t *Tree[M, K]) Put(ctx context.Context, w Writer, m *M) error {
	return t.write(ctx, w, m, writing{})
}

// PutIf is Put that calls allow first, with the length of the existing row's
// value as the codec wrote it, or -1 if there is no row. If allow returns an
// error, nothing is written, and the error of PutIf matches it. Given a store,
// PutIf may call allow again, if another write was faster.
func (t *Tree[M, K]) PutIf(ctx context.Context, w Writer, m *M, allow func(size int) error) error {
	return t.write(ctx, w, m, writing{allow: allow})
}

// Insert stores m, or returns ErrExists if a row has its primary key. In a tree
// [WithSequence], Insert first replaces a zero key in m by the next number.
func (t *Tree[M, K]) Insert(ctx context.Context, w Writer, m *M) error {
	if t.sequence != nil && t.sequence.isZero(t.primary(m)) {
		return t.insertNext(ctx, w, m)
	}
	return t.write(ctx, w, m, writing{how: insert})
}

// Replace stores m in place of the row with the same primary key, or returns
// ErrNotFound if there is none.
func (t *Tree[M, K]) Replace(ctx context.Context, w Writer, m *M) error {
	return t.write(ctx, w, m, writing{how: replace})
}

func (t *table) write(ctx context.Context, w Writer, m any, how writing) error {
	err := w.RunWrite(ctx, func(s *session.Session) error { return t.store(s, m, how) })
	if err != nil {
		return t.failModel(how.how.String(), m, err)
	}
	return nil
}

// PutMany stores all models in one transaction, in their order. Given a store,
// it stores all or none. Given a *datastore.WriteTx it can fail with the first
// few written: the function given to Update has to return the error, and so
// roll them back.
func (t *Tree[M, K]) PutMany(ctx context.Context, w Writer, models []M) error {
	err := w.RunWrite(ctx, func(s *session.Session) error {
		for i := range models {
			if i%64 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err := t.store(s, &models[i], writing{}); err != nil {
				return t.failModel("put", &models[i], err)
			}
		}
		return nil
	})
	if err != nil {
		return t.fail("put", err)
	}
	return nil
}

// Delete removes the row with the primary key and its index entries. A row that
// is absent is no error.
func (t *Tree[M, K]) Delete(ctx context.Context, w Writer, key K) error {
	err := w.RunWrite(ctx, func(s *session.Session) error {
		return t.delete(s, t.key.AppendLast(nil, key))
	})
	if err != nil {
		return t.failAt("delete", key, err)
	}
	return nil
}

// Modify reads the row with the primary key, lets change alter it, and stores
// it, in one transaction: no other write comes in between. The row keeps its
// expiry, and the fields of a record from another peer that the model does not
// have. It returns ErrNotFound if there is no such row, ErrInvalid if change
// altered the primary key, and change's own error, with nothing written. Given
// a store, Modify may call change again, with the row read anew, if another
// write was faster.
func (t *Tree[M, K]) Modify(ctx context.Context, w Writer, key K, change func(*M) error) error {
	return t.modify(ctx, w, "modify", key, func(m *M, found bool) (bool, error) {
		if !found {
			return false, ErrNotFound
		}
		return true, change(m)
	})
}

// Upsert is Modify that also works where there is no row: change then gets found
// false and a zero model, and sets the primary key as well as the rest. Upsert
// stores the row if change returns keep true; otherwise there is no row
// afterwards.
func (t *Tree[M, K]) Upsert(
	ctx context.Context, w Writer, key K, change func(m *M, found bool) (keep bool, err error),
) error {
	return t.modify(ctx, w, "upsert", key, change)
}

func (t *Tree[M, K]) modify(
	ctx context.Context, w Writer, op string, key K, change func(*M, bool) (bool, error),
) error {
	primary := t.key.AppendLast(nil, key)
	typed := func(m any, found bool) (bool, error) { return change(m.(*M), found) }
	err := w.RunWrite(ctx, func(s *session.Session) error { return t.alter(s, primary, typed) })
	if err != nil {
		return t.failAt(op, key, err)
	}
	return nil
}

// alter reads a row, has change alter it, and stores or deletes it.
func (t *table) alter(s *session.Session, primary []byte, change func(any, bool) (bool, error)) error {
	place, err := t.writePlace(s)
	if err != nil {
		return err
	}
	d := t.draft()
	defer t.drafts.Put(d)

	at := slices.Clip(slices.Concat(place.Space, primary))
	row, found, err := t.oldRow(s, d, at)
	if err != nil {
		return err
	}
	m, live := t.types.fresh(), found && !expired(row)
	if found {
		if err := t.readOld(d, m, place, primary, row); err != nil {
			return err
		}
	}
	var more *unknown
	if !live {
		m = t.types.fresh()
	} else if more, err = t.unknownOf(place, row, m); err != nil {
		return err
	}
	writes := s.Writes
	keep, err := change(m, live)
	if err != nil {
		return err
	}
	if s.Writes != writes { // change has written too, perhaps this very row
		d.fit(len(t.core.Indexes))
		if _, found, _, err = t.old(s, d, place, at); err != nil {
			return err
		}
	}
	if !keep {
		if !found {
			return nil
		}
		return t.removeOld(s, d, place, at)
	}
	if err := t.checkKey(m, primary); err != nil {
		return err
	}
	var how writing
	if !expired(format.Row{Header: format.Header{Expiry: d.oldExpiry}}) {
		how.expiry = d.oldExpiry
	}
	if more != nil {
		if how.value, how.foreign, err = t.merge(more, m); err != nil {
			return err
		}
	}
	stored, encoded, err := t.encode(s, d, place, m, how)
	if err != nil {
		return err
	}
	return t.commit(s, d, place, stored, encoded, how)
}

// writing says how a row is to be written. The zero value is a plain put.
type writing struct {
	how mode
	// value is the model as the codec writes it, where the caller has it
	// already. Foreign says that it is one of another version of the model, as a
	// peer has written it.
	value   []byte
	foreign bool
	// expiry is as in format.Row.
	expiry int64
	// allow, if set, is asked before anything is written, with the length of the
	// value that there is, or -1.
	allow func(size int) error
}

// draft is the memory that writing one row needs and the engine does not keep.
type draft struct {
	old, new []keyList
	// oldExpiry is that of the row that d.old is of, and oldRow what is stored of it, borrowed from the
	// transaction, or nil.
	oldExpiry int64
	oldRow    []byte
	// clock is that of the same row, where a deletion of it leaves a tombstone.
	clock uint64
	// buf is for building what has a size that is not known before, and value for the value of a row
	// that is to be compressed.
	buf, value []byte
}

// writePlace finds the tree in the session's store for an ordinary call to write
// to.
func (t *table) writePlace(s *session.Session) (*session.Place, error) {
	if err := t.mayWrite(s); err != nil {
		return nil, err
	}
	return t.place(s)
}

// store writes m and brings its index entries up to date.
func (t *table) store(s *session.Session, m any, w writing) error {
	place, err := t.writePlace(s)
	if err != nil {
		return err
	}
	d := t.draft()
	defer t.drafts.Put(d)

	key, row, err := t.encode(s, d, place, m, w)
	if err != nil {
		return err
	}
	return t.replace(s, d, place, key, row, w)
}

// replace stores row at key and the entries of d.new, in place of what is there.
func (t *table) replace(s *session.Session, d *draft, place *session.Place, key, row []byte, w writing) error {
	if err := t.allowed(s, d, place, key, w); err != nil {
		return err
	}
	return t.commit(s, d, place, key, row, w)
}

// encode returns the key and the row of m, which lie in one piece of memory that
// the engine gets, and fills d.new with its index keys.
func (t *table) encode(
	s *session.Session, d *draft, place *session.Place, m any, w writing,
) (key, row []byte, err error) {
	buf := t.types.appendPrimary(append(d.buf[:0], place.Space...), m)
	end := len(buf)
	if w.value == nil && place.Compressor != nil {
		if d.value, err = t.types.appendValue(d.value[:0], m); err != nil {
			return nil, nil, err
		}
		w.value = d.value
	}
	if w.value != nil {
		d.buf = buf
		stored, err := seal(s, place, append(roomFor(place, len(buf), w.value), buf...), w.value,
			format.Header{Schema: place.Schema, Foreign: w.foreign, Expiry: w.expiry})
		if err != nil {
			return nil, nil, err
		}
		key, row = stored.Key, stored.Stored
		t.types.appendKeys(d.new, place, m, key[len(place.Space):], w.value)
	} else {
		h, dataKey := format.Header{Schema: place.Schema, Expiry: w.expiry}, place.DataKey(s)
		buf, start := session.BeginRow(dataKey, buf, h)
		from := len(buf)
		if buf, err = t.types.appendValue(buf, m); err != nil {
			return nil, nil, err
		}
		t.types.appendKeys(d.new, place, m, buf[len(place.Space):end], buf[from:])
		d.buf = format.Seal(session.EndRow(dataKey, buf, start, buf[:end], h))
		stored := bytes.Clone(d.buf)
		key, row = stored[:end:end], stored[end:]
	}
	return key, row, nil
}

// allowed reads what lies at key into d, and returns an error if w does not allow
// the write for it.
func (t *table) allowed(s *session.Session, d *draft, place *session.Place, key []byte, w writing) error {
	if w.expiry != 0 && !place.Expires.Load() {
		place.Expires.Store(true)
	}
	if len(t.core.Indexes) == 0 && w.how == put && w.allow == nil {
		return t.oldExpiry(s, d, place, key) // nothing else asks for the old row
	}
	if err := engine.CheckKey(key); err != nil {
		return err
	}
	row, _, live, err := t.old(s, d, place, key)
	switch {
	case err != nil:
		return err
	case live && w.how == insert:
		return ErrExists
	case !live && w.how == replace:
		return ErrNotFound
	case w.allow == nil:
		return nil
	case !live:
		return w.allow(-1)
	}
	size, err := place.Unpacker.Size(row)
	if err != nil {
		return err
	}
	return w.allow(size)
}

// commit stores row at key and the entries of d.new in place of those of d.old.
// It checks all it can before its first write.
func (t *table) commit(s *session.Session, d *draft, place *session.Place, key, row []byte, w writing) error {
	if err := engine.CheckKey(key); err != nil {
		return err
	}
	if err := t.mayStore(s, place, key, row); err != nil {
		return err
	}
	primary := key[len(place.Space):]
	if t.core.Tombstones != nil {
		if err := session.CheckTombstone(key); err != nil {
			return err
		}
	}
	if err := t.checkEntries(s, d, place, primary); err != nil {
		return err
	}
	if w.expiry != 0 || d.oldExpiry != 0 {
		if err := moveExpiry(s, key, d.oldExpiry, w.expiry); err != nil {
			return err
		}
	}
	if t.core.Tombstones != nil {
		if err := place.DeleteTombstone(s, primary); err != nil {
			return err
		}
	}
	if err := s.Put(key, row); err != nil {
		return err
	}
	if err := t.moveEntries(s, d, place, primary); err != nil {
		return err
	}
	if s.Follows(t.core) {
		s.Note(t.core, primary, d.oldRow, row)
	}
	return changed(s, place, key, row)
}

// changed tells package record, if it serves the tree, of a row that an ordinary call
// has written; row is nil where it was deleted.
func changed(s *session.Session, place *session.Place, key, row []byte) error {
	tell := place.Changed.Load()
	if tell == nil || s.Trusted {
		return nil
	}
	var value []byte
	if row != nil {
		parsed, err := format.ParseRow(key, row)
		if err == nil {
			parsed, err = place.Unpacker.Plain(parsed)
		}
		if err != nil {
			return err
		}
		value = parsed.Value
	}
	return (*tell)(s, key[len(place.Space):], value)
}

// delete is remove by an ordinary call.
func (t *table) delete(s *session.Session, primary []byte) error {
	if err := t.mayWrite(s); err != nil {
		return err
	}
	return t.remove(s, primary)
}

// remove deletes the row with the encoded primary key and its entries, whatever
// the tree's policy is.
func (t *table) remove(s *session.Session, primary []byte) error {
	place, err := t.place(s)
	if err != nil {
		return err
	}
	key := append(append(make([]byte, 0, len(place.Space)+len(primary)), place.Space...), primary...)
	d := t.draft()
	defer t.drafts.Put(d)
	if len(t.core.Indexes) == 0 && !t.buries(s) {
		if err := t.oldExpiry(s, d, place, key); err != nil {
			return err
		}
	} else if _, found, _, err := t.old(s, d, place, key); err != nil || !found {
		return err
	}
	return t.removeOld(s, d, place, key)
}

// removeOld deletes the row at key and the entries of d.old.
func (t *table) removeOld(s *session.Session, d *draft, place *session.Place, key []byte) error {
	if err := t.moveEntries(s, d, place, key[len(place.Space):]); err != nil {
		return err
	}
	if d.oldExpiry != 0 {
		if err := moveExpiry(s, key, d.oldExpiry, 0); err != nil {
			return err
		}
	}
	if err := s.Delete(key); err != nil {
		return err
	}
	if t.buries(s) {
		if err := t.bury(s, d, place, key[len(place.Space):]); err != nil {
			return err
		}
	}
	if d.oldRow != nil && s.Follows(t.core) {
		s.Note(t.core, key[len(place.Space):], d.oldRow, nil)
	}
	return changed(s, place, key, nil)
}

func (d *draft) fit(indexes int) {
	if len(d.old) != indexes {
		d.old, d.new = make([]keyList, indexes), make([]keyList, indexes)
	}
	d.oldExpiry, d.oldRow, d.clock = 0, nil, 0
	for i := range d.old {
		d.old[i].reset()
		d.new[i].reset()
	}
}

// old fills d.old with the index keys of the row stored at key, and d.oldExpiry. It returns the row,
// and reports whether there is one and whether it is live: a row that has expired still has its
// entries.
func (t *table) old(
	s *session.Session, d *draft, place *session.Place, key []byte,
) (row format.Row, found, live bool, err error) {
	row, found, err = t.oldRow(s, d, key)
	if !found || err != nil {
		return row, false, false, err
	}
	if len(t.core.Indexes) > 0 || t.buries(s) {
		m := t.types.take()
		err = t.readOld(d, m, place, key[len(place.Space):], row)
		t.types.give(m)
	}
	return row, true, !expired(row), err
}

// oldExpiry reads into d when the row at key expires that a tree without indexes
// replaces or deletes, so that its entry in the expiry queue goes with it. It reads
// nothing while no row of the tree may expire and nobody follows the tree. A damaged row
// can be replaced and deleted like any other. A row of a newer version cannot: its expiry
// is not known.
func (t *table) oldExpiry(s *session.Session, d *draft, place *session.Place, key []byte) error {
	if !place.Expires.Load() && !s.Follows(t.core) {
		return nil
	}
	stored, err := s.Read.Get(key)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	row, err := format.ParseRow(key, stored)
	if errors.Is(err, ErrVersion) {
		return err
	}
	d.oldExpiry = row.Expiry // zero if it is damaged
	d.oldRow = stored
	return nil
}

// oldRow reads the row stored at key.
func (t *table) oldRow(s *session.Session, d *draft, key []byte) (row format.Row, found bool, err error) {
	stored, err := s.Read.Get(key)
	if isNotFound(err) {
		return row, false, nil
	}
	if err != nil {
		return row, false, err
	}
	row, err = format.ParseRow(key, stored)
	d.oldExpiry, d.oldRow = row.Expiry, stored
	return row, true, err
}

// readOld decodes the row under the encoded primary key, and fills d.old with its
// index keys.
func (t *table) readOld(d *draft, into any, p *session.Place, primary []byte, row format.Row) error {
	if t.topical { // a topic is about the value before it is made one of the newest schema version
		var err error
		if row, err = p.Unpacker.Plain(row); err != nil {
			return corruptValue(err)
		}
	}
	value, err := valueOf(p, row)
	if err != nil {
		return err
	}
	if err := t.read(into, primary, value); err != nil {
		return corruptValue(err)
	}
	if t.core.Tombstones != nil {
		d.clock = t.types.clockOf(into)
	}
	t.types.appendKeys(d.old, p, into, primary, row.Value)
	return nil
}

// checkEntries refuses new entries that are too long, and unique keys that
// another row has.
func (t *table) checkEntries(s *session.Session, d *draft, place *session.Place, primary []byte) error {
	for i := range t.core.Indexes {
		ix, space := t.core.Indexes[i], place.Indexes[i]
		err := d.new[i].missingFrom(&d.old[i], func(key []byte) error {
			if size := len(space) + len(key) + len(primary); size > engine.MaxKeySize {
				return fmt.Errorf("%w: entry of %d bytes in index %s, the limit is %d", ErrKeySize, size, ix.Name,
					engine.MaxKeySize)
			}
			if ix.Kind != session.Unique {
				return nil
			}
			s.Scratch = append(append(s.Scratch[:0], space...), key...)
			holder, err := s.Read.Get(s.Scratch)
			if isNotFound(err) {
				return nil
			}
			if err != nil {
				return err
			}
			if holder, err = format.CutChecksum(s.Scratch, holder); err != nil {
				return err
			}
			return t.violation(s, place, ix, key, holder, primary)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// violation returns the error for a unique key that the row holder has and the
// row primary would get, or removes the former if it has expired.
func (t *table) violation(
	s *session.Session, place *session.Place, ix *session.Index, key, holder, primary []byte,
) error {
	s.Scratch = append(append(s.Scratch[:0], place.Space...), holder...)
	stored, err := s.Read.Get(s.Scratch)
	if err == nil {
		if parsed, err := format.ParseRow(s.Scratch, stored); err == nil && expired(parsed) {
			return t.remove(s, bytes.Clone(holder))
		}
	}
	return &Error{
		Op: "put", Tree: t.core.Name, Index: ix.Name, Key: ix.FormatKey(key),
		Err: fmt.Errorf("%w: row %s has the key, and row %s would have it too",
			ErrUnique, shown(t.core.FormatKey(holder)), shown(t.core.FormatKey(primary))),
	}
}

// moveEntries deletes the entries of d.old that d.new lacks and adds those that
// only d.new has. Entries that both have are left alone.
func (t *table) moveEntries(s *session.Session, d *draft, place *session.Place, primary []byte) error {
	for i := range t.core.Indexes {
		space, inValue := place.Indexes[i], t.core.Indexes[i].Kind.KeyInValue()
		if t.topical && place.Topics[i] != nil {
			if err := t.moveTopic(s, d, place.Topics[i], i, primary); err != nil {
				return err
			}
			continue
		}
		err := d.old[i].missingFrom(&d.new[i], func(key []byte) error {
			return s.Delete(format.EntryKey(space, key, primary, inValue))
		})
		if err != nil {
			return err
		}
		err = d.new[i].missingFrom(&d.old[i], func(key []byte) error {
			return s.Put(format.Entry(space, key, primary, inValue))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// moveTopic is moveEntries for a topic, which is index i. Its entries come into the store by the log of the
// topic.
func (t *table) moveTopic(s *session.Session, d *draft, of *session.Topic, i int, primary []byte) error {
	note := func(added bool) func(key []byte) error {
		return func(key []byte) error {
			s.NoteTopic(of, key[1:], primary, added)
			return nil
		}
	}
	if err := d.old[i].missingFrom(&d.new[i], note(false)); err != nil {
		return err
	}
	return d.new[i].missingFrom(&d.old[i], note(true))
}
