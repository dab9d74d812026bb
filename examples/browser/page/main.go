//go:build js

// Page is the Go program of the board's web page: a store in IndexedDB, and a peer. It runs in a worker that
// all tabs share, so that they have one store and one peer and stay responsive, and talks with them in
// messages. It builds for js and wasm.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/examples/browser/board"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

func main() {
	if err := run(context.Background()); err != nil {
		tell(news{Error: err.Error()})
	}
}

func run(ctx context.Context) error {
	messages := listen()
	records, err := record.Open(ctx, indexeddb.Engine("board"), record.Options{
		Models: []*models.Definition{board.Board}, MaxRecordAge: -1,
	})
	if err != nil {
		return err
	}
	store := records.Store()
	go show(ctx, store)
	net := &network{records: records, status: status{Online: true}, turned: make(chan bool, 1)}
	go net.run(ctx)
	for message := range messages {
		if err := handle(ctx, store, net, message); err != nil {
			tell(news{Error: err.Error()})
		}
	}
	return nil
}

// show tells the tabs the notes whenever they have changed.
func show(ctx context.Context, store *datastore.Store) {
	for version, err := range board.NotesByColumn.Live(ctx, store, models.Range[string]{}) {
		if err != nil {
			tell(news{Error: err.Error()})
			return
		}
		notes := make([]*board.Note, 0, version.Len())
		for note := range version.All() {
			notes = append(notes, note)
		}
		tell(news{Notes: notes})
		time.Sleep(50 * time.Millisecond) // what changes meanwhile comes together
	}
}

// handle does what a tab wants.
func handle(ctx context.Context, store *datastore.Store, net *network, message string) error {
	var r request
	if err := json.Unmarshal([]byte(message), &r); err != nil {
		return err
	}
	switch {
	case r.Put != nil:
		return put(ctx, store, r.Put)
	case r.Remove != "":
		if err := board.Notes.Delete(ctx, store, r.Remove); !errors.Is(err, models.ErrNotFound) {
			return err
		}
	case r.Online != nil:
		net.turn(*r.Online)
	}
	return nil
}

// put keeps a note. It is newer than the one that was there, whatever the clocks of other peers say.
func put(ctx context.Context, store *datastore.Store, note *board.Note) error {
	if note.ID == "" {
		note.ID = rand.Text()
	}
	return store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		before, err := board.Notes.Get(ctx, tx, note.ID)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		note.Changed = uint64(time.Now().UnixMilli())
		if err == nil {
			note.Changed = max(note.Changed, before.Changed+1)
		}
		return board.Notes.Put(ctx, tx, note)
	})
}
