package record

import (
	"bytes"
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// A tree turns models into bytes and back only as it writes and reads them. So
// what travels is encoded by writing it to a scrap of a store, which holds one
// row and forgets it, and decoded by reading it from one.

// encodeRow returns the encoded key and the value of m's row.
func encodeRow[M, K any](ctx context.Context, t *models.Tree[M, K], m *M) (key, value []byte, err error) {
	s := newScrap(t)
	if err := t.Put(ctx, s, m); err != nil {
		return nil, nil, err
	}
	row, err := format.ParseRow(s.key, s.row)
	return s.key[len(rowSpace):], row.Value, err
}

// decodeRow returns the row under key that has been sent as value.
func decodeRow[M, K any](ctx context.Context, t *models.Tree[M, K], key K, value []byte) (M, error) {
	raw := t.Raw()
	encoded, err := raw.ParseKeyText(t.KeyText(key))
	if err == nil {
		_, err = raw.Check(encoded, value)
	}
	if err != nil {
		return *new(M), err
	}
	s := newScrap(t)
	s.key = append(bytes.Clone(rowSpace), encoded...)
	s.row = format.AppendRowHeader(nil, t.Core().Schema, 0)
	s.row = format.AppendChecksum(append(s.row, value...), s.key)
	return t.Get(ctx, s, key)
}

var (
	rowSpace   = format.FirstFree.Append(nil)
	entrySpace = (format.FirstFree + 1).Append(nil)
)

// scrap is a models.Writer and the transaction behind it.
type scrap struct {
	session  *session.Session
	key, row []byte
}

func newScrap(t models.AnyTree) *scrap {
	place := &session.Place{Space: rowSpace}
	for range t.Core().Indexes {
		place.Indexes = append(place.Indexes, entrySpace)
	}
	s := &scrap{session: session.New(map[*session.Tree]*session.Place{t.Core(): place}, nil)}
	s.session.Read, s.session.Write, s.session.Held = s, s, true
	return s
}

func (s *scrap) BeginRead(context.Context) (*session.Session, error) { return s.session, nil }

func (s *scrap) RunWrite(_ context.Context, fn func(*session.Session) error) error {
	return fn(s.session)
}

func (s *scrap) Get(key []byte) ([]byte, error) {
	if s.row == nil || !bytes.Equal(key, s.key) {
		return nil, engine.ErrNotFound
	}
	return s.row, nil
}

func (s *scrap) Put(key, value []byte) error {
	if bytes.HasPrefix(key, rowSpace) {
		s.key, s.row = key, value
	}
	return nil
}

func (s *scrap) Delete([]byte) error                             { return nil }
func (s *scrap) Commit(context.Context, engine.Durability) error { return nil }
func (s *scrap) Discard()                                        {}

func (s *scrap) Cursor(engine.Range) engine.Cursor {
	panic(fmt.Sprintf("%T: reading and writing one row takes no cursor", s))
}
