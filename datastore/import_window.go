package datastore

import (
	"context"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/pause"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// importer is an import under way, its models' type erased.
type importer struct {
	store    *Store
	core     *session.Tree
	options  ImportOptions
	progress ImportProgress
	unsynced int64

	// rows is the window: rows of the input that follow those committed.
	rows []preparedRow
	// memory, bytes and ops are what the window takes: here, and in its
	// transaction. A window is full once it has reached one of the limits.
	memory, bytes, ops          int64
	maxMemory, maxBytes, maxOps int64
}

// preparedRow is a row of the window.
type preparedRow struct {
	session.Prepared
	size rowSize
}

// rowSize is what a row takes in a transaction that finds no row to replace.
type rowSize struct{ bytes, ops int64 }

// noLimit leaves room to add to.
const noLimit = 1 << 60

const (
	// syncBytes is how much is committed between two syncs.
	syncBytes = 64 << 20
	// rowMemory and entryMemory are what the window needs for each row and
	// entry beside their bytes.
	rowMemory, entryMemory = 128, 40
	// keyBytes is the most that a stored key or value has beside what a
	// Prepared holds: space number, row header, encryption and checksum.
	keyBytes = 24 + format.EncryptionSize
)

func newImporter(s *Store, core *session.Tree, o ImportOptions) (*importer, error) {
	switch {
	case o.Skip < 0:
		return nil, fmt.Errorf("import into %s: %w: Skip is %d: it must not be negative", core.Name, models.ErrInvalid,
			o.Skip)
	case o.WindowMB < 0:
		return nil, fmt.Errorf("import into %s: %w: WindowMB is %d: it must not be negative", core.Name,
			models.ErrInvalid, o.WindowMB)
	case o.WindowMB == 0:
		o.WindowMB = DefaultImportWindowMB
	}
	im := &importer{
		store: s, core: core, options: o,
		progress:  ImportProgress{Rows: o.Skip, Durable: o.Skip},
		maxMemory: int64(o.WindowMB) << 20, maxBytes: noLimit, maxOps: noLimit,
	}
	// Half of what a transaction can hold leaves room for what is not known
	// yet: the entries of rows that are replaced.
	limits := s.db.Limits()
	if limits.TxnBytes > 0 {
		im.maxBytes = max(limits.TxnBytes/2, 1)
	}
	if limits.TxnOps > 0 {
		im.maxOps = max(int64(limits.TxnOps)/2, 1)
	}
	return im, nil
}

// add takes row number of the input into the window, and commits that first if
// the row would not fit.
func (im *importer) add(ctx context.Context, number int64, model any) error {
	p, err := im.core.Prepare(im.store.places[im.core], model)
	if err != nil {
		return im.failAt(ctx, number, im.putError(p, err))
	}
	row := preparedRow{p, sizeOf(p)}
	memory := row.memory()
	full := im.memory+memory > im.maxMemory || im.bytes+row.size.bytes > im.maxBytes || im.ops+row.size.ops > im.maxOps
	if full {
		if err := im.flush(ctx); err != nil {
			return err
		}
	}
	im.rows = append(im.rows, row)
	im.memory += memory
	im.bytes += row.size.bytes
	im.ops += row.size.ops
	return nil
}

func sizeOf(p session.Prepared) rowSize {
	size := rowSize{bytes: int64(keyBytes + len(p.Primary) + len(p.Value)), ops: 1}
	for _, e := range p.Entries {
		size.bytes += int64(keyBytes + len(e.Key) + len(p.Primary))
		size.ops++
	}
	return size
}

func (r preparedRow) memory() int64 {
	memory := int64(rowMemory + len(r.Primary) + len(r.Value))
	for _, e := range r.Entries {
		memory += int64(entryMemory + len(e.Key))
	}
	return memory
}

// flush commits the window and empties it.
func (im *importer) flush(ctx context.Context) error {
	rows := im.rows
	var refused error
	for size := len(rows); len(rows) > 0; size = min(size, len(rows)) {
		failed, err := im.commit(ctx, rows[:size])
		switch {
		case err == nil:
			rows = rows[size:]
		case ctx.Err() != nil:
			return im.fail(0, ctx.Err())
		case errors.Is(err, models.ErrTooLarge) && size > 1:
			// Replacing rows took more than was left for it, and may again.
			size /= 2
			im.maxBytes, im.maxOps = max(im.maxBytes/2, 1), max(im.maxOps/2, 1)
		case failed < 0:
			return im.fail(0, err)
		default:
			refused = im.fail(im.progress.Rows+int64(failed)+1, im.putError(rows[failed].Prepared, err))
			rows = rows[:failed]
		}
	}
	if refused != nil {
		return refused
	}
	clear(im.rows)
	im.rows = im.rows[:0]
	im.memory, im.bytes, im.ops = 0, 0, 0
	return nil
}

// commit stores rows in one transaction. Failed is the number of the row that
// could not be stored, or negative.
func (im *importer) commit(ctx context.Context, rows []preparedRow) (failed int, err error) {
	var size rowSize
	for i := range rows {
		size.bytes += rows[i].size.bytes
		size.ops += rows[i].size.ops
	}
	err = im.store.run(ctx, engine.Relaxed, func(s *session.Session) error {
		failed = -1
		sorted := newSortedTxn(s.Write, int(size.ops))
		s.Read, s.Write = sorted, sorted
		for i := range rows {
			if i%pauseRows == 0 {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				pause.Point()
			}
			if err := im.core.Store(s, rows[i].Prepared); err != nil {
				failed = i
				return err
			}
		}
		err := sorted.apply()
		if len(rows) == 1 {
			failed = 0
		}
		return err
	})
	if err != nil {
		return failed, err
	}
	im.progress.Bytes += size.bytes
	im.unsynced += size.bytes
	im.progress.Rows += int64(len(rows))
	im.report()
	if im.unsynced < syncBytes {
		return -1, nil
	}
	return -1, im.sync(ctx)
}

// failAt ends the import at a row that cannot be stored or even read: those
// before it are committed.
func (im *importer) failAt(ctx context.Context, number int64, err error) error {
	if err := im.flush(ctx); err != nil {
		return err
	}
	return im.fail(number, err)
}

func (im *importer) fail(row int64, err error) error {
	return &ImportError{Tree: im.core.Name, Row: row, Err: err}
}

// putError says which row a refusal is about, unless it does already.
func (im *importer) putError(p session.Prepared, err error) error {
	var e *models.Error
	if errors.As(err, &e) {
		return err
	}
	return &models.Error{Op: "put", Tree: im.core.Name, Key: im.core.FormatKey(p.Primary), Err: err}
}

// finish makes durable what is committed, also where the import has failed or
// ctx has ended.
func (im *importer) finish(ctx context.Context, err error) (ImportProgress, error) {
	if im.progress.Durable < im.progress.Rows {
		syncErr := im.sync(context.WithoutCancel(ctx))
		if err == nil && syncErr != nil {
			err = im.fail(0, syncErr)
		}
	}
	return im.progress, err
}

func (im *importer) sync(ctx context.Context) error {
	if err := im.store.Sync(ctx); err != nil {
		return err
	}
	im.unsynced, im.progress.Durable = 0, im.progress.Rows
	im.report()
	return nil
}

func (im *importer) report() {
	if im.options.Progress != nil {
		im.options.Progress(im.progress)
	}
}
