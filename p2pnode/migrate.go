package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/check"
)

const migrateHelp = `Rewrites the rows of earlier versions of their models in the store in DIR as the newest
version. Programs read such rows without
it, a little slower. It goes by the store's catalog and needs none of the Go types. A
tree whose rows become the newest version by a function stays as it is: only the
program that has the function can migrate it. If it is interrupted, the next run goes on.

` + dirHelp + `
Nothing else may have the store open meanwhile, nor for -dry-run.

` + keyHelp + `
-dry-run needs no key.

-dry-run changes nothing and says what there is to do. With -schema it says what would
happen if a program opened the store whose tree is as in FILE, which "p2pnode schema
export" has written, or models.Tree.Schema: which fields and indexes are new, and what
would be refused. Such files say nothing of fields renamed or given up on purpose and
of functions, so the program itself may be allowed more. -schema can be repeated.

-json prints one JSON object a line. With -dry-run they have "event":"tree" and

  tree, stored, next   its name, its newest version, and the one there would be
  rows, older          how many rows it has, and how many are older than next
  versions             how many rows each version has, by its number
  changes              of the model, as text
  build                the indexes that would be filled
  lacks                why migrate would leave it alone, if it would

or "event":"difference" and tree, path, what, remedy. Otherwise they have
"event":"progress" and

  tree, rows, rewritten

The last line is {"event":"summary", …} with older and differences, or with rewritten.

The exit status is 0; 1 if a tree could not be migrated, or would be refused; and 2 if
there is no store that could be migrated, or for a faulty command line or FILE.`

// migrate returns the command "migrate".
func (p program) migrate(flags *flag.FlagSet) *ffcli.Command {
	var files []string
	key := p.keyFlags(flags)
	dry := flags.Bool("dry-run", false, "change nothing, and say what there is to do")
	asJSON := flags.Bool("json", false, "print one JSON object a line")
	flags.Func("schema", "plan for the tree that this `FILE` describes", func(file string) error {
		files = append(files, file)
		return nil
	})
	return &ffcli.Command{
		Name:       "migrate",
		ShortUsage: "p2pnode migrate [flags] [DIR]",
		ShortHelp:  "rewrite the rows of earlier versions in the store in a directory",
		LongHelp:   migrateHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "migrate takes one directory", 0, 1)
			switch {
			case err != nil:
				return err
			case len(files) > 0 && !*dry:
				return usageError{errors.New("-schema is for -dry-run only")}
			}
			dir, n, err := p.at(ctx, args)
			switch {
			case err != nil:
				return err
			case n != nil && *dry:
				return notWhileRunning(n, "plan with its store")
			case n != nil:
				return p.with(n, nil, func(n *node) error { return p.migrateRunning(ctx, n, *asJSON) })
			}
			secret, err := key.keyAt(ctx, dir)
			if err != nil {
				return err
			}
			if !*dry {
				return p.runMigration(ctx, dir, secret, *asJSON)
			}
			var schemas []shape.Schema
			for _, file := range files {
				s, err := readSchema(file)
				if err != nil {
					return err
				}
				schemas = append(schemas, s)
			}
			return p.planMigration(ctx, dir, secret, schemas, *asJSON)
		},
	}
}

func (p program) planMigration(
	ctx context.Context, dir string, key datastore.Key, schemas []shape.Schema, asJSON bool,
) error {
	plans, err := check.Plan(ctx, dir, key, schemas)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return unusableError{err}
	case asJSON:
		p.planJSON(plans)
	default:
		p.planText(plans)
	}
	if len(plans.Differences) > 0 {
		return errDamage
	}
	return nil
}

// planText prints the trees in which there is something to do.
func (p program) planText(plans datastore.Plans) {
	older := int64(0)
	for _, t := range plans.Trees {
		older += t.Older
		switch {
		case t.Stored == 0:
			fmt.Fprintf(p.out, "%s is new\n", t.Tree)
		case t.Older > 0 || t.Next > t.Stored || len(t.Build) > 0:
			fmt.Fprintf(p.out, "%s: %s of %s rows are older than version %d\n", t.Tree, humanize.Comma(t.Older),
				humanize.Comma(t.Rows), t.Next)
		}
		for _, change := range t.Changes {
			fmt.Fprintf(p.out, "  %s\n", change)
		}
		for _, index := range t.Build {
			fmt.Fprintf(p.out, "  index %s is filled from the rows\n", index)
		}
		if t.Lacks != "" {
			fmt.Fprintf(p.out, "  it stays: %s\n", t.Lacks)
		}
	}
	for _, d := range plans.Differences {
		fmt.Fprintf(p.out, "refused: %v\n", d)
	}
	fmt.Fprintf(p.out, "%s rows to rewrite\n", humanize.Comma(older))
}

