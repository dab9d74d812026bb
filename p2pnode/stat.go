package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/daemon"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const statHelp = `Describes the node: its id and addresses, its store, how many peers it has, and how much it
keeps for the network. With MODEL it counts the rows and index entries of that tree, which
takes time in proportion to them.`

// stat returns the command "stat".
func (p program) stat(flags *flag.FlagSet) *ffcli.Command {
	key, asJSON := p.keyFlags(flags), jsonFlag(flags)
	return &ffcli.Command{
		Name:       "stat",
		ShortUsage: "p2pnode stat [flags] [MODEL]",
		ShortHelp:  "describe the node, or count the rows of a tree",
		LongHelp:   statHelp + "\n\n" + keyHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "stat takes a model or nothing", 0, 1)
			if err != nil {
				return err
			}
			n, err := p.open(ctx, key)
			return p.with(n, err, func(n *node) error {
				if len(args) == 1 {
					return p.statTree(ctx, n, args[0], *asJSON)
				}
				status, err := n.Status(ctx)
				switch {
				case err != nil:
					return err
				case *asJSON:
					return p.json().Encode(status)
				}
				return p.printStatus(n, status)
			})
		},
	}
}

func (p program) printStatus(n *node, s api.Status) error {
	state := "no, the store is open without a network"
	if n.running() {
		state = "since " + s.Started.Local().Format(time.DateTime)
	}
	encrypted := ""
	if s.Encrypted {
		encrypted = ", encrypted"
	}
	usage := func(u api.Usage) string {
		return fmt.Sprintf("%s, %s", humanize.Comma(u.Rows), humanize.IBytes(uint64(max(u.Bytes, 0))))
	}
	pairs := []table.Pair{{Name: "peer", Value: s.Peer}}
	for _, address := range s.Addresses {
		pairs = append(pairs, table.Pair{Name: "address", Value: address})
	}
	pairs = append(
		pairs,
		table.Pair{Name: "running", Value: state},
		table.Pair{Name: "version", Value: s.Version},
		table.Pair{Name: "directory", Value: s.Dir},
		table.Pair{Name: "store", Value: fmt.Sprintf("%s, %s on disk%s", s.Engine, humanize.IBytes(s.DiskBytes), encrypted)},
		table.Pair{Name: "trees", Value: fmt.Sprint(s.Trees)},
		table.Pair{Name: "records", Value: usage(s.Records)},
		table.Pair{Name: "providers", Value: usage(s.Providers)},
	)
	if n.running() {
		pairs = append(
			pairs,
			table.Pair{Name: "protocol", Value: s.Protocol + ", " + s.Mode},
			table.Pair{Name: "peers", Value: fmt.Sprintf("%d connected, %d known", s.Connected, s.Known)},
			table.Pair{Name: "memory", Value: humanize.IBytes(s.MemoryBytes)},
		)
	}
	return table.Pairs(p.tables(), pairs...)
}

func (p program) statTree(ctx context.Context, n *node, name string, asJSON bool) error {
	tree, err := n.tree(ctx, name)
	if err != nil {
		return err
	}
	size, err := n.Size(ctx, tree.Name)
	switch {
	case err != nil:
		return err
	case asJSON:
		return p.json().Encode(size)
	}
	t := table.New(p.tables(), table.Column{Name: "TREE"}, table.Column{Name: "ROWS", Right: true},
		table.Column{Name: "SIZE", Right: true})
	add := func(name string, rows, bytes int64) error {
		return t.Add(name, humanize.Comma(rows), humanize.IBytes(uint64(max(bytes, 0))))
	}
	if err := add(tree.Name, size.Rows, size.Bytes); err != nil {
		return err
	}
	for _, ix := range size.Indexes {
		if err := add(tree.Name+"/"+ix.Name, ix.Entries, ix.Bytes); err != nil {
			return err
		}
	}
	return t.Close()
}

// version returns the command "version".
func (p program) version(flags *flag.FlagSet) *ffcli.Command {
	asJSON := jsonFlag(flags)
	return &ffcli.Command{
		Name:       "version",
		ShortUsage: "p2pnode version [flags]",
		ShortHelp:  "print the version of the program",
		LongHelp:   "Prints the version of this program and of Go, and that of the node if one runs.",
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			if _, err := arguments(flags, args, "version takes no arguments", 0, 0); err != nil {
				return err
			}
			shown := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				Node    string `json:"node,omitempty"`
			}{daemon.Version(), runtime.Version(), ""}
			if n, err := p.openRunning(ctx); err == nil {
				err := p.with(n, nil, func(n *node) error {
					status, err := n.Status(ctx)
					shown.Node = status.Version
					return err
				})
				if err != nil {
					return err
				}
			}
			if *asJSON {
				return p.json().Encode(shown)
			}
			return table.Pairs(p.tables(), table.Pair{Name: "p2pnode", Value: shown.Version},
				table.Pair{Name: "go", Value: strings.TrimPrefix(shown.Go, "go")},
				table.Pair{Name: "node", Value: shown.Node})
		},
	}
}
