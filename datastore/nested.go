package datastore

import (
	"context"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// held is a transaction that a function given to View or Update holds open, and
// the context that the function gets: one allocation for both.
//
// The context knows its store. A call on the store itself with that context would
// wait for its own transaction where an engine has one writer, and miss what the
// transaction has written on every engine, so checkNested refuses it.
type held struct {
	context.Context
	store *Store
	tx    WriteTx
}

// inside is the key under which the context of a held transaction has its store.
type inside struct{ store *Store }

func (h *held) Value(key any) any {
	if key == (inside{h.store}) {
		return true
	}
	return h.Context.Value(key)
}

// hold makes the transaction and the context that a function gets.
func (s *Store) hold(ctx context.Context, ses *session.Session) *held {
	return &held{Context: ctx, store: s, tx: WriteTx{ReadTx{session: ses}}}
}

// end has the transaction refuse every later call.
func (h *held) end() { h.tx.done = true }

// usable returns ErrNested as checkNested does, or why ctx has ended.
func (s *Store) usable(ctx context.Context) error {
	if err := s.checkNested(ctx); err != nil {
		return err
	}
	return ctx.Err()
}

// checkNested returns ErrNested for the context that a function of View or Update
// on this store was given, or one derived from it.
func (s *Store) checkNested(ctx context.Context) error {
	if ctx.Value(inside{s}) != nil {
		return models.ErrNested
	}
	return nil
}
