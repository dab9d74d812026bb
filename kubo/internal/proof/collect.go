package proof

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
)

// collect adds files without a pin and collects: they have to be gone afterwards with
// the space that they took, and nothing else.
func (r *repo) collect(ctx context.Context) error {
	before, err := r.Stat(ctx)
	if err != nil {
		return err
	}
	if err := r.addUnpinned(ctx); err != nil {
		return err
	}
	full, err := r.Stat(ctx)
	if err != nil {
		return err
	}
	if _, err := r.Run(ctx, "repo", "gc", "--silent"); err != nil {
		return err
	}
	after, err := r.Stat(ctx)
	if err != nil {
		return err
	}
	if after.NumObjects > before.NumObjects {
		return fmt.Errorf("%d blocks before, %d with more files, and %d after collecting",
			before.NumObjects, full.NumObjects, after.NumObjects)
	}
	if grown := full.RepoSize - min(full.RepoSize, before.RepoSize); grown < uint64(r.config.MB)<<19 ||
		after.RepoSize > full.RepoSize-grown/2 {
		return fmt.Errorf("the repo takes %d bytes, %d with %d MiB more, and %d after collecting these",
			before.RepoSize, full.RepoSize, r.config.MB, after.RepoSize)
	}
	return r.check(ctx)
}

func (r *repo) addUnpinned(ctx context.Context) error {
	dir, err := r.files()
	if err != nil {
		return err
	}
	_, err = r.Run(ctx, "add", "--quieter", "--recursive", "--pin=false", dir)
	return err
}

// collectTime is how long a daemon may take to collect by itself.
const collectTime = time.Minute

// collectAutomatically lets a daemon collect by itself once the repo has grown beyond a
// watermark, and be content with the repo then.
func (r *repo) collectAutomatically(ctx context.Context) (err error) {
	before, err := r.Stat(ctx)
	if err != nil {
		return err
	}
	watermark := before.RepoSize + uint64(r.config.MB)<<19
	for _, setting := range [][2]string{
		{"Datastore.StorageMax", strconv.FormatUint(watermark*10/9, 10) + "B"}, // of which Kubo takes 90 %
		{"Datastore.GCPeriod", "1s"},
	} {
		if _, err := r.Run(ctx, "config", setting[0], setting[1]); err != nil {
			return err
		}
	}
	d, err := r.Daemon(ctx, "--enable-gc")
	if err != nil {
		return err
	}
	err = r.awaitCollection(ctx, before, watermark)
	if err := errors.Join(err, d.Stop()); err != nil {
		return err
	}
	if _, err := r.Run(ctx, "config", "Datastore.StorageMax", "10GB"); err != nil {
		return err
	}
	return r.check(ctx)
}

func (r *repo) awaitCollection(ctx context.Context, before ipfs.Stat, watermark uint64) error {
	if err := r.addUnpinned(ctx); err != nil {
		return err
	}
	for until := time.Now().Add(collectTime); ; {
		now, err := r.Stat(ctx)
		if err != nil || now.NumObjects <= before.NumObjects && now.RepoSize <= watermark {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("%d blocks and %d bytes before, watermark %d; the daemon leaves %d blocks and %d bytes",
				before.NumObjects, before.RepoSize, watermark, now.NumObjects, now.RepoSize)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// pause waits for a moment until a daemon is asked again.
func pause(ctx context.Context) error {
	select {
	case <-time.After(500 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
