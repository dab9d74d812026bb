package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/check"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/client"
)

const inspectHelp = `Says what is in the store in DIR: its trees, their fields and indexes, and how many rows
and bytes they have. With TREE, the name of one such as blog.user, it prints the rows of
that, a line for each: the primary key as text, and the row as DAG-JSON, in which byte
strings are {"/":{"bytes":…}} in base64. It needs none of the Go types that wrote the
store and changes nothing, but that a store which was not closed may have to be recovered
to be read.

` + dirHelp + `
Nothing else may have the store open meanwhile.

` + keyHelp + `
Trees can be listed without it.

-json prints one JSON object a line. Those with "event":"tree" have

  name, key, codec, schema, fields, rows, bytes,
  indexes   each with name, kind, key, ready, entries, bytes, and "blind":true for one
            that hides its keys

those with "event":"row"

  key, value, schema, size,
  expires   when the row expires, if it does

Either have "error" in place of what cannot be read. Bytes and sizes are of stored keys
and values. The last line is {"event":"summary", …} with trees, rows, bytes, and

  damaged   how many of the trees or rows listed are damaged or tampered with
  unknown   how many of them a newer version has written
  id        the id of the store
  format    the version of its format
  compatible, readonly, incompatible   the names of its features

A node that runs does not say the schema and size of rows, nor what of the store the
summary has besides trees, rows and bytes.

The exit status is 0, or 1 if there is damage, or 2 if there is no store to look into,
or no such tree in it; or for a faulty command line.`

// inspect returns the command "inspect".
func (p program) inspect(flags *flag.FlagSet) *ffcli.Command {
	key := p.keyFlags(flags)
	asJSON := flags.Bool("json", false, "print one JSON object a line")
	return &ffcli.Command{
		Name:       "inspect",
		ShortUsage: "p2pnode inspect [flags] [DIR] [TREE]",
		ShortHelp:  "list what is in the store in a directory, and print its rows",
		LongHelp:   inspectHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "inspect takes a directory and perhaps a tree", 0, 2)
			if err != nil {
				return err
			}
			dirs, tree := args, []string(nil)
			switch {
			case len(args) == 2:
				dirs, tree = args[:1], args[1:]
			case len(args) == 1 && (*p.dir != "" || isTree(args[0])):
				dirs, tree = nil, args
			}
			dir, n, err := p.at(ctx, dirs)
			if err != nil {
				return err
			}
			var shown sights = textSights{p}
			if *asJSON {
				shown = jsonSights{json.NewEncoder(p.out)}
			}
			if n != nil {
				return p.with(n, nil, func(n *node) error { return inspectRunning(ctx, n, tree, shown) })
			}
			secret, err := key.keyAt(ctx, dir)
			if err != nil {
				return err
			}
			return p.runInspect(ctx, dir, tree, secret, shown)
		},
	}
}

// isTree reports whether an argument is the full name of a tree rather than a directory.
func isTree(argument string) bool {
	return !isDir(argument) && strings.Contains(argument, ".") && !strings.ContainsRune(argument, filepath.Separator)
}

// sights prints the results of inspect.
type sights interface {
	tree(seenTree)
	row(datastore.InspectedRow)
	summary(seen)
}

// seenTree is a tree with its numbers.
type seenTree struct {
	api.Tree
	size api.Size
	// rebuilding says that a program was interrupted while it changed the keys of the tree.
	rebuilding bool
	err        error
}

// seenOf returns the tree that a store's catalog describes.
func seenOf(t datastore.TreeInfo, n datastore.TreeCount) seenTree {
	s := seenTree{
		Tree: api.Tree{Name: t.Name, Key: t.Key, Codec: t.Codec, Schema: t.Schema, Fields: []api.Field{}},
		size: api.Size{Usage: api.Usage{Rows: n.Rows, Bytes: n.Bytes}}, rebuilding: t.Rebuilding, err: t.Err,
	}
	for _, f := range t.Fields {
		s.Fields = append(s.Fields, api.Field{Name: f.Name, Type: f.Type.String()})
	}
	for i, ix := range t.Indexes {
		s.Indexes = append(s.Indexes,
			api.Index{Name: ix.Name, Kind: ix.Kind, Key: ix.Key, Blind: ix.Blind, Ready: ix.Ready})
		s.size.Indexes = append(s.size.Indexes, api.IndexSize(n.Indexes[i]))
	}
	return s
}

// seen sums up the printed trees and rows.
type seen struct {
	trees                int
	rows, bytes, damaged int64
	// newer counts what a newer version has written.
	newer int64
	store datastore.StoreInfo
}

