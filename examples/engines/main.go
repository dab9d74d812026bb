// Engines runs the same code on every engine. Only the line that names the engine
// differs.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type Note struct {
	ID   uint64
	Text string
	Day  string
}

var (
	Notes     = models.NewTree("note", models.Uint64, func(n *Note) uint64 { return n.ID })
	NoteByDay = models.NewIndex(Notes, "day", models.String, func(n *Note) string { return n.Day })

	Diary = models.NewDefinition("diary", Notes)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "netabase-engines-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, eng := range []engine.Engine{
		badger.Engine(filepath.Join(dir, "badger")), // many writes, many records
		bolt.Engine(filepath.Join(dir, "bolt")),     // many reads, one small file
		memory.Engine(),                             // tests and caches
	} {
		fmt.Println(eng.Name() + ":")
		if err := use(ctx, eng); err != nil {
			return err
		}
	}
	return nil
}

// use works with any engine.
func use(ctx context.Context, eng engine.Engine) (err error) {
	store, err := datastore.Open(ctx, eng, Diary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	err = Notes.PutMany(ctx, store, []Note{
		{ID: 1, Text: "Sow the beans", Day: "Monday"},
		{ID: 2, Text: "Mend the fence", Day: "Tuesday"},
		{ID: 3, Text: "Water the beans", Day: "Monday"},
	})
	if err != nil {
		return err
	}
	for note, err := range NoteByDay.Find(ctx, store, "Monday") {
		if err != nil {
			return err
		}
		fmt.Println("  " + note.Text)
	}
	return nil
}
