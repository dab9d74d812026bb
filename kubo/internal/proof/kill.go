package proof

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
)

// killCommands kills "ipfs add" while it adds, without a daemon.
func (r *repo) killCommands(ctx context.Context) error {
	return r.kills(ctx, func(text io.Reader) error {
		return r.AddUnfinished(ctx, text, (*os.Process).Kill)
	})
}

// killDaemons kills a daemon while it adds for a command.
func (r *repo) killDaemons(ctx context.Context) error {
	return r.kills(ctx, func(text io.Reader) error {
		d, err := r.Daemon(ctx)
		if err != nil {
			return err
		}
		return r.AddUnfinished(ctx, text, func(*os.Process) error { return d.Kill() })
	})
}

// kills loses a process after more and more of a file, and looks at the repo after
// each loss.
func (r *repo) kills(ctx context.Context, lose func(text io.Reader) error) error {
	for i := range r.config.Kills {
		dir, err := os.MkdirTemp(r.dir, "stream-")
		if err != nil {
			return err
		}
		if err := r.killOnce(ctx, dir, r.config.MB<<20*(i+1)/(r.config.Kills+1), lose); err != nil {
			return fmt.Errorf("kill %d: %w", i+1, err)
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

func (r *repo) killOnce(ctx context.Context, dir string, after int, lose func(text io.Reader) error) error {
	file := filepath.Join(dir, "stream")
	r.seed++
	if err := ipfs.File(file, r.config.MB<<20, r.seed); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := lose(io.LimitReader(f, int64(after))); err != nil {
		return err
	}
	if err := r.check(ctx); err != nil {
		return fmt.Errorf("afterwards: %w", err)
	}
	// What was lost can be added again, over what of it is there.
	id, err := r.Run(ctx, "add", "--quieter", "--recursive", dir)
	if err != nil {
		return err
	}
	if err := compare(ctx, r.Node, r.dir, id, dir); err != nil {
		return fmt.Errorf("added again: %w", err)
	}
	if _, err := r.Run(ctx, "pin", "rm", id); err != nil {
		return err
	}
	_, err = r.Run(ctx, "repo", "gc", "--silent")
	return err
}
