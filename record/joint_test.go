package record_test

import (
	"context"
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// joint is a database that stays when it is closed, and that another program has open if busy is set.
type joint struct {
	engine.DB
	busy *bool
}

func (d joint) Name() string                            { return "joint" }
func (d joint) Open(context.Context) (engine.DB, error) { return d, nil }
func (d joint) Close() error                            { return nil }
func (d joint) Alone(context.Context) (shared func(), err error) {
	if *d.busy {
		return nil, engine.ErrLocked
	}
	return func() {}, nil
}

// Of two programs that can have a database open, as two tabs can, one has a store for records.
func TestRecordsAreInOneProgram(t *testing.T) {
	db, err := memory.Engine().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	busy := false
	open := func(options ...datastore.OpenOption) error {
		store, err := datastore.Open(t.Context(), joint{db, &busy}, options...)
		if err == nil {
			err = store.Close()
		}
		return err
	}
	if err := open(record.Definition); err != nil {
		t.Fatal(err)
	}
	busy = true
	if err := open(record.Definition); !errors.Is(err, engine.ErrLocked) {
		t.Errorf("a store for records opens with %v", err)
	}
	if err := open(); err != nil {
		t.Errorf("one without them: %v", err)
	}
}
