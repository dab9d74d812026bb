package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/daemon"
)

const initHelp = `Makes the directory of a node, with

  identity.key   the private key that makes the peer
  config         the settings, each with its default, commented out
  control.token  what a program has to present to change something at the node
  models/        the schema files in use: see p2pnode models

Files that are there already stay as they are, so that it does no harm to call it again.`

// init returns the command "init".
func (p program) init(flags *flag.FlagSet) *ffcli.Command {
	return &ffcli.Command{
		Name:       "init",
		ShortUsage: "p2pnode init [flags]",
		ShortHelp:  "make the directory of a node",
		LongHelp:   initHelp,
		FlagSet:    flags,
		Exec: func(_ context.Context, args []string) error {
			if _, err := arguments(flags, args, "init takes no arguments, only -dir", 0, 0); err != nil {
				return err
			}
			dir, err := p.directory()
			if err != nil {
				return err
			}
			id, made, err := daemon.Init(dir)
			if err != nil {
				return unusableError{err}
			}
			verb := "has"
			if made {
				verb = "now has"
			}
			fmt.Fprintf(p.out, "%s %s the peer %s\nIts settings are in %s.\n", dir, verb, id, config.File(dir))
			return nil
		},
	}
}