// fault says what keeps a tree or a row from being read.
func fault(err error) string {
	switch {
	case errors.Is(err, models.ErrVersion):
		return "unknown"
	case errors.Is(err, models.ErrTampered):
		return "tampered with"
	}
	return "damaged"
}

// count counts a tree or a row that cannot be read.
func (s *seen) count(err error) {
	if errors.Is(err, models.ErrVersion) {
		s.newer++
	} else {
		s.damaged++
	}
}

// runInspect prints the trees of the store in dir, or the rows of the named tree.
func (p program) runInspect(
	ctx context.Context, dir string, tree []string, key datastore.Key, shown sights,
) (err error) {
	store, err := check.Inspect(ctx, dir, key)
	switch {
	case errors.Is(err, models.ErrCorrupt):
		return err
	case err != nil:
		return unusableError{err}
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var sum seen
	if sum.store, err = store.Store(ctx); err != nil {
		return err
	}
	if len(tree) > 0 && key == nil && check.IsEncrypted(sum.store) {
		return unusableError{datastore.ErrNoKey}
	}
	if len(tree) > 0 {
		err = inspectRows(ctx, store, tree[0], shown, &sum)
	} else {
		err = inspectTrees(ctx, store, shown, &sum)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, models.ErrUnknownTree):
		return unusableError{err}
	}
	shown.summary(sum)
	if err == nil && sum.damaged > 0 {
		return errDamage
	}
	return err
}

// inspectTrees prints all trees, even if the catalog lacks some of their indexes.
func inspectTrees(ctx context.Context, store *datastore.Inspection, shown sights, sum *seen) error {
	trees, catalogErr := store.Trees(ctx)
	for _, t := range trees {
		var n datastore.TreeCount
		if t.Err == nil {
			var err error
			if n, err = store.Count(ctx, t.Name); err != nil {
				return err
			}
		} else {
			sum.count(t.Err)
		}
		sum.trees++
		sum.rows += n.Rows
		sum.bytes += n.Bytes
		for _, ix := range n.Indexes {
			sum.bytes += ix.Bytes
		}
		shown.tree(seenOf(t, n))
	}
	return catalogErr
}

func inspectRows(ctx context.Context, store *datastore.Inspection, tree string, shown sights, sum *seen) error {
	for row, err := range store.Rows(ctx, tree) {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case row.Err != nil:
			sum.count(row.Err)
		}
		sum.trees = 1
		sum.rows++
		sum.bytes += int64(row.Size)
		shown.row(row)
	}
	return nil
}

// inspectRunning prints the trees of a node, or the rows of the named tree.
func inspectRunning(ctx context.Context, n *node, tree []string, shown sights) error {
	var sum seen
	if len(tree) > 0 {
		t, err := n.tree(ctx, tree[0])
		if err != nil {
			return err
		}
		for row, err := range n.Rows(ctx, t.Name, client.Query{}) {
			if err != nil {
				return err
			}
			inspected := datastore.InspectedRow{Key: row.Key, Value: row.Value}
			if row.Expires != nil {
				inspected.Expires = *row.Expires
			}
			if row.Error != "" {
				inspected.Err = errors.New(row.Error)
				sum.count(inspected.Err)
			}
			sum.trees = 1
			sum.rows++
			shown.row(inspected)
		}
	} else {
		trees, err := n.Trees(ctx)
		if err != nil {
			return err
		}
		for _, t := range trees {
			size, err := n.Size(ctx, t.Name)
			if err != nil {
				return err
			}
			sum.trees++
			sum.rows += size.Rows
			sum.bytes += size.Bytes
			for _, ix := range size.Indexes {
				sum.bytes += ix.Bytes
			}
			shown.tree(seenTree{Tree: t, size: size})
		}
	}
	shown.summary(sum)
	if sum.damaged > 0 {
		return errDamage
	}
	return nil
}

// textSights prints text for people.
type textSights struct{ program }

func (s textSights) tree(t seenTree) {
	if t.err != nil {
		fmt.Fprintf(s.out, "%s is %s: %v\n", t.Name, fault(t.err), t.err)
		return
	}
	rebuilding := ""
	if t.rebuilding {
		rebuilding = ", being rebuilt"
	}
	fmt.Fprintf(s.out, "%s by %s, %s: %s rows, %s%s\n", t.Name, t.Key, t.Codec, humanize.Comma(t.size.Rows),
		humanize.IBytes(uint64(t.size.Bytes)), rebuilding)
	for _, f := range t.Fields {
		fmt.Fprintf(s.out, "  field %s: %s\n", f.Name, f.Type)
	}
	for i, ix := range t.Indexes {
		building := ""
		if !ix.Ready {
			building = ", not complete yet"
		}
		blind := ""
		if ix.Blind {
			blind = "blind "
		}
		fmt.Fprintf(s.out, "  %s%s %s by %s: %s entries, %s%s\n", blind, ix.Kind, ix.Name, ix.Key,
			humanize.Comma(t.size.Indexes[i].Entries), humanize.IBytes(uint64(t.size.Indexes[i].Bytes)), building)
	}
}

