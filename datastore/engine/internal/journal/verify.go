package journal

import (
	"bytes"
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/pause"
)

// Verify implements engine.Verifier. It reads the checkpoint and the log again.
func (d *DB) Verify(ctx context.Context) error {
	if err := d.gate.Enter(ctx); err != nil {
		return d.why(err)
	}
	defer d.gate.Leave()
	for {
		known := d.seq.Load()
		s, _, err := d.options.Storage.Read(known, 1)
		if err != nil {
			return err
		}
		found := d.verifyCheckpoint(ctx, s)
		if found == nil {
			found = d.verifyLog(ctx, s, known)
		}
		if found == nil || ctx.Err() != nil {
			return found
		}
		now, _, err := d.options.Storage.Read(known, 1)
		if err != nil || now == s {
			return found
		}
		// Another checkpoint counts meanwhile, so that the values of this one are removed.
	}
}

func (d *DB) verifyCheckpoint(ctx context.Context, s State) error {
	var last []byte
	for n := uint64(0); n < s.Values; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		values, err := d.options.Storage.Values(s.Generation, n, 1)
		if err != nil {
			return err
		}
		if len(values) == 0 {
			return fmt.Errorf("value %d: %w", n, errMissing)
		}
		err = parseBatch(values[0], func(c change) error {
			if c.value == nil || last != nil && bytes.Compare(last, c.key) >= 0 {
				return fmt.Errorf("%w: its keys are out of order", engine.ErrCorrupt)
			}
			last = c.key
			return nil
		})
		if err != nil {
			return fmt.Errorf("value %d of the checkpoint: %w", n, err)
		}
		pause.Point()
	}
	return nil
}

// verifyLog checks that the log is whole up to a commit at least.
func (d *DB) verifyLog(ctx context.Context, s State, upTo uint64) error {
	at, w := s.Before, window(firstWindow)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, commits, err := d.options.Storage.Read(at, int(w))
		if err != nil {
			return err
		}
		for _, c := range commits {
			if c.Seq != at+1 {
				return fmt.Errorf("%w: commit %d is missing from the log", engine.ErrCorrupt, at+1)
			}
			if err := parseBatch(c.Batch, func(change) error { return nil }); err != nil {
				return fmt.Errorf("commit %d: %w", c.Seq, err)
			}
			at = c.Seq
			pause.Point()
		}
		if len(commits) < int(w) {
			break
		}
		w.next(commits)
	}
	if at < max(upTo, s.Seq) {
		return fmt.Errorf("%w: commit %d is missing from the log", engine.ErrCorrupt, at+1)
	}
	return nil
}
