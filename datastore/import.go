package datastore

import (
	"context"
	"fmt"
	"iter"

	"github.com/newsnet-africa/netabase-go/internal/pause"
	"github.com/newsnet-africa/netabase-go/models"
)

// DefaultImportWindowMB is the memory an import keeps rows in where
// ImportOptions names none.
const DefaultImportWindowMB = 16

// ImportOptions change an import. The zero value of every field is its default.
type ImportOptions struct {
	// Skip is the number of rows to leave out at the beginning of the input:
	// those that an earlier import has committed, its ImportProgress.Rows.
	// Defaults to 0.
	Skip int64

	// WindowMB is the memory, in MiB, for rows that are read and not yet
	// committed. They are committed together, in one transaction, or in several
	// where the engine's limits are smaller.
	//
	// The transaction needs memory as well. Badger needs a few times the window.
	// Bolt needs two pages for every page that it changes: 30 times the window has
	// been seen, for rows in random order in a large tree. For such rows a larger
	// window is also faster: 16 takes half the time of 4.
	// Defaults to DefaultImportWindowMB.
	WindowMB int

	// Progress is called after every transaction and every sync, by the
	// goroutine that called Import. Defaults to none.
	Progress func(ImportProgress)
}

// ImportProgress says how far an import has come.
type ImportProgress struct {
	// Rows is how many rows of the input are committed, counted from its
	// beginning, with those that were skipped: an import of the same input that
	// skips as many goes on exactly where this one ended.
	Rows int64

	// Durable is how many of them would survive a loss of power.
	Durable int64

	// Bytes is the size of the keys and values that this import has committed,
	// those of index entries included.
	Bytes int64
}

// ImportError tells why an import ended early. It matches what Err matches.
type ImportError struct {
	// Tree is the full name of the tree.
	Tree string
	// Row is the number of the row that could not be read or stored, the first
	// of the input being 1; or 0 where it is not about one row.
	Row int64
	// Err is why.
	Err error
}

func (e *ImportError) Error() string {
	if e.Row == 0 {
		return fmt.Sprintf("import into %s: %v", e.Tree, e.Err)
	}
	return fmt.Sprintf("import into %s: row %d of the input: %v", e.Tree, e.Row, e.Err)
}

func (e *ImportError) Unwrap() error { return e.Err }

// Import stores any number of rows in the tree. It has the effect of a Put of
// each row, but is far faster: it uses as few transactions as memory and the
// engine's limits allow. Other readers and writers may use the store meanwhile.
//
// Rows are committed in the order of the input, a window of them at a time:
// all rows before a point and none after it, whether the import ends well, fails
// or is cancelled. All are durable when Import returns nil, and before that at
// intervals.
//
// The progress returned is right even if there is an error, and an import that
// skips its Rows resumes where this one ended. Everything before a row that
// cannot be read or stored is committed; the error is an *ImportError that
// names the row. An end of ctx drops the window that was being read.
func Import[M, K any](
	ctx context.Context, s *Store, tree *models.Tree[M, K], rows iter.Seq2[M, error], options ...ImportOptions,
) (ImportProgress, error) {
	if err := s.checkNested(ctx); err != nil {
		return ImportProgress{}, &ImportError{Tree: tree.Name(), Err: err}
	}
	im, err := newImporter(s, tree.Core(), given(options))
	if err != nil {
		return ImportProgress{}, err
	}
	if err = importRows(ctx, im, rows); err == nil {
		err = im.flush(ctx)
	}
	return im.finish(ctx, err)
}

// pauseRows is after how many rows a browser may run.
const pauseRows = 32

// importRows reads all rows and commits the full windows of them.
func importRows[M any](ctx context.Context, im *importer, rows iter.Seq2[M, error]) error {
	number := int64(0)
	for m, err := range rows {
		if number++; number%pauseRows == 0 {
			pause.Point()
		}
		switch {
		case ctx.Err() != nil:
			return im.fail(0, ctx.Err())
		case err != nil:
			return im.failAt(ctx, number, err)
		case number <= im.options.Skip:
			continue
		}
		if err := im.add(ctx, number, &m); err != nil {
			return err
		}
	}
	if number < im.options.Skip {
		return im.fail(0, fmt.Errorf("%w: %d rows are to be skipped and the input has %d", models.ErrInvalid,
			im.options.Skip, number))
	}
	return nil
}
