// Package board is the model of the example: what the web page and the native peers both know.
package board

import (
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

// Note is a note on the board. Changed, in milliseconds since 1970, is the clock of the tree: of two
// versions of a note all peers keep the later one.
type Note struct {
	ID      string `json:"id"`
	Column  string `json:"column"`
	Text    string `json:"text"`
	Author  string `json:"author"`
	Changed uint64 `json:"changed"`
}

// keep is how long peers remember that a note was deleted, so that it does not come back from one that
// has been away.
const keep = 30 * 24 * time.Hour

var (
	Notes = models.NewTree("note", models.String, func(n *Note) string { return n.ID },
		models.WithPolicy[Note](models.Open),
		models.WithClock(func(n *Note) uint64 { return n.Changed }),
		models.WithTombstones[Note](keep, time.Millisecond))
	NotesByColumn = models.NewIndex(Notes, "column", models.String, func(n *Note) string { return n.Column })

	// All is the topic in which peers tell each other of notes.
	All = models.NewTopic(Notes, "all", nil)

	Board = models.NewDefinition("board", Notes)
)
