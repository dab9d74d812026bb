package proof

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
)

// daemons lets one node provide what it keeps, and another find it and fetch it.
func (r *repo) daemons(ctx context.Context) (err error) {
	other := ipfs.Node{Program: r.Program, Env: r.Env, Repo: filepath.Join(r.dir, "other")}
	if err := other.Init(ctx, r.config.Layout); err != nil {
		return err
	}
	for _, n := range []ipfs.Node{r.Node, other} {
		d, err := n.Daemon(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.Stop()) }()
	}
	var self struct {
		ID        string
		Addresses []string
	}
	if err := r.JSON(ctx, &self, "id"); err != nil {
		return err
	}
	if len(self.Addresses) == 0 {
		return errors.New("the daemon listens nowhere")
	}
	if _, err := other.Run(ctx, "swarm", "connect", self.Addresses[0]); err != nil {
		return err
	}
	for id, dir := range r.kept {
		if err := r.fetch(ctx, other, self.ID, id, dir); err != nil {
			return err
		}
	}
	return nil
}

// fetch lets a node that has nothing find a peer that provides, and get it from there.
func (r *repo) fetch(ctx context.Context, other ipfs.Node, peer, id, dir string) error {
	if err := r.provide(ctx, other, peer, id); err != nil {
		return err
	}
	if _, err := other.Run(ctx, "pin", "add", id); err != nil {
		return err
	}
	if out, err := other.Run(ctx, "pin", "verify"); err != nil || out != "" {
		return fmt.Errorf("pin verify of what was fetched: %q, %w", out, err)
	}
	return compare(ctx, other, r.dir, id, dir)
}

// findTime is how long providing may take, which Kubo does behind the command.
const findTime = time.Minute

// provide provides an id until the other node finds it.
func (r *repo) provide(ctx context.Context, other ipfs.Node, peer, id string) error {
	for until := time.Now().Add(findTime); ; {
		if _, err := r.Run(ctx, "provide", "once", id); err != nil {
			return err
		}
		found, err := other.Run(ctx, "routing", "findprovs", "--num-providers=1", id)
		if err != nil || strings.Contains(found, peer) {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("%s is provided by %s, and the other node finds %q", id, peer, found)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}
