package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/check"
)

const schemaHelp = `Writes and compares schemas: files that say in JSON what a tree is, for other programs
and peers. It needs none of the Go types.

  export    prints the schema of a tree of the store in DIR
  compare   says how the second schema relates to the first: "same"; "newer" if it
            has all that the first one has, and more; "older" if the first one is
            newer; or "diverged". Each is a FILE that export has written, or
            models.Tree.Schema; or DIR TREE, a tree of a store

` + dirHelp + `
Nothing else may have the store open meanwhile.

The exit status is 0 whatever compare says; 1 if the schemas are of two trees or the
store is damaged; and 2 if there is no such store, tree or file, if a file is no
schema, or for a faulty command line.`

// schema returns the command "schema".
func (p program) schema(flags *flag.FlagSet) *ffcli.Command {
	return &ffcli.Command{
		Name:       "schema",
		ShortUsage: "p2pnode schema [flags] export [DIR] TREE | compare FILE|DIR TREE FILE|DIR TREE",
		ShortHelp:  "write what a tree is to a file, and compare such files",
		LongHelp:   schemaHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := positional(flags, args)
			switch {
			case err != nil:
				return err
			case (len(args) == 2 || len(args) == 3) && args[0] == "export":
				return p.exportSchema(ctx, args[1:len(args)-1], args[len(args)-1])
			case len(args) >= 3 && args[0] == "compare":
				return p.compareSchemas(ctx, args[1:])
			}
			return usageError{errors.New("schema takes export, a directory and a tree, or compare and two schemas")}
		},
	}
}

// exportSchema prints the schema of a tree of the store that dirs names, or of the node's.
func (p program) exportSchema(ctx context.Context, dirs []string, tree string) error {
	dir, n, err := p.at(ctx, dirs)
	switch {
	case err != nil:
		return err
	case n != nil:
		return p.with(n, nil, func(n *node) error {
			t, err := n.tree(ctx, tree)
			if err != nil {
				return err
			}
			file, err := n.Schema(ctx, t.Name)
			if err != nil {
				return err
			}
			s, err := shape.ReadSchema(bytes.NewReader(file))
			if err != nil {
				return err
			}
			return s.Write(p.out)
		})
	}
	s, err := storedSchema(ctx, dir, tree)
	if err != nil {
		return err
	}
	return s.Write(p.out)
}

func (p program) compareSchemas(ctx context.Context, args []string) error {
	var schemas []shape.Schema
	for len(args) > 0 {
		s, rest, err := namedSchema(ctx, args)
		if err != nil {
			return err
		}
		schemas, args = append(schemas, s), rest
	}
	if len(schemas) != 2 {
		return usageError{fmt.Errorf("compare takes two schemas, not %d", len(schemas))}
	}
	relation, err := schemas[0].Compare(schemas[1])
	if err != nil {
		return err
	}
	fmt.Fprintln(p.out, relation)
	return nil
}

// namedSchema reads the schema that the first arguments name, and returns the others.
func namedSchema(ctx context.Context, args []string) (s shape.Schema, rest []string, err error) {
	info, err := os.Stat(args[0])
	switch {
	case err != nil:
		return s, nil, unusableError{err}
	case !info.IsDir():
		s, err = readSchema(args[0])
		return s, args[1:], err
	case len(args) < 2:
		return s, nil, usageError{fmt.Errorf("%s is a directory: name a tree of its store", args[0])}
	}
	s, err = storedSchema(ctx, args[0], args[1])
	return s, args[2:], err
}

// readSchema reads a schema file.
func readSchema(name string) (s shape.Schema, err error) {
	file, err := os.Open(name)
	if err != nil {
		return s, unusableError{err}
	}
	defer file.Close()
	if s, err = shape.ReadSchema(file); err != nil {
		return s, unusableError{fmt.Errorf("%s: %w", name, err)}
	}
	return s, nil
}

// storedSchema returns the schema of a tree of the store in dir.
func storedSchema(ctx context.Context, dir, tree string) (s shape.Schema, err error) {
	store, err := check.Inspect(ctx, dir, nil)
	if err == nil {
		s, err = store.Schema(ctx, tree)
		err = errors.Join(err, store.Close())
	}
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case err != nil && !errors.Is(err, models.ErrCorrupt):
		err = unusableError{err}
	}
	return s, err
}
