package proof

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
)

// move exports what is kept, and imports it into a repo of Kubo's own layout and from
// there into another of ours: the way that docs/kubo.md tells.
func (r *repo) move(ctx context.Context) error {
	from := r.Node
	for _, l := range []ipfs.Layout{{Name: "flatfs", Profile: "flatfs"}, r.config.Layout} {
		to := ipfs.Node{Program: r.Program, Env: r.Env, Repo: filepath.Join(r.dir, "moved-to-"+l.Name)}
		if err := to.Init(ctx, l); err != nil {
			return err
		}
		for id, dir := range r.kept {
			archive := filepath.Join(r.dir, "archive.car")
			if _, err := from.Export(ctx, id, archive); err != nil {
				return err
			}
			if _, err := to.Run(ctx, "dag", "import", "--pin-roots", archive); err != nil {
				return err
			}
			pins, err := to.Run(ctx, "pin", "ls", "--type=recursive", "--quiet")
			if err != nil {
				return err
			}
			if !strings.Contains(pins, id) {
				return fmt.Errorf("%s was imported into %s and is not pinned", id, l.Name)
			}
			if err := compare(ctx, to, r.dir, id, dir); err != nil {
				return fmt.Errorf("moved to %s: %w", l.Name, err)
			}
		}
		from = to
	}
	return nil
}
