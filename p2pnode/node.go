package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/client"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/daemon"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/suggest"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const (
	dirVariable = "P2PNODE_DIR"
	dirName     = ".p2pnode"
)

// dirFlag adds the flag -dir.
func (p program) dirFlag(flags *flag.FlagSet) {
	// The flag of the program and that of a command set the same: what stands first must not be
	// lost when the second is made.
	flags.Func("dir", "the `DIR` of the node (default $P2PNODE_DIR, or .p2pnode in the home directory)",
		func(dir string) error {
			if dir == "" {
				return errors.New("it is empty")
			}
			*p.dir = dir
			return nil
		})
}

// directory returns the directory of the node that the command is about.
func (p program) directory() (string, error) {
	if *p.dir != "" {
		return *p.dir, nil
	}
	if dir := os.Getenv(dirVariable); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", usageError{fmt.Errorf("there is no home directory: name one with -dir or %s", dirVariable)}
	}
	return filepath.Join(home, dirName), nil
}

// node is the node that a command speaks to.
type node struct {
	*client.Client
	dir string
	// offline is the node if it does not run: this process has its store open, without a network.
	offline *daemon.Daemon
}

// running reports whether the node runs.
func (n *node) running() bool { return n.offline == nil }

// Close ends the connection, or closes the node if it does not run.
func (n *node) Close() error {
	err := n.Client.Close()
	if n.offline != nil {
		err = errors.Join(err, n.offline.Close())
	}
	return err
}

// open returns the node that runs in the directory. If none runs, it opens the store there.
func (p program) open(ctx context.Context, key *keyFlags) (*node, error) {
	dir, err := p.directory()
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(lockWait); ; {
		c, err := client.Dial(ctx, dir)
		if err == nil {
			return &node{c, dir, nil}, nil
		}
		if !errors.Is(err, client.ErrNotRunning) {
			return nil, err
		}
		n, err := p.offline(ctx, dir, key)
		// Another command has it for a moment, or a node that does not listen yet.
		if !errors.Is(err, daemon.ErrInUse) || time.Now().After(deadline) {
			return n, err
		}
		if err := rest(ctx); err != nil {
			return nil, err
		}
	}
}

// rest waits a little for another process.
func rest(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(lockWait / 100):
		return nil
	}
}

// lockWait is how long a command waits for another process that has the directory and does not listen.
const lockWait = 5 * time.Second

// openRunning returns the node that runs in the directory, for a command that needs other peers.
func (p program) openRunning(ctx context.Context) (*node, error) {
	dir, err := p.directory()
	if err != nil {
		return nil, err
	}
	c, err := client.Dial(ctx, dir)
	if err == nil {
		return &node{c, dir, nil}, nil
	}
	if errors.Is(err, client.ErrNotRunning) {
		err = fmt.Errorf("%w, and this needs the network: p2pnode run -dir %s starts it", err, dir)
	}
	return nil, err
}

// with calls do with the node, and closes it.
func (p program) with(n *node, err error, do func(n *node) error) error {
	if err != nil {
		return err
	}
	return errors.Join(do(n), n.Close())
}

// withTree calls do with the node and the tree that is named, and closes the node.
func (p program) withTree(
	ctx context.Context, n *node, err error, name string, do func(n *node, t api.Tree) error,
) error {
	return p.with(n, err, func(n *node) error {
		t, err := n.tree(ctx, name)
		if err != nil {
			return err
		}
		return do(n, t)
	})
}

// tree returns the tree that is named, in full as club.member, or by its own name alone.
func (n *node) tree(ctx context.Context, name string) (api.Tree, error) {
	trees, err := n.Trees(ctx)
	if err != nil {
		return api.Tree{}, err
	}
	var found []api.Tree
	var known []string
	for _, t := range trees {
		if t.Name == name {
			return t, nil
		}
		if _, own, _ := strings.Cut(t.Name, "."); own == name {
			found = append(found, t)
		}
		if t.Hosted {
			known = append(known, t.Name)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		unknown := &api.Error{Code: api.UnknownTree, Message: fmt.Sprintf("there is no tree %q", name), Known: known}
		unknown.Suggestion = suggestTree(name, trees)
		if len(known) == 0 {
			unknown.Message += ", and the node has no models: p2pnode models add FILE adds one"
		}
		return api.Tree{}, unknown
	}
	var names []string
	for _, t := range found {
		names = append(names, t.Name)
	}
	return api.Tree{}, unusableError{fmt.Errorf("%q can be %s: name the tree in full", name, strings.Join(names, " or "))}
}

// suggestTree returns the tree that was probably meant, empty if none is close.
func suggestTree(name string, trees []api.Tree) string {
	var words []string
	full := map[string]string{}
	for _, t := range trees {
		_, own, _ := strings.Cut(t.Name, ".")
		words = append(words, t.Name, own)
		full[t.Name], full[own] = t.Name, t.Name
	}
	return full[suggest.Word(name, words)]
}

// index checks that a tree has an index.
func index(t api.Tree, name string) error {
	known := make([]string, len(t.Indexes))
	for i, ix := range t.Indexes {
		known[i] = ix.Name
	}
	if slices.Contains(known, name) {
		return nil
	}
	unknown := &api.Error{
		Code: api.UnknownIndex, Message: fmt.Sprintf("%s has no index %q", t.Name, name),
		Suggestion: suggest.Word(name, known), Known: known,
	}
	if len(known) == 0 {
		unknown.Message = t.Name + " has no indexes"
	}
	return unknown
}

// jsonFlag adds the flag -json.
func jsonFlag(flags *flag.FlagSet) *bool {
	return flags.Bool("json", false, "print one JSON object a line")
}

// json returns an encoder of one JSON object a line.
func (p program) json() *json.Encoder {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	return e
}

// tables returns where tables are printed.
func (p program) tables() table.Output { return table.To(p.out) }

// offline opens the node in dir without a network.
func (p program) offline(ctx context.Context, dir string, key *keyFlags) (*node, error) {
	if _, err := os.Stat(config.Identity(dir)); err != nil {
		return nil, statusError{fmt.Errorf("there is no node in %s: p2pnode init -dir %[1]s makes one", dir), exitUnreachable}
	}
	cfg, err := loadConfig(dir)
	if err != nil {
		return nil, err
	}
	secret, err := key.keyAt(ctx, dir)
	if err != nil {
		return nil, err
	}
	d, err := daemon.Open(ctx, cfg, daemon.Options{Key: secret})
	switch {
	case errors.Is(err, daemon.ErrInUse): // by a node that has not begun to listen, or another command
		return nil, statusError{err, exitUnreachable}
	case err != nil:
		return nil, unusableError{err}
	}
	return &node{client.Serve(d.Handler(), ""), dir, d}, nil
}
