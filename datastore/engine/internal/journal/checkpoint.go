package journal

import (
	"context"
	"errors"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/pause"
)

// valueBytes is how large a value of a checkpoint gets, about.
const valueBytes = 1 << 20

// due reports whether a checkpoint is to be written.
func (d *DB) due() bool { return d.logged.Load() > max(d.options.CheckpointBytes, d.stored.Load()) }

// checkpointSoon begins to write a checkpoint if one is due. It is called in turn. An error is none of the
// commit that it follows; the next one tries again.
func (d *DB) checkpointSoon() {
	if !d.due() {
		return
	}
	select {
	case d.writing <- struct{}{}:
	default: // one is being written
		return
	}
	c, err := d.begin(d.stopped, false)
	if err != nil || c == nil {
		<-d.writing
		return
	}
	d.background.Go(func() {
		_ = c.write(d.stopped)
		<-d.writing
	})
}

// Compact implements engine.DB. It writes a checkpoint.
func (d *DB) Compact(ctx context.Context) error {
	if err := d.gate.Enter(ctx); err != nil {
		return d.why(err)
	}
	defer d.gate.Leave()
	if d.options.ReadOnly {
		return nil
	}
	select {
	case d.writing <- struct{}{}:
	case <-d.gate.Closing():
		return d.why(engine.ErrClosed)
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.writing }()
	c, err := d.beginInTurn(ctx)
	if c == nil {
		return d.why(err)
	}
	return d.why(c.write(ctx))
}

func (d *DB) beginInTurn(ctx context.Context) (*checkpoint, error) {
	if err := d.gate.EnterWriter(ctx); err != nil {
		return nil, err
	}
	defer d.gate.LeaveWriter()
	defer d.giveWay()
	if err := d.own(ctx); err != nil {
		return nil, err
	}
	return d.begin(ctx, true)
}

// checkpoint is one that is being written.
type checkpoint struct {
	db      *DB
	state   State
	view    engine.ReadTxn
	release func()
	// logged is the size of the log up to the checkpoint.
	logged int64
}

// begin begins a checkpoint of the rows as they are. It is called by the writer in turn, who has room in
// d.writing. It returns nil if another program writes one or, unless one is wanted anyway, has written one.
func (d *DB) begin(ctx context.Context, anyway bool) (_ *checkpoint, err error) {
	c := &checkpoint{db: d, release: func() {}, logged: d.logged.Load()}
	if d.options.Others != nil {
		release, err := d.options.Others.TryCheckpoint(ctx)
		if errors.Is(err, engine.ErrLocked) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		c.release = release
	}
	begun := false
	defer func() {
		if !begun {
			c.release()
		}
	}()
	seq := d.seq.Load()
	last, _, err := d.options.Storage.Read(seq, 1)
	if err != nil {
		return nil, err
	}
	if d.note(ctx, last) && !anyway {
		return nil, nil
	}
	c.state = State{Seq: seq, Before: last.Seq, Generation: last.Generation + 1}
	if d.options.Others == nil {
		c.state.Before = seq
	}
	if err := d.options.Storage.Begin(c.state); err != nil {
		return nil, err
	}
	if c.view, err = d.mem.View(ctx); err != nil {
		return nil, err
	}
	begun = true
	return c, nil
}

// write writes a checkpoint, makes it the one that counts and shortens the log. One that does not fit leaves its room
// to commits.
func (c *checkpoint) write(ctx context.Context) error {
	defer c.release()
	defer c.view.Discard()
	err := c.writeAll(ctx)
	if errors.Is(err, engine.ErrNoSpace) {
		_ = c.db.options.Storage.Begin(c.state) // or else the next one removes it
	}
	return err
}

func (c *checkpoint) writeAll(ctx context.Context) error {
	storage := c.db.options.Storage
	size := int64(0)
	var batch []byte
	put := func() error {
		batch = seal(batch)
		size += int64(len(batch))
		err := storage.PutValue(c.state.Generation, c.state.Values, batch)
		c.state.Values++
		batch = batch[:0]
		return err
	}
	cursor := c.view.Cursor(engine.Range{})
	defer cursor.Close()
	for cursor.Next() {
		value, err := cursor.Value()
		if err != nil {
			return err
		}
		if batch = appendPut(batch, cursor.Key(), value); len(batch) < valueBytes {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := put(); err != nil {
			return err
		}
		pause.Point()
	}
	if err := errors.Join(ctx.Err(), cursor.Err()); err != nil {
		return err
	}
	if len(batch) > 0 {
		if err := put(); err != nil {
			return err
		}
	}
	if err := storage.Switch(c.state); err != nil {
		return err
	}
	c.db.generation.Store(c.state.Generation)
	c.db.logged.Add(-c.logged)
	c.db.stored.Store(size)
	return nil
}
