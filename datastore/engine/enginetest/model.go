package enginetest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var modelTests = []test{
	{"Model", testModel},
}

// testModel runs random operations on the database and on plain maps, and compares all results.
// It shrinks a failure to the shortest one that rapid finds. The flag -rapid.checks sets the
// number of tries.
func testModel(s *store) {
	rapid.Check(s.T, func(t *rapid.T) {
		m := newModel(t, s)
		defer m.end()
		t.Repeat(map[string]func(*rapid.T){
			"":        m.check,
			"view":    m.view,
			"discard": m.discard,
			"update":  m.update,
			"put":     m.put,
			"delete":  m.delete,
			"commit":  m.commit,
			"get":     m.get,
			"scan":    m.scan,
			"cursor":  m.cursor,
			"next":    m.next,
			"seek":    m.seek,
			"reopen":  m.reopen,
		})
	})
}

// model is the expected state of the database.
type model struct {
	s         *store
	committed map[string]string
	txns      []*modelTxn
	writer    *modelTxn // one of txns, or nil
	counter   int
}

type modelTxn struct {
	engine.ReadTxn
	content map[string]string
	cursors []*modelCursor
}

type modelCursor struct {
	engine.Cursor
	txn   *modelTxn
	r     engine.Range
	from  string // where to look for the next key
	after bool   // from itself has been returned already
	free  bool   // from has no meaning: the whole range is ahead
	ended bool
}

func newModel(t *rapid.T, s *store) *model {
	m := &model{s: s, committed: map[string]string{}}
	write, err := s.db.Update(s.ctx)
	m.must(t, err)
	c := write.Cursor(engine.Range{KeysOnly: true})
	for c.Next() {
		m.must(t, write.Delete(clone(c.Key())))
	}
	m.must(t, c.Err())
	c.Close()
	m.must(t, write.Commit(s.ctx, engine.Relaxed))
	return m
}

func (m *model) end() {
	for len(m.txns) > 0 {
		m.drop(m.txns[0])
	}
}

func (m *model) must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Keys are short and of few letters, so that operations meet.
var (
	modelKey = rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xff}), 1, 3),
		func(b []byte) string { return string(b) })
	modelBound = rapid.OneOf(rapid.Just(""), modelKey)
)

// pick chooses an open transaction, or skips the operation.
func (m *model) pick(t *rapid.T) *modelTxn {
	if len(m.txns) == 0 {
		t.Skip("no transaction is open")
	}
	return rapid.SampledFrom(m.txns).Draw(t, "transaction")
}

func (m *model) pickWriter(t *rapid.T) engine.WriteTxn {
	if m.writer == nil {
		t.Skip("no write transaction is open")
	}
	return m.writer.ReadTxn.(engine.WriteTxn)
}

func (m *model) pickCursor(t *rapid.T) *modelCursor {
	txn := m.pick(t)
	if len(txn.cursors) == 0 {
		t.Skip("no cursor is open")
	}
	return rapid.SampledFrom(txn.cursors).Draw(t, "cursor")
}

func (m *model) drop(txn *modelTxn) {
	for _, c := range txn.cursors {
		c.Close()
	}
	txn.Discard()
	m.forget(txn)
}

func (m *model) forget(txn *modelTxn) {
	m.txns = slices.DeleteFunc(m.txns, func(other *modelTxn) bool { return other == txn })
	if m.writer == txn {
		m.writer = nil
	}
}

func (m *model) view(t *rapid.T) {
	if len(m.txns) > 3 {
		t.Skip("enough transactions are open")
	}
	txn, err := m.s.db.View(m.s.ctx)
	m.must(t, err)
	m.txns = append(m.txns, &modelTxn{ReadTxn: txn, content: maps.Clone(m.committed)})
}

func (m *model) update(t *rapid.T) {
	if m.writer != nil {
		t.Skip("a write transaction is open")
	}
	txn, err := m.s.db.Update(m.s.ctx)
	m.must(t, err)
	m.writer = &modelTxn{ReadTxn: txn, content: maps.Clone(m.committed)}
	m.txns = append(m.txns, m.writer)
}

func (m *model) discard(t *rapid.T) { m.drop(m.pick(t)) }

func (m *model) put(t *rapid.T) {
	txn := m.pickWriter(t)
	key := modelKey.Draw(t, "key")
	m.counter++
	value := fmt.Sprint(m.counter)
	m.must(t, txn.Put([]byte(key), []byte(value)))
	m.writer.content[key] = value
}

