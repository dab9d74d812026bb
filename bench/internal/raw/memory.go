package raw

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
)

// Memory is tidwall/btree by hand, with transactions added: one writer at a time changes a copy
// and then replaces the original, and readers keep the tree they have.
type Memory struct {
	writer sync.Mutex
	tree   atomic.Pointer[btree.BTreeG[item]]
	codec  codec
	key    []byte // for reading; the tree keeps the keys of writes
	old    article.Article
	size   int
}

type item struct{ key, value []byte }

// NewMemory makes a database with the settings of the memory engine.
func NewMemory(codec codec) *Memory {
	m := &Memory{codec: codec}
	m.tree.Store(btree.NewBTreeGOptions(
		func(a, b item) bool { return bytes.Compare(a.key, b.key) < 0 },
		btree.Options{Degree: 16, NoLocks: true},
	))
	return m
}

// Insert implements contender.Store.
func (m *Memory) Insert(rows []article.Article) error {
	m.writer.Lock()
	defer m.writer.Unlock()
	tree := m.tree.Load().Copy()
	for i := range rows {
		if err := m.put(tree, &rows[i]); err != nil {
			return err
		}
	}
	m.tree.Store(tree)
	return nil
}

// InsertEach implements contender.Store.
func (m *Memory) InsertEach(rows []article.Article) error {
	return contender.InsertEach(rows, m.Insert)
}

// Update implements contender.Store.
func (m *Memory) Update(rows []article.Article) error { return m.Insert(rows) }

func (m *Memory) put(tree *btree.BTreeG[item], a *article.Article) error {
	row, entry, err := newItems(&m.size, m.codec, a)
	if err != nil {
		return err
	}
	old, replaces := tree.Get(item{key: row.key})
	if replaces {
		if err := parseRow(row.key, old.value, m.codec, &m.old); err != nil {
			return err
		}
	}
	tree.Set(row)
	if replaces {
		if m.old.AuthorID == a.AuthorID {
			return nil
		}
		m.key = appendEntryKey(m.key[:0], m.old.AuthorID, a.ID)
		tree.Delete(item{key: m.key})
	}
	tree.Set(entry)
	return nil
}

// Get implements contender.Store.
func (m *Memory) Get(ids []uint64) (t contender.Tally, err error) {
	tree := m.tree.Load()
	for _, id := range ids {
		if err := m.get(tree, id, &t); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (m *Memory) get(tree *btree.BTreeG[item], id uint64, t *contender.Tally) error {
	m.key = appendRowKey(m.key[:0], id)
	found, ok := tree.Get(item{key: m.key})
	if !ok {
		return errMissing
	}
	if err := parseRow(m.key, found.value, m.codec, &m.old); err != nil {
		return err
	}
	t.Add(&m.old)
	return nil
}

// GetEach implements contender.Store.
func (m *Memory) GetEach(ids []uint64) (contender.Tally, error) { return contender.Each(ids, m.Get) }

// Find implements contender.Store.
func (m *Memory) Find(authors []uint64) (t contender.Tally, err error) {
	err = m.entries(authors, func(tree *btree.BTreeG[item], id uint64) error {
		return m.get(tree, id, &t)
	})
	return t, err
}

// FindEach implements contender.Store.
func (m *Memory) FindEach(authors []uint64) (contender.Tally, error) {
	return contender.Each(authors, m.Find)
}

// Keys implements contender.Store.
func (m *Memory) Keys(authors []uint64) (t contender.Tally, err error) {
	err = m.entries(authors, func(_ *btree.BTreeG[item], id uint64) error {
		t.AddKey(id)
		return nil
	})
	return t, err
}

// KeysEach implements contender.Store.
func (m *Memory) KeysEach(authors []uint64) (contender.Tally, error) {
	return contender.Each(authors, m.Keys)
}

func (m *Memory) entries(authors []uint64, visit func(*btree.BTreeG[item], uint64) error) error {
	tree := m.tree.Load()
	var prefix []byte
	for _, author := range authors {
		prefix = appendAuthor(prefix[:0], author)
		var err error
		tree.Ascend(item{key: prefix}, func(i item) bool {
			if !bytes.HasPrefix(i.key, prefix) {
				return false
			}
			var id uint64
			if id, err = entryID(i.key, i.value); err == nil {
				err = visit(tree, id)
			}
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close implements contender.Store.
func (m *Memory) Close() error { return nil }