func (s textSights) row(row datastore.InspectedRow) {
	switch {
	case row.Err != nil:
		fmt.Fprintf(s.out, "%s is %s: %v\n", row.Key, fault(row.Err), row.Err)
	case row.Expires.IsZero():
		fmt.Fprintf(s.out, "%s %s\n", row.Key, row.Value)
	default:
		fmt.Fprintf(s.out, "%s %s until %s\n", row.Key, row.Value, row.Expires.Format(time.RFC3339))
	}
}

// summary prints to another stream than the output, in which every line is a tree or a row.
func (s textSights) summary(sum seen) {
	fmt.Fprintf(s.err, "%s rows, %s", humanize.Comma(sum.rows), humanize.IBytes(uint64(sum.bytes)))
	if sum.damaged > 0 {
		fmt.Fprintf(s.err, "; %s damaged", humanize.Comma(sum.damaged))
	}
	if sum.newer > 0 {
		fmt.Fprintf(s.err, "; %s of a newer version", humanize.Comma(sum.newer))
	}
	f := sum.store.Features
	for _, name := range slices.Concat(f.Compatible, f.ReadOnly, f.Incompatible) {
		fmt.Fprintf(s.err, "; feature %s", name)
	}
	fmt.Fprintln(s.err)
}

// jsonSights prints JSON for programs.
type jsonSights struct{ out *json.Encoder }

type indexJSON struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Key     string `json:"key"`
	Blind   bool   `json:"blind,omitempty"`
	Ready   bool   `json:"ready"`
	Entries int64  `json:"entries"`
	Bytes   int64  `json:"bytes"`
}

func (s jsonSights) tree(t seenTree) {
	shown := struct {
		Event      string      `json:"event"`
		Name       string      `json:"name"`
		Key        string      `json:"key"`
		Codec      string      `json:"codec"`
		Schema     uint32      `json:"schema"`
		Fields     []api.Field `json:"fields"`
		Rows       int64       `json:"rows"`
		Bytes      int64       `json:"bytes"`
		Indexes    []indexJSON `json:"indexes"`
		Rebuilding bool        `json:"rebuilding,omitempty"`
		Error      string      `json:"error,omitempty"`
	}{
		"tree", t.Name, t.Key, t.Codec, t.Schema,
		t.Fields,
		t.size.Rows, t.size.Bytes,
		[]indexJSON{},
		t.rebuilding,
		errorText(t.err),
	}
	for i, ix := range t.Indexes {
		size := t.size.Indexes[i]
		shown.Indexes = append(shown.Indexes,
			indexJSON{ix.Name, ix.Kind, ix.Key, ix.Blind, ix.Ready, size.Entries, size.Bytes})
	}
	_ = s.out.Encode(shown)
}

func (s jsonSights) row(row datastore.InspectedRow) {
	_ = s.out.Encode(struct {
		Event   string          `json:"event"`
		Key     string          `json:"key"`
		Value   json.RawMessage `json:"value,omitempty"`
		Schema  uint32          `json:"schema,omitzero"`
		Expires time.Time       `json:"expires,omitzero"`
		Size    int             `json:"size,omitzero"`
		Error   string          `json:"error,omitempty"`
	}{"row", row.Key, row.Value, row.Schema, row.Expires, row.Size, errorText(row.Err)})
}

func (s jsonSights) summary(sum seen) {
	id := ""
	if sum.store.Format > 0 {
		id = hex.EncodeToString(sum.store.ID[:])
	}
	_ = s.out.Encode(struct {
		Event   string `json:"event"`
		Trees   int    `json:"trees"`
		Rows    int64  `json:"rows"`
		Bytes   int64  `json:"bytes"`
		Damaged int64  `json:"damaged"`
		Unknown int64  `json:"unknown"`

		ID           string   `json:"id,omitzero"`
		Format       uint64   `json:"format,omitzero"`
		Compatible   []string `json:"compatible"`
		ReadOnly     []string `json:"readonly"`
		Incompatible []string `json:"incompatible"`
	}{
		"summary", sum.trees, sum.rows, sum.bytes, sum.damaged, sum.newer, id,
		sum.store.Format, listed(sum.store.Features.Compatible), listed(sum.store.Features.ReadOnly),
		listed(sum.store.Features.Incompatible),
	})
}

// listed returns names as JSON has a list, which is not null if it is empty.
func listed(names []string) []string { return append([]string{}, names...) }

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
