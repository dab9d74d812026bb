package journal

import (
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/pause"
)

// readTxn is a transaction of the rows in memory that lets a browser run now and then, so that a page stays
// responsive while a program reads or writes many rows.
type readTxn struct {
	rows
	steps uint
}

// rows is what transactions of the memory engine can do.
type rows interface {
	engine.Renewer
	engine.Scanner
}

// pauseSteps is after how many steps a browser may run.
const pauseSteps = 64

func (t *readTxn) step() {
	if t.steps++; t.steps%pauseSteps == 0 {
		pause.Point()
	}
}

func (t *readTxn) Get(key []byte) ([]byte, error) {
	t.step()
	return t.rows.Get(key)
}

func (t *readTxn) Scan(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	pause.Point()
	return t.rows.Scan(r, most, p)
}

func (t *readTxn) Cursor(r engine.Range) engine.Cursor {
	return &cursor{t.rows.Cursor(r), t}
}

type cursor struct {
	engine.Cursor
	txn *readTxn
}

func (c *cursor) Next() bool {
	c.txn.step()
	return c.Cursor.Next()
}
