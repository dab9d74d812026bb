package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/client"
)

// The commands on stores take a directory as an argument, which may hold nothing but a store, and are
// about that of the node otherwise.

const dirHelp = `DIR is the directory of a node, or of a store that Badger or bolt has written. Without it
the command is about the node's, which -dir or P2PNODE_DIR names. If the node runs, it does
the work itself.`

// at returns the directory that args name, or the node's, and the node that runs there, nil if none
// does.
func (p program) at(ctx context.Context, args []string) (dir string, n *node, err error) {
	switch {
	case len(args) > 0 && *p.dir != "":
		return "", nil, usageError{errors.New("there are two directories: give it as an argument or with -dir")}
	case len(args) > 0:
		dir = args[0]
	default:
		if dir, err = p.directory(); err != nil {
			return "", nil, err
		}
	}
	c, err := client.Dial(ctx, dir)
	if errors.Is(err, client.ErrNotRunning) {
		return dir, nil, nil
	}
	return dir, &node{c, dir, nil}, err
}

// isDir reports whether there is a directory of this name.
func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// notWhileRunning returns the error of a command that needs the store for itself.
func notWhileRunning(n *node, what string) error {
	return errors.Join(statusError{
		fmt.Errorf("the node in %s runs: stop it to %s", n.dir, what), exitUsage,
	}, n.Close())
}
