package models

import (
	"bytes"
	"context"
	"iter"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Raw is a tree seen as bytes, for code that moves rows without knowing their
// types: the go-datastore face and the DHT. A key is an encoded primary key in
// its last form, and a value is a model as the tree's codec writes it. Raw
// reads the slices passed in and does not keep them; slices returned are the
// caller's.
type Raw struct {
	core *session.Tree
	tree *table
}

// RawRow is a row as bytes.
type RawRow struct {
	// Key is the encoded primary key, and Value is what the tree's codec wrote.
	// Both are the caller's.
	Key, Value []byte
	// Expiry is when the row expires, the zero time if it does not.
	Expiry time.Time
}

// RawEntry is an index entry as bytes: the index key in its delimited form, or
// its keyed hash in a [Blind] or [BlindUnique], and the primary key in its last
// form.
type RawEntry struct{ Index, Primary []byte }

// RawIndex is an index seen as bytes. Its keys are those of a [RawEntry].
type RawIndex struct {
	raw    *Raw
	number int
	core   *session.Index
}

// Raw returns the tree seen as bytes.
func (t *Tree[M, K]) Raw() *Raw { return t.raw }

// Name returns the tree's full name.
func (r *Raw) Name() string { return r.core.Name }

// PathText returns key as text, as [Tree.PathText]. Its error matches ErrInvalid.
func (r *Raw) PathText(key []byte) (string, error) { return r.core.PathText(key) }

// FormatKey returns key as people write it, as [Tree.FormatKey], and in hex where
// it does not decode.
func (r *Raw) FormatKey(key []byte) string { return r.core.FormatKey(key) }

// ParsePathText returns the key that text stands for. Its error matches
// ErrInvalid.
func (r *Raw) ParsePathText(text string) ([]byte, error) { return r.core.ParsePathText(text) }

// Validate examines a value that another peer says belongs under key. The value
// has to decode, to be exactly the bytes that the codec writes for the decoded
// model, and to have that key. In a tree that travels and has the codec [DagCBOR],
// or one of modelgen, it may have fields that the model does not have, and lack
// some that it has: it then has to be canonical DAG-CBOR, and a field that both
// have has to have the model's type. Its error matches ErrInvalid.
func (r *Raw) Validate(key, value []byte) (Valid, error) {
	v, err := r.tree.validate(key, value)
	if err != nil {
		return Valid{}, r.failAt("check", key, err)
	}
	return v, nil
}

// Valid is a row that [Raw.Validate] has taken. It shares the memory of the key and the value that were
// checked, which may not change as long as it is used.
type Valid struct {
	key, value []byte
	clock      uint64
	// model is a *M of the tree, or nil if the value has fields that the model does not have, or lacks
	// some: a store may have other defaults for those fields.
	model any
	of    *table
}

// Clock returns the clock that [WithClock] declares, zero without one.
func (v *Valid) Clock() uint64 { return v.clock }

// Get returns the value of the row under key, or ErrNotFound.
func (r *Raw) Get(ctx context.Context, from Reader, key []byte) ([]byte, error) {
	value, found, err := r.Find(ctx, from, key)
	if err == nil && !found {
		err = r.failAt("get", key, ErrNotFound)
	}
	return value, err
}

// Find is Get for rows that are often absent: it reports absence without making an
// error that names the key.
func (r *Raw) Find(ctx context.Context, from Reader, key []byte) (value []byte, found bool, err error) {
	s, err := from.BeginRead(ctx)
	if err != nil {
		return nil, false, r.failAt("get", key, err)
	}
	defer s.End()
	row, err := r.row(s, key)
	if isNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, r.failAt("get", key, err)
	}
	return bytes.Clone(row.Value), true, nil
}