func (m *model) delete(t *rapid.T) {
	txn := m.pickWriter(t)
	key := modelKey.Draw(t, "key")
	m.must(t, txn.Delete([]byte(key)))
	delete(m.writer.content, key)
}

func (m *model) commit(t *rapid.T) {
	txn := m.pickWriter(t)
	for _, c := range m.writer.cursors {
		c.Close()
	}
	ctx, refused := m.s.ctx, rapid.IntRange(0, 9).Draw(t, "refused") == 0
	if refused {
		ctx = cancelled()
	}
	err := txn.Commit(ctx, engine.Relaxed)
	if refused {
		if err != context.Canceled {
			t.Fatalf("Commit with a cancelled context returned %v", err)
		}
	} else {
		m.must(t, err)
		m.committed = m.writer.content
	}
	m.forget(m.writer)
}

func (m *model) get(t *rapid.T) {
	txn := m.pick(t)
	key := modelKey.Draw(t, "key")
	value, err := txn.Get([]byte(key))
	want, ok := txn.content[key]
	if ok && (err != nil || string(value) != want) || !ok && err != engine.ErrNotFound {
		t.Fatalf("Get of %q returned %q, %v; want %q, %v", key, value, err, want, ok)
	}
}

func drawRange(t *rapid.T) engine.Range {
	r := engine.Range{Reverse: rapid.Bool().Draw(t, "reverse"), KeysOnly: rapid.Bool().Draw(t, "keys only")}
	if bound := modelBound.Draw(t, "lower"); bound != "" {
		r.Lower = []byte(bound)
	}
	if bound := modelBound.Draw(t, "upper"); bound != "" {
		r.Upper = []byte(bound)
	}
	return r
}

func (m *model) scan(t *rapid.T) {
	txn, r := m.pick(t), drawRange(t)
	if got, want := m.s.rows(txn, r), selectRows(sorted(txn.content), r); !slices.Equal(got, want) {
		t.Fatalf("%s: got %q, want %q", boundString(r), got, want)
	}
}

func (m *model) cursor(t *rapid.T) {
	txn, r := m.pick(t), drawRange(t)
	if len(txn.cursors) > 2 {
		t.Skip("enough cursors are open")
	}
	txn.cursors = append(txn.cursors, &modelCursor{Cursor: txn.Cursor(r), txn: txn, r: r, free: true})
}

func (m *model) next(t *rapid.T) {
	c := m.pickCursor(t)
	ahead := selectRows(sorted(c.txn.content), c.r)
	ahead = slices.DeleteFunc(ahead, func(row row) bool {
		switch {
		case c.free:
			return false
		case row.key == c.from:
			return c.after
		default:
			return row.key < c.from != c.r.Reverse
		}
	})
	if got, want := c.Next(), len(ahead) > 0 && !c.ended; got != want {
		t.Fatalf("%s: Next is %v, want %v; error %v", boundString(c.r), got, want, c.Err())
	} else if !got {
		c.ended = true
		return
	}
	if string(c.Key()) != ahead[0].key {
		t.Fatalf("%s: got key %q, want %q", boundString(c.r), c.Key(), ahead[0].key)
	}
	if !c.r.KeysOnly {
		value, err := c.Value()
		m.must(t, err)
		if string(value) != ahead[0].value {
			t.Fatalf("%s: got value %q, want %q", boundString(c.r), value, ahead[0].value)
		}
	}
	c.from, c.after, c.free = ahead[0].key, true, false
}

func (m *model) seek(t *rapid.T) {
	c := m.pickCursor(t)
	c.from, c.after, c.free, c.ended = modelKey.Draw(t, "key"), false, false, false
	c.Seek([]byte(c.from))
}

func (m *model) reopen(t *rapid.T) {
	if len(m.txns) > 0 || rapid.IntRange(0, 3).Draw(t, "reopen") > 0 {
		t.Skip("transactions are open")
	}
	m.must(t, m.s.db.Close())
	db, err := m.s.eng.Open(m.s.ctx)
	m.must(t, err)
	m.s.db = db
}

// check compares the committed rows. Only a commit may change them.
func (m *model) check(t *rapid.T) {
	txn, err := m.s.db.View(m.s.ctx)
	m.must(t, err)
	defer txn.Discard()
	if got, want := m.s.rows(txn, engine.Range{}), sorted(m.committed); !slices.Equal(got, want) {
		t.Fatalf("committed is %q, want %q", got, want)
	}
}
