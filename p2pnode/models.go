package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/client"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/suggest"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const modelsHelp = `Lists the node's models, and says which ones it has. They are schema files in the directory
models of DIR, which p2pnode schema export and models.Tree.Schema write.

  list                  lists the models, or with -peer the trees that another peer has
  add FILE              puts a schema file into the directory. One of the same tree is replaced
                        if FILE is the same or newer, and otherwise FILE is refused
  remove TREE           removes a schema file. The rows stay in the store
  fetch PEER TREE HASH  gets a schema file from a peer, and prints it. HASH is as list -peer
                        prints it. Nothing uses the file until add is given it

A node that runs has the models that it was started with: start it again after add and remove.`

// models returns the command "models".
func (p program) models(flags *flag.FlagSet) *ffcli.Command {
	asJSON := jsonFlag(flags)
	names := flags.Bool("names", false, "list nothing but the names of the models")
	peer := flags.String("peer", "", "list the trees of another `PEER`, which is an id")
	return &ffcli.Command{
		Name:       "models",
		ShortUsage: "p2pnode models [flags] [list | add FILE | remove TREE | fetch PEER TREE HASH]",
		ShortHelp:  "list, add and remove the models of the node",
		LongHelp:   modelsHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := positional(flags, args)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				args = []string{"list"}
			}
			do, args := args[0], args[1:]
			number, ok := map[string]int{"list": 0, "add": 1, "remove": 1, "fetch": 3}[do]
			switch {
			case !ok:
				return wrongWord("command of models", do, []string{"list", "add", "remove", "fetch"})
			case len(args) != number:
				return usageError{fmt.Errorf("models %s takes %s, not %d", do, counted(number, "argument"), len(args))}
			case do != "list" && (*names || *peer != ""):
				return usageError{errors.New("-names and -peer are for models list only")}
			}
			switch do {
			case "add":
				return p.addModel(args[0])
			case "remove":
				return p.removeModel(args[0])
			case "fetch":
				return p.fetchModel(ctx, api.FetchSchema{Peer: args[0], Tree: args[1], Hash: args[2]})
			}
			if *peer != "" {
				return p.listPeer(ctx, *peer, *asJSON)
			}
			return p.listModels(ctx, *names, *asJSON)
		},
	}
}

// knownModels returns the models of the node that runs, or those whose files are in the directory.
func (p program) knownModels(ctx context.Context) (trees []api.Tree, err error) {
	n, err := p.openRunning(ctx)
	if err == nil {
		err = p.with(n, nil, func(n *node) error {
			all, err := n.Trees(ctx)
			for _, t := range all {
				if t.Hosted {
					trees = append(trees, t)
				}
			}
			return err
		})
		return trees, err
	}
	if !errors.Is(err, client.ErrNotRunning) {
		return nil, err
	}
	dir, err := p.directory()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(config.Models(dir), "*.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		s, err := readSchema(name)
		if err != nil {
			return nil, err
		}
		trees = append(trees, treeOf(s))
	}
	return trees, nil
}

// treeOf describes the tree of a schema.
func treeOf(s shape.Schema) api.Tree {
	hash := s.Shape.Hash()
	t := api.Tree{
		Name: s.Tree, Key: s.Key, Codec: s.Codec, Policy: s.Policy, Hosted: true, Hash: fmt.Sprintf("%x", hash),
		KeyFields: s.KeyFields, Clock: s.Clock, Fields: []api.Field{}, Indexes: []api.Index{},
	}
	for _, f := range s.Shape.Fields {
		t.Fields = append(t.Fields, api.Field{Name: f.Name, Type: f.Type.String()})
	}
	for _, ix := range s.Indexes {
		t.Indexes = append(t.Indexes, api.Index{
			Name: ix.Name, Kind: ix.Kind, Key: ix.Key, Fields: ix.Fields, Partial: ix.Partial, Blind: ix.Blind,
		})
	}
	return t
}