// Row returns the row under key, or ErrNotFound.
func (r *Raw) Row(ctx context.Context, from Reader, key []byte) (RawRow, error) {
	s, err := from.BeginRead(ctx)
	if err != nil {
		return RawRow{}, r.failAt("get", key, err)
	}
	defer s.End()
	row, err := r.row(s, key)
	if err != nil {
		return RawRow{}, r.failAt("get", key, err)
	}
	return rawRow(key, row), nil
}

// Size returns the length of the value of the row under key, or ErrNotFound.
func (r *Raw) Size(ctx context.Context, from Reader, key []byte) (int, error) {
	s, err := from.BeginRead(ctx)
	if err != nil {
		return 0, r.failAt("size", key, err)
	}
	defer s.End()
	row, err := r.row(s, key)
	if err != nil {
		return 0, r.failAt("size", key, err)
	}
	return len(row.Value), nil
}

// Has reports whether there is a row under key.
func (r *Raw) Has(ctx context.Context, from Reader, key []byte) (bool, error) {
	_, err := r.Size(ctx, from, key)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// Put checks key and value as Validate does and stores the row, index entries
// included. It stores the value byte for byte.
func (r *Raw) Put(ctx context.Context, w Writer, key, value []byte) error {
	return r.put(ctx, w, key, value, writing{})
}

// PutValid is Put of a row that Validate of the same Raw has taken. It does not check it once more.
func (r *Raw) PutValid(ctx context.Context, w Writer, v Valid) error {
	err := w.RunWrite(ctx, func(s *session.Session) error { return r.tree.storeValid(s, v, writing{}) })
	if err != nil {
		return r.failAt("put", v.key, err)
	}
	return nil
}

func (r *Raw) put(ctx context.Context, w Writer, key, value []byte, how writing) error {
	err := w.RunWrite(ctx, func(s *session.Session) error { return r.tree.storeValue(s, key, value, how) })
	if err != nil {
		return r.failAt("put", key, err)
	}
	return nil
}

// Delete removes the row under key and its index entries. A row that is absent
// is no error.
func (r *Raw) Delete(ctx context.Context, w Writer, key []byte) error {
	err := w.RunWrite(ctx, func(s *session.Session) error { return r.tree.delete(s, key) })
	if err != nil {
		return r.failAt("delete", key, err)
	}
	return nil
}

// Keys yields the keys that rng selects, of rows that have not expired. If no row of the
// store has an expiry, Keys reads no row: those of a blockstore are large.
func (r *Raw) Keys(ctx context.Context, from Reader, rng Range[[]byte]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		w := r.walk()
		expire, err := rowsExpire(ctx, from)
		if err != nil {
			yield(nil, w.fail("range", err))
			return
		}
		w.keysOnly = !expire
		scan(ctx, from, w, r.bounds(rng),
			func(_ *session.Session, p *session.Place, key, stored []byte) (_ []byte, err error) {
				if expire {
					_, err = r.tree.parseRaw(p, key, stored)
				}
				return bytes.Clone(key[len(p.Space):]), err
			}, yield)
	}
}

// rowsExpire reports whether a row of the store has an expiry.
func rowsExpire(ctx context.Context, from Reader) (bool, error) {
	s, err := from.BeginRead(ctx)
	if err != nil {
		return false, err
	}
	defer s.End()
	queue := format.Expiry.Append(nil)
	c := s.Read.Cursor(engine.Range{Lower: queue, Upper: format.PrefixEnd(queue), KeysOnly: true})
	defer c.Close()
	return c.Next(), c.Err()
}

// Scan yields the rows whose keys rng selects. See [Tree.Range] for what it
// reads and when.
func (r *Raw) Scan(ctx context.Context, from Reader, rng Range[[]byte]) iter.Seq2[RawRow, error] {
	return func(yield func(RawRow, error) bool) {
		scan(ctx, from, r.walk(), r.bounds(rng),
			func(_ *session.Session, p *session.Place, key, stored []byte) (RawRow, error) {
				row, err := r.tree.parseRaw(p, key, stored)
				if err != nil {
					return RawRow{}, err
				}
				return rawRow(key[len(p.Space):], row), nil
			}, yield)
	}
}

