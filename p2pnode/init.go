package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/daemon"
)

const initHelp = `Makes the directory of a node, with

  identity.key   the private key that makes the peer
  config         the settings, each with its default, commented out
  control.token  what a program has to present to change something at the node
  models/        the schema files in use: see p2pnode models

What is there already stays as it is, so that it does no harm to call it again.`

// dirVariable is the environment variable that names the directory of the node.
const dirVariable = "P2PNODE_DIR"

// dirFlag adds the flag that names the directory of the node.
func dirFlag(flags *flag.FlagSet) *string {
	return flags.String("dir", defaultDir(),
		"the `directory` of the node (default $"+dirVariable+", or .p2pnode in your home)")
}

// defaultDir returns the directory that a node has unless it is told another.
func defaultDir() string {
	if dir := os.Getenv(dirVariable); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".p2pnode")
}

// init returns the command "init".
func (p program) init(flags *flag.FlagSet) *ffcli.Command {
	dir := dirFlag(flags)
	return &ffcli.Command{
		Name:       "init",
		ShortUsage: "p2pnode init [-dir DIR]",
		ShortHelp:  "make the directory of a node",
		LongHelp:   initHelp,
		FlagSet:    flags,
		Exec: func(_ context.Context, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("init takes no arguments, only -dir: %q", args)}
			}
			if *dir == "" {
				return errNoDir
			}
			id, made, err := daemon.Init(*dir)
			if err != nil {
				return unusableError{err}
			}
			verb := "has"
			if made {
				verb = "now has"
			}
			fmt.Fprintf(p.out, "%s %s the peer %s\nIts settings are in %s.\n", *dir, verb, id, config.File(*dir))
			return nil
		},
	}
}

// errNoDir says that there is no directory for a node.
var errNoDir = usageError{errors.New("name the directory of the node with -dir, or in " + dirVariable)}