func (p program) planJSON(plans datastore.Plans) {
	out, older := json.NewEncoder(p.out), int64(0)
	for _, t := range plans.Trees {
		older += t.Older
		_ = out.Encode(struct {
			Event    string           `json:"event"`
			Tree     string           `json:"tree"`
			Stored   uint32           `json:"stored"`
			Next     uint32           `json:"next"`
			Rows     int64            `json:"rows"`
			Older    int64            `json:"older"`
			Versions map[uint32]int64 `json:"versions"`
			Changes  []string         `json:"changes"`
			Build    []string         `json:"build"`
			Lacks    string           `json:"lacks,omitempty"`
		}{"tree", t.Tree, t.Stored, t.Next, t.Rows, t.Older, t.Versions, listed(t.Changes), listed(t.Build), t.Lacks})
	}
	for _, d := range plans.Differences {
		_ = out.Encode(struct {
			Event  string `json:"event"`
			Tree   string `json:"tree"`
			Path   string `json:"path"`
			What   string `json:"what"`
			Remedy string `json:"remedy"`
		}{"difference", d.Tree, d.Path, d.What, d.Remedy})
	}
	_ = out.Encode(struct {
		Event       string `json:"event"`
		Older       int64  `json:"older"`
		Differences int    `json:"differences"`
	}{"summary", older, len(plans.Differences)})
}

func (p program) runMigration(ctx context.Context, dir string, key datastore.Key, asJSON bool) error {
	store, err := check.Open(ctx, dir, key, true)
	if err != nil {
		return unusableError{err}
	}
	out, last, line := json.NewEncoder(p.out), time.Now(), p.line()
	rewritten, err := datastore.Migrate(ctx, store, datastore.MigrateOptions{Progress: func(m datastore.MigrateProgress) {
		switch {
		case !asJSON:
			line.Show("%s: %s rows so far, %s rewritten", m.Tree, humanize.Comma(m.Rows), humanize.Comma(m.Rewritten))
		case time.Since(last) >= progressEvery:
			last = time.Now()
			_ = out.Encode(struct {
				Event     string `json:"event"`
				Tree      string `json:"tree"`
				Rows      int64  `json:"rows"`
				Rewritten int64  `json:"rewritten"`
			}{"progress", m.Tree, m.Rows, m.Rewritten})
		}
	}})
	line.Clear()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
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

// migrateRunning has the node migrate its own store.
func (p program) migrateRunning(ctx context.Context, n *node, asJSON bool) error {
	last, err := p.follow(n.Migrate(ctx), asJSON, func(done api.Progress) string {
		return fmt.Sprintf("%s: %s rows so far", done.Tree, humanize.Comma(done.Rows))
	})
	if err != nil || asJSON {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%s rows rewritten\n", humanize.Comma(last.Rows))
	return err
}

// follow shows how far the work has come that a running node does on its store, and returns the last
// it said. With asJSON that has been printed.
func (p program) follow(
	steps iter.Seq2[api.Progress, error], asJSON bool, text func(api.Progress) string,
) (last api.Progress, err error) {
	line, out := p.line(), p.json()
	defer line.Clear()
	shown := struct {
		Event string `json:"event"`
		api.Progress
	}{Event: "progress"}
	for done, err := range steps {
		if err != nil {
			return last, err
		}
		last = done
		line.Show("%s", text(done))
		if asJSON && !done.Done {
			shown.Progress = done
			_ = out.Encode(shown)
		}
	}
	if !last.Done {
		return last, errors.New("the node has ended the work")
	}
	if asJSON {
		shown.Event, shown.Progress = "summary", last
		err = out.Encode(shown)
	}
	return last, err
}
