package models

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Tree is the handle of a typed tree: rows of type M, each under one primary
// key of type K. It holds no data itself and serves any number of stores.
//
// A handle is made once, by [NewTree], usually as a package-level variable; its
// indexes are declared before [NewDefinition] takes it. After that all methods
// may be called concurrently, with different readers and writers, or with the
// same ones if these allow it.
//
// Models returned are the caller's. Models passed in are only read, and are
// not kept.
type Tree[M, K any] struct {
	table
	key     KeyCodec[K]
	codec   Codec[M]
	primary func(*M) K
	clock   func(*M) uint64
	// merging is of WithMerge, nil where the better of two rows is chosen.
	merging func(a, b *M) M
	setKey  func(*M, K)
	// sequence is nil where nobody numbers the rows.
	sequence *sequence[M, K]
	indexes  []indexer[M]

	// values is the codec if it can return models; otherwise models holds *M to
	// decode into: decoding through an interface makes its target escape, and
	// reading one row is to allocate nothing but what the model itself refers to.
	values ValueDecoder[M]
	models sync.Pool

	// rows and keys hold the batches of walks.
	rows, keys sync.Pool
}

// indexer is an index as its tree sees it.
type indexer[M any] interface {
	// appendKeys adds the keys under which m is to be found, as entries in the place have them. Primary
	// and value are those of its row, the value as its record has it; only a topic uses them.
	appendKeys(p *session.Place, keys *keyList, m *M, primary, value []byte)
	// appendPlain adds the same keys, not hidden if the index is blind.
	appendPlain(keys *keyList, m *M)
}

// TreeOption changes a tree as it is made.
type TreeOption[M any] func(*treeOptions[M])

type treeOptions[M any] struct {
	declaration
	codec Codec[M]
	clock func(*M) uint64
	// merging is of WithMerge, and earlier of WithEarlier.
	merging func(a, b *M) M
	earlier []Earlier[M]
	// setKey is a func(*M, K), or nil. (An option knows M only.)
	setKey any
	// sequence is a *sequence[M, K], or nil.
	sequence any
}

// WithCodec sets how the tree's models are written. Defaults to [DagCBOR].
func WithCodec[M any](codec Codec[M]) TreeOption[M] {
	return func(o *treeOptions[M]) { o.codec = codec }
}

// WithClock declares how new a model is. When two records in the DHT have one
// key, the one with the higher clock wins; when their clocks are equal, the one
// with the larger bytes wins. Without a clock the bytes alone decide.
func WithClock[M any](clock func(*M) uint64) TreeOption[M] {
	return func(o *treeOptions[M]) { o.clock = clock }
}

// WithKey says that the tree's codec leaves the primary key out of a value, and
// that set puts it back into a model that was read. It saves the space of the
// key, but a value alone then does not tell its key.
func WithKey[M, K any](set func(*M, K)) TreeOption[M] {
	return func(o *treeOptions[M]) { o.setKey = set }
}

// NewTree declares a tree of models of type M by the primary key that primary
// takes from a model. Name has 1 to 64 letters, digits, '_' and '-'. A fault in
// the declaration is reported when a store is opened with it.
func NewTree[M, K any](name string, key KeyCodec[K], primary func(*M) K, opts ...TreeOption[M]) *Tree[M, K] {
	o := treeOptions[M]{codec: DagCBOR[M]()}
	for _, opt := range opts {
		opt(&o)
	}
	t := &Tree[M, K]{key: key, codec: o.codec, primary: primary, clock: o.clock, merging: o.merging}
	t.setUp(t, name, key.Name(), o.codec, o.declaration, o.clock != nil, o.merging != nil, o.setKey != nil)
	var ok bool
	if t.setKey, ok = o.setKey.(func(*M, K)); !ok && o.setKey != nil {
		t.fault("%w: WithKey takes another type of key", ErrDefinition)
	}
	if t.sequence, ok = o.sequence.(*sequence[M, K]); !ok && o.sequence != nil {
		t.fault("%w: WithSequence takes another type of key", ErrDefinition)
	}
	if o.setKey == nil {
		t.values, _ = o.codec.(ValueDecoder[M])
	}
	t.models.New = func() any { return new(M) }
	for _, e := range o.earlier {
		t.core.Earlier = append(t.core.Earlier, e.erase(t.codec)...)
		if err := e.fault(); err != nil {
			t.fault("%w: %w", ErrDefinition, err)
		}
	}
	t.core.FormatKey = func(key []byte) string { return formatKey(t.key.DecodeLast, t.key, key) }
	t.core.PathText = func(key []byte) (string, error) { return pathText(t.key.DecodeLast, t.key, key) }
	t.core.ParsePathText = func(text string) ([]byte, error) {
		return parsePathText(t.key, t.key.AppendLast, text)
	}
	return t
}

