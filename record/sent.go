package record

import (
	"context"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// decodeSent returns the model that a peer has sent as the value of the row
// under key, once it has passed the checks of a record.
func decodeSent[M, K any](ctx context.Context, t *models.Tree[M, K], tree *modelTree, key K, value []byte) (M, error) {
	if _, err := tree.checkRecord(Key(t, key), value); err != nil {
		return *new(M), err
	}
	return t.Get(ctx, sentRow{t.Core(), value}, key)
}

// sentRow is a models.Reader, and its transaction, that has under every key the
// same row: a tree decodes rows only as it reads them from somewhere.
type sentRow struct {
	tree  *session.Tree
	value []byte
}

func (r sentRow) BeginRead(context.Context) (*session.Session, error) {
	place := &session.Place{Space: format.FirstFree.Append(nil), Indexes: make([][]byte, len(r.tree.Indexes))}
	s := session.New(map[*session.Tree]*session.Place{r.tree: place}, nil)
	s.Read, s.Held = r, true
	return s, nil
}

func (r sentRow) Get(key []byte) ([]byte, error) {
	row := append(format.AppendRowHeader(nil, r.tree.Schema, 0), r.value...)
	return format.AppendChecksum(row, key), nil
}

func (sentRow) Cursor(engine.Range) engine.Cursor { return nil }
func (sentRow) Discard()                          {}