func (p program) listModels(ctx context.Context, names, asJSON bool) error {
	trees, err := p.knownModels(ctx)
	switch {
	case err != nil:
		return err
	case names:
		for _, t := range trees {
			fmt.Fprintln(p.out, t.Name)
		}
		return nil
	case asJSON:
		return encodeAll(p.json(), trees)
	}
	if len(trees) == 0 {
		fmt.Fprintln(p.err, "there are no models: p2pnode models add FILE adds one")
	}
	return p.printTrees(trees)
}

// listPeer lists the trees of another peer.
func (p program) listPeer(ctx context.Context, peer string, asJSON bool) error {
	n, err := p.openRunning(ctx)
	return p.with(n, err, func(n *node) error {
		trees, err := n.PeerSchemas(ctx, peer)
		switch {
		case err != nil:
			return err
		case asJSON:
			return encodeAll(p.json(), trees)
		}
		t := table.New(p.tables(), table.Column{Name: "TREE"}, table.Column{Name: "HERE"}, table.Column{Name: "HASH"})
		for _, tree := range trees {
			here := "no"
			if tree.Known {
				here = tree.Relation
			}
			if err := t.Add(tree.Tree, here, tree.Hash); err != nil {
				return err
			}
		}
		return t.Close()
	})
}

// addModel puts a schema file into the directory of models.
func (p program) addModel(file string) error {
	dir, err := p.nodeDirectory()
	if err != nil {
		return err
	}
	var s shape.Schema
	if file == stdio {
		if s, err = shape.ReadSchema(io.LimitReader(p.in, shape.MaxSchemaSize+1)); err != nil {
			err = unusableError{err}
		}
	} else {
		s, err = readSchema(file)
	}
	if err != nil {
		return err
	}
	if err := checkModel(dir, s); err != nil {
		return unusableError{fmt.Errorf("%s: %w", file, err)}
	}
	name := filepath.Join(config.Models(dir), s.Tree+".json")
	switch before, err := readSchema(name); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return err
	default:
		relation, err := before.Compare(s)
		if err != nil {
			return err
		}
		if relation != shape.Same && relation != shape.Newer {
			return statusError{fmt.Errorf("%s is %s than the model %s that the node has, or differs from it: "+
				"p2pnode schema compare %s %s", file, relation, s.Tree, name, file), exitRefused}
		}
	}
	if err := os.MkdirAll(config.Models(dir), 0o700); err != nil {
		return err
	}
	if err := writeFile(name, s.Write); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "added %s\n", s.Tree)
	return nil
}

// nodeDirectory returns the directory of the node, which has to be there.
func (p program) nodeDirectory() (string, error) {
	dir, err := p.directory()
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", unusableError{fmt.Errorf("there is no node in %s: p2pnode init -dir %[1]s makes one", dir)}
	}
	return dir, nil
}

// removeModel removes a schema file from the directory of models.
func (p program) removeModel(tree string) error {
	dir, err := p.nodeDirectory()
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(config.Models(dir), "*.json"))
	if err != nil {
		return err
	}
	var known []string
	for _, name := range files {
		s, err := readSchema(name)
		if err != nil {
			return err
		}
		if s.Tree == tree {
			if err := os.Remove(name); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "removed %s; its rows stay in the store\n", tree)
			return syncDir(config.Models(dir))
		}
		known = append(known, s.Tree)
	}
	return &api.Error{
		Code: api.UnknownTree, Message: fmt.Sprintf("there is no file of a model %q", tree), Known: known,
		Suggestion: suggest.Word(tree, known),
	}
}

// fetchModel prints a schema file of another peer.
func (p program) fetchModel(ctx context.Context, which api.FetchSchema) error {
	n, err := p.openRunning(ctx)
	return p.with(n, err, func(n *node) error {
		schema, err := n.FetchSchema(ctx, which)
		if err != nil {
			return err
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, schema, "", "  "); err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.out, pretty.String())
		return err
	})
}

// checkModel checks that the node can have the model of a schema besides its other models.
func checkModel(dir string, s shape.Schema) error {
	return config.Flags(flag.NewFlagSet("", flag.ContinueOnError), &dir).Accepts(s)
}