// Name returns the tree's full name, "blog.user", or its own name alone while
// no definition has it.
func (t *Tree[M, K]) Name() string { return t.core.Name }

// PathText returns key as text that sorts as the key does: the last part of its
// row's path in the go-datastore face and of its record key in the DHT.
func (t *Tree[M, K]) PathText(key K) string { return string(t.key.AppendText(nil, key)) }

// FormatKey returns key as people write it, by the Format of its codec.
func (t *Tree[M, K]) FormatKey(key K) string { return t.key.Format(key) }

// Core gives the stores of this module the tree with its types erased.
func (t *Tree[M, K]) Core() *session.Tree { return t.core }

// place finds the tree in the session's store.
func (t *table) place(s *session.Session) (*session.Place, error) {
	return placeOf(s, t.core)
}

// placeOf finds a tree in the session's store.
func placeOf(s *session.Session, t *session.Tree) (*session.Place, error) {
	p := s.Place(t)
	if p == nil {
		return nil, errUnknownTree
	}
	return p, nil
}

var errUnknownTree = fmt.Errorf("%w: the store was not opened with its definition", ErrUnknownTree)

// parse checks and takes apart the row stored at key, whose memory the result
// shares. Its value is that of the newest schema version. A row that has expired
// counts as absent.
func parse(p *session.Place, key, stored []byte) (format.Row, error) {
	row, err := format.ParseRow(key, stored)
	if err != nil {
		return row, err
	}
	if expired(row) {
		return row, ErrNotFound
	}
	row.Value, err = valueOf(p, row)
	return row, err
}

// valueOf returns the value of a row as the newest schema version of its tree has it.
func valueOf(p *session.Place, row format.Row) ([]byte, error) {
	value, err := p.Value(row)
	if err != nil && !errors.Is(err, ErrUpgrade) {
		err = corruptValue(err)
	}
	return value, err
}

func expired(row format.Row) bool {
	return row.Expiry != 0 && row.Expiry <= time.Now().UnixNano()
}

// decode returns the model of the row under the encoded primary key.
func (t *Tree[M, K]) decode(primary, value []byte) (m M, err error) {
	if t.values != nil {
		m, err = t.values.DecodeValue(value)
	} else {
		into := t.models.Get().(*M)
		err = t.read(into, primary, value)
		m, *into = *into, m
		t.models.Put(into)
	}
	if err != nil {
		return *new(M), corruptValue(err)
	}
	return m, nil
}

// corruptValue turns a decoder's refusal of a stored value, whose checksum is
// right, into corruption. A value that a newer version has written is none, nor is one that
// somebody has changed.
func corruptValue(err error) error {
	if errors.Is(err, ErrVersion) || errors.Is(err, ErrTampered) {
		return err
	}
	return fmt.Errorf("%w: value does not decode: %w", ErrCorrupt, err)
}

// failAt is fail with the key that was asked for.
func (t *Tree[M, K]) failAt(op string, key K, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Op: op, Tree: t.core.Name, Key: t.FormatKey(key), Err: err}
}
