package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/check"
)

const migrateHelp = `Rewrites the rows of earlier versions of their models in the store in DIR, or in the
one of the peer's directory DIR, as the newest version. Programs read such rows without
it, a little slower. It goes by the store's catalog and needs none of the Go types. Trees
whose rows become the newest version by a function stay as they are: only the program
that has the function can migrate them. Nothing may have the store open meanwhile. If it
is interrupted, the next run goes on.

-dry-run changes nothing and says what there is to do.

-json prints one JSON object a line. With -dry-run they have "event":"tree" and

  tree, stored, rows, older   the newest version, and how many of the rows are older

and otherwise "event":"progress" and

  tree, rows, rewritten

The last line is {"event":"summary", …} with older or rewritten, of all trees.

The exit status is 0; 1 if a tree could not be migrated; and 2 if there is no store that
could be migrated, or for a faulty command line.`

// migrate returns the command "migrate".
func (p program) migrate(flags *flag.FlagSet) *ffcli.Command {
	dry := flags.Bool("dry-run", false, "change nothing, and say what there is to do")
	asJSON := flags.Bool("json", false, "print one JSON object a line")
	return &ffcli.Command{
		Name:       "migrate",
		ShortUsage: "p2pnode migrate [-dry-run] [-json] DIR",
		ShortHelp:  "rewrite the rows of earlier versions in the store in a directory",
		LongHelp:   migrateHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := positional(flags, args)
			if err != nil {
				return err
			}
			if len(args) != 1 {
				return usageError{fmt.Errorf("migrate takes one directory, not %d", len(args))}
			}
			if *dry {
				return p.planMigration(ctx, args[0], *asJSON)
			}
			return p.runMigration(ctx, args[0], *asJSON)
		},
	}
}

func (p program) planMigration(ctx context.Context, dir string, asJSON bool) error {
	plans, err := check.Plan(ctx, dir)
	if err != nil {
		return unusableError{err}
	}
	out, older := json.NewEncoder(p.out), int64(0)
	for _, t := range plans.Trees {
		older += t.Older
		if !asJSON {
			fmt.Fprintf(p.out, "%s: %s of %s rows are older than version %d\n", t.Tree, humanize.Comma(t.Older),
				humanize.Comma(t.Rows), t.Stored)
			continue
		}
		_ = out.Encode(struct {
			Event  string `json:"event"`
			Tree   string `json:"tree"`
			Stored uint32 `json:"stored"`
			Rows   int64  `json:"rows"`
			Older  int64  `json:"older"`
		}{"tree", t.Tree, t.Stored, t.Rows, t.Older})
	}
	if asJSON {
		return out.Encode(struct {
			Event string `json:"event"`
			Older int64  `json:"older"`
		}{"summary", older})
	}
	fmt.Fprintf(p.out, "%s rows to rewrite\n", humanize.Comma(older))
	return nil
}

func (p program) runMigration(ctx context.Context, dir string, asJSON bool) error {
	store, err := check.Open(ctx, dir, true)
	if err != nil {
		return unusableError{err}
	}
	out, last := json.NewEncoder(p.out), time.Now()
	rewritten, err := datastore.Migrate(ctx, store, datastore.MigrateOptions{Progress: func(m datastore.MigrateProgress) {
		switch {
		case time.Since(last) < progressEvery:
			return
		case asJSON:
			_ = out.Encode(struct {
				Event     string `json:"event"`
				Tree      string `json:"tree"`
				Rows      int64  `json:"rows"`
				Rewritten int64  `json:"rewritten"`
			}{"progress", m.Tree, m.Rows, m.Rewritten})
		default:
			fmt.Fprintf(p.err, "%s: %s rows so far, %s rewritten\n", m.Tree, humanize.Comma(m.Rows),
				humanize.Comma(m.Rewritten))
		}
		last = time.Now()
	}})
	if asJSON {
		_ = out.Encode(struct {
			Event     string `json:"event"`
			Rewritten int64  `json:"rewritten"`
		}{"summary", rewritten})
	} else {
		fmt.Fprintf(p.out, "%s rows rewritten\n", humanize.Comma(rewritten))
	}
	return errors.Join(err, store.Close())
}