// RawSize is a row without its value.
type RawSize struct {
	Key []byte
	// Size is the length of the value.
	Size int
	// Expiry is when the row expires, the zero time if it does not.
	Expiry time.Time
}

// Sizes is Scan without the values: none is copied.
func (r *Raw) Sizes(ctx context.Context, from Reader, rng Range[[]byte]) iter.Seq2[RawSize, error] {
	return func(yield func(RawSize, error) bool) {
		scan(ctx, from, r.walk(), r.bounds(rng),
			func(_ *session.Session, p *session.Place, key, stored []byte) (RawSize, error) {
				row, err := r.tree.parseRaw(p, key, stored)
				return RawSize{
					Key: bytes.Clone(key[len(p.Space):]), Size: len(row.Value), Expiry: timeOf(row.Expiry),
				}, err
			}, yield)
	}
}

// Indexes returns the tree's indexes without its topics, in the order of their declaration.
func (r *Raw) Indexes() []RawIndex {
	indexes := make([]RawIndex, 0, len(r.core.Indexes))
	for i, core := range r.core.Indexes {
		if core.Kind != session.Topical {
			indexes = append(indexes, RawIndex{raw: r, number: i, core: core})
		}
	}
	return indexes
}

// Name returns the index's own name.
func (ix RawIndex) Name() string { return ix.core.Name }

// PathText returns an index key as text, and ParsePathText reads that text.
// Their errors match ErrInvalid.
func (ix RawIndex) PathText(key []byte) (string, error) { return ix.core.PathText(key) }

// ParsePathText returns the index key that text stands for.
func (ix RawIndex) ParsePathText(text string) ([]byte, error) { return ix.core.ParsePathText(text) }

// Scan yields the entries whose index keys rng selects, in the order of the
// index keys and then of the primary keys.
func (ix RawIndex) Scan(ctx context.Context, from Reader, rng Range[[]byte]) iter.Seq2[RawEntry, error] {
	return ix.scan(ctx, from, rng, nil)
}

// ScanAfter is Scan of what comes after an entry that it has yielded, also if that is gone. It reads
// none of the entries before.
func (ix RawIndex) ScanAfter(
	ctx context.Context, from Reader, rng Range[[]byte], last RawEntry,
) iter.Seq2[RawEntry, error] {
	unique := ix.core.Kind.KeyInValue()
	return ix.scan(ctx, from, rng, format.EntryKey(nil, last.Index, last.Primary, unique))
}

func (ix RawIndex) scan(
	ctx context.Context, from Reader, rng Range[[]byte], after []byte,
) iter.Seq2[RawEntry, error] {
	within := func(p *session.Place, room []byte) (span, error) {
		return rng.entries(delimited, p.Indexes[ix.number], room)
	}
	return func(yield func(RawEntry, error) bool) {
		w := walk{tree: ix.raw.core, index: ix.core.Name, number: ix.number, after: after}
		scan(ctx, from, w, within, func(_ *session.Session, p *session.Place, key, stored []byte) (RawEntry, error) {
			index, primary, err := splitEntry(ix.core, key, len(p.Indexes[ix.number]), stored)
			return RawEntry{bytes.Clone(index), bytes.Clone(primary)}, err
		}, yield)
	}
}

// delimited is the codec of keys that are in their delimited form already.
var delimited KeyCodec[[]byte] = delimitedCodec{Bytes}

type delimitedCodec struct{ KeyCodec[[]byte] }

func (delimitedCodec) Append(dst, key []byte) []byte { return append(dst, key...) }

