package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const watchHelp = `Prints each change of the rows of MODEL from now on: when, whether a row was stored, retracted
or deleted, where the change comes from (program, dht, sync, expiry or eviction), its key, and
the row as DAG-JSON. It ends when it is interrupted. If it cannot keep up, so that changes would
be missing, or if the node ends, it ends with an error.

-json prints the events of the control interface, with time, kind, key, value, old, origin and
seq: old is the row before.`

// watch returns the command "watch".
func (p program) watch(flags *flag.FlagSet) *ffcli.Command {
	asJSON := jsonFlag(flags)
	limit := flags.Int("limit", 0, "end after `N` changes (default never)")
	return &ffcli.Command{
		Name:       "watch",
		ShortUsage: "p2pnode watch [flags] MODEL",
		ShortHelp:  "print rows as they change",
		LongHelp:   watchHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "watch takes a model", 1, 1)
			if err != nil {
				return err
			}
			if *limit < 0 {
				return usageError{fmt.Errorf("-limit is %d: it is at least 1", *limit)}
			}
			n, err := p.openRunning(ctx)
			return p.withTree(ctx, n, err, args[0], func(n *node, t api.Tree) error {
				return p.printEvents(ctx, n, t.Name, *limit, *asJSON)
			})
		},
	}
}

func (p program) printEvents(ctx context.Context, n *node, tree string, limit int, asJSON bool) error {
	out, seen := p.json(), 0
	for e, err := range n.Watch(ctx, tree) {
		switch {
		case err != nil:
			return err
		case asJSON:
			err = out.Encode(e)
		default:
			_, err = fmt.Fprintln(p.out, strings.TrimRight(table.Printable(fmt.Sprintf("%s  %s  %s  %s  %s",
				e.Time.Local().Format(time.TimeOnly), e.Kind, e.Origin, e.Key, e.Value)), " "))
		}
		if err != nil {
			return err
		}
		if seen++; seen == limit {
			return nil
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("the node has ended the watch")
}