// Has reports whether the index has an entry with this index key and primary
// key.
func (ix RawIndex) Has(ctx context.Context, from Reader, index, primary []byte) (bool, error) {
	s, err := from.BeginRead(ctx)
	if err != nil {
		return false, ix.fail("has", err)
	}
	defer s.End()
	place, err := ix.raw.tree.place(s)
	if err != nil {
		return false, ix.fail("has", err)
	}
	unique := ix.core.Kind.KeyInValue()
	entry := format.EntryKey(place.Indexes[ix.number], index, primary, unique)
	stored, err := s.Read.Get(entry)
	if isNotFound(err) {
		return false, nil
	}
	if err == nil {
		stored, err = format.CutChecksum(entry, stored)
	}
	if err != nil {
		return false, ix.fail("has", err)
	}
	return !unique || bytes.Equal(stored, primary), nil
}

func (ix RawIndex) fail(op string, err error) error {
	return &Error{Op: op, Tree: ix.raw.core.Name, Index: ix.core.Name, Err: err}
}

func (r *Raw) walk() walk { return walk{tree: r.core} }

func (r *Raw) bounds(rng Range[[]byte]) bounds {
	return func(p *session.Place, room []byte) (span, error) { return rng.rows(Bytes, p.Space, room) }
}

// rawRow returns a parsed row in memory of its own.
func rawRow(primary []byte, row format.Row) RawRow {
	return RawRow{Key: bytes.Clone(primary), Value: bytes.Clone(row.Value), Expiry: timeOf(row.Expiry)}
}

// row reads the row under key, borrowed from the transaction.
func (r *Raw) row(s *session.Session, key []byte) (format.Row, error) {
	place, err := r.tree.place(s)
	if err != nil {
		return format.Row{}, err
	}
	s.Scratch = append(append(s.Scratch[:0], place.Space...), key...)
	stored, err := s.Read.Get(s.Scratch)
	if err != nil {
		return format.Row{}, err
	}
	return r.tree.parseRaw(place, s.Scratch, stored)
}

func (r *Raw) failAt(op string, key []byte, err error) error {
	return &Error{Op: op, Tree: r.core.Name, Key: r.core.FormatKey(key), Err: err}
}

// parseRaw is parse for code that sees values as bytes. A tree whose rows travel shows each value
// as its record has it, of whichever version: records are compared, signed and hashed as bytes.
func (t *table) parseRaw(p *session.Place, key, stored []byte) (format.Row, error) {
	if t.policy == Local {
		return parse(p, key, stored)
	}
	row, err := format.ParseRow(key, stored)
	if err == nil && expired(row) {
		err = ErrNotFound
	}
	if err != nil {
		return row, err
	}
	return t.plainRaw(p, row)
}

// plainRaw returns a row with its value as parseRaw shows it.
func (t *table) plainRaw(p *session.Place, row format.Row) (_ format.Row, err error) {
	if t.policy != Local {
		return p.Unpacker.Plain(row)
	}
	row.Value, err = valueOf(p, row)
	return row, err
}

func (t *table) validate(primary, value []byte) (v Valid, err error) {
	m, foreign, err := t.decodeStranger(nil, primary, value)
	if err != nil {
		return v, err
	}
	v = Valid{key: primary, value: value, clock: t.types.clockOf(m), of: t}
	if !foreign {
		v.model = m
	}
	return v, nil
}

// storeValid stores what validate has taken as w says.
func (t *table) storeValid(s *session.Session, v Valid, w writing) error {
	if v.model == nil || v.of != t || t.isVerbatim() {
		return t.storeValue(s, v.key, v.value, w)
	}
	w.value = v.value
	return t.store(s, v.model, w)
}

// storeValue checks a value and stores it as w says.
func (t *table) storeValue(s *session.Session, primary, value []byte, w writing) error {
	place, err := t.writePlace(s)
	if err != nil {
		return err
	}
	if t.isVerbatim() {
		row, err := t.encodeValue(place, primary, value, w.expiry)
		if err != nil {
			return err
		}
		return t.putRow(s, row)
	}
	m, foreign, err := t.decodeStranger(place, primary, value)
	if err != nil {
		return err
	}
	w.value, w.foreign = value, foreign
	return t.store(s, m, w)
}
