package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/client"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const keysHelp = `Keys are written as in the rows: 42, sku-00, 2026-11-28T10:00:00Z, and with commas between the
parts of a composite key. A MODEL is the name of a tree, member, or club.member if several
definitions have one of that name.`

const whereHelp = `-where takes one comparison, FIELD OP VALUE, and may be repeated: a row has to meet all. OP
is =, !=, <, <=, >, >=, ^= (begins with) or ~ (contains); a field of a field is written with
a dot. -order takes a field, or -FIELD for the highest first.`

const getHelp = `Prints the row of MODEL with KEY, and what the node knows about it: whether it is published
or was received, when it expires, and who has signed it. It asks no other peer: see resolve.

` + keysHelp

const findHelp = `Prints the rows of MODEL that INDEX finds: those with KEY; those with keys -from on and
below -to; or those whose keys begin with -prefix. Without any of these it prints all, in
the order of the index. It asks no other peer: it finds what this node holds.

` + keysHelp + `

` + whereHelp + `

-json prints the rows as they are in the control interface, with key, index, value and expires.`

const lsHelp = `Prints the rows of MODEL in the order of their keys: all, or those with KEY, or with keys
-from on and below -to, or those whose keys begin with -prefix. Without MODEL it lists the
trees of the store. It asks no other peer.

` + keysHelp + `

` + whereHelp + `

-json prints the rows as they are in the control interface, with key, value and expires.`

// get returns the command "get".
func (p program) get(flags *flag.FlagSet) *ffcli.Command {
	key, asJSON := p.keyFlags(flags), jsonFlag(flags)
	return &ffcli.Command{
		Name:       "get",
		ShortUsage: "p2pnode get [flags] MODEL KEY",
		ShortHelp:  "print a row by its key",
		LongHelp:   getHelp + "\n\n" + keyHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "get takes a model and a key", 2, 2)
			if err != nil {
				return err
			}
			n, err := p.open(ctx, key)
			return p.withTree(ctx, n, err, args[0], func(n *node, t api.Tree) error {
				detail, err := n.Row(ctx, t.Name, args[1])
				if err != nil {
					return err
				}
				if *asJSON {
					return p.json().Encode(detail)
				}
				return p.printDetail(t, detail)
			})
		},
	}
}

// find returns the command "find".
func (p program) find(flags *flag.FlagSet) *ffcli.Command {
	key, asJSON, query := p.keyFlags(flags), jsonFlag(flags), queryFlags(flags)
	return &ffcli.Command{
		Name:       "find",
		ShortUsage: "p2pnode find [flags] MODEL INDEX [KEY]",
		ShortHelp:  "print rows by an index",
		LongHelp:   findHelp + "\n\n" + keyHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "find takes a model, an index and perhaps a key", 2, 3)
			if err != nil {
				return err
			}
			q, err := query.query(args[2:])
			if err != nil {
				return err
			}
			n, err := p.open(ctx, key)
			return p.withTree(ctx, n, err, args[0], func(n *node, t api.Tree) error {
				if err := index(t, args[1]); err != nil {
					return err
				}
				return p.printRows(t, args[1], n.Find(ctx, t.Name, args[1], q), *asJSON)
			})
		},
	}
}

// ls returns the command "ls".
func (p program) ls(flags *flag.FlagSet) *ffcli.Command {
	key, asJSON, query := p.keyFlags(flags), jsonFlag(flags), queryFlags(flags)
	return &ffcli.Command{
		Name:       "ls",
		ShortUsage: "p2pnode ls [flags] [MODEL [KEY]]",
		ShortHelp:  "print rows by their keys, or list the trees",
		LongHelp:   lsHelp + "\n\n" + keyHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "ls takes a model, and perhaps a key", 0, 2)
			if err != nil {
				return err
			}
			var q client.Query
			if len(args) > 0 {
				if q, err = query.query(args[1:]); err != nil {
					return err
				}
			}
			n, err := p.open(ctx, key)
			return p.with(n, err, func(n *node) error {
				if len(args) == 0 {
					return p.listTrees(ctx, n, *asJSON)
				}
				t, err := n.tree(ctx, args[0])
				if err != nil {
					return err
				}
				return p.printRows(t, "", n.Rows(ctx, t.Name, q), *asJSON)
			})
		},
	}
}

// arguments returns the arguments that are not flags, which have to be from least to most.
func arguments(flags *flag.FlagSet, args []string, takes string, least, most int) ([]string, error) {
	args, err := positional(flags, args)
	switch {
	case err != nil:
		return nil, err
	case most == 0 && len(args) > 0:
		return nil, usageError{fmt.Errorf("%s: %q", takes, args)}
	case len(args) < least, len(args) > most:
		return nil, usageError{fmt.Errorf("%s, not %s", takes, counted(len(args), "argument"))}
	}
	return args, nil
}

// counted returns a number and what it counts.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// queryArgs are the flags of a query.
type queryArgs struct {
	client.Query
	flags *flag.FlagSet
}

// queryFlags adds the flags of a query.
func queryFlags(flags *flag.FlagSet) *queryArgs {
	q := &queryArgs{flags: flags}
	text := func(into **string, name, usage string) {
		flags.Func(name, usage, func(value string) error {
			*into = &value
			return nil
		})
	}
	text(&q.From, "from", "rows with this `KEY` and higher ones")
	text(&q.To, "to", "rows with keys below this `KEY`")
	text(&q.Prefix, "prefix", "rows whose keys begin with `TEXT`")
	flags.BoolVar(&q.Reverse, "reverse", false, "the highest key first")
	flags.Func("where", "rows that meet a `CONDITION`, as 'Votes >= 5'; may be repeated", func(condition string) error {
		q.Where = append(q.Where, condition)
		return nil
	})
	flags.StringVar(&q.Order, "order", "", "sort by a `FIELD`, or by -FIELD")
	flags.IntVar(&q.Limit, "limit", 0, "print at most `N` rows (default all)")
	return q
}

// query returns the query of the flags and of a key, if one is given.
func (q *queryArgs) query(key []string) (client.Query, error) {
	if len(key) > 0 {
		q.Key = &key[0]
	}
	given := 0
	for _, set := range []bool{q.Key != nil, q.From != nil || q.To != nil, q.Prefix != nil} {
		if set {
			given++
		}
	}
	limited := false
	q.flags.Visit(func(f *flag.Flag) { limited = limited || f.Name == "limit" })
	switch {
	case given > 1:
		return q.Query, usageError{errors.New("give one of a key, -from and -to, and -prefix")}
	case limited && q.Limit < 1:
		return q.Query, usageError{fmt.Errorf("-limit is %d: it is at least 1", q.Limit)}
	}
	return q.Query, nil
}

// listTrees prints the trees of the store.
func (p program) listTrees(ctx context.Context, n *node, asJSON bool) error {
	trees, err := n.Trees(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return encodeAll(p.json(), trees)
	}
	return p.printTrees(trees)
}

func (p program) printTrees(trees []api.Tree) error {
	t := table.New(p.tables(), table.Column{Name: "TREE"}, table.Column{Name: "KEY"}, table.Column{Name: "POLICY"},
		table.Column{Name: "MODEL"}, table.Column{Name: "INDEXES"})
	for _, tree := range trees {
		var indexes []string
		for _, ix := range tree.Indexes {
			indexes = append(indexes, ix.Name)
		}
		hosted := "no"
		if tree.Hosted {
			hosted = "yes"
		}
		if err := t.Add(tree.Name, tree.Key, tree.Policy, hosted, strings.Join(indexes, " ")); err != nil {
			return err
		}
	}
	return t.Close()
}

// encodeAll prints a list, one JSON object a line.
func encodeAll[T any](e *json.Encoder, all []T) error {
	for _, one := range all {
		if err := e.Encode(one); err != nil {
			return err
		}
	}
	return nil
}

// printRows prints rows of a tree, which an index has found unless its name is empty. Rows that cannot
// be read are an error behind all others.
func (p program) printRows(t api.Tree, index string, rows iter.Seq2[api.Row, error], asJSON bool) error {
	out, unread := p.json(), int64(0)
	columns := newRowColumns(t, index)
	shown := table.New(p.tables(), columns.table...)
	for row, err := range rows {
		if err != nil {
			return errors.Join(shown.Close(), err)
		}
		if row.Error != "" {
			unread++
		}
		if asJSON {
			err = out.Encode(row)
		} else {
			err = shown.Add(columns.cells(row)...)
		}
		if err != nil {
			return err
		}
	}
	if err := shown.Close(); err != nil {
		return err
	}
	if unread > 0 {
		fmt.Fprintf(p.err, "p2pnode: %s cannot be read\n", counted(int(unread), "row"))
		return errDamage
	}
	return nil
}

// rowColumns are the columns of rows of a tree: the key, the fields, and the expiry.
type rowColumns struct {
	table  []table.Column
	fields []string
	// keyed says that the first column is the key, index that the next one is the key by which the
	// index found the row.
	keyed, index bool
}

func newRowColumns(t api.Tree, index string) rowColumns {
	// A key of one field is in that field's column.
	c := rowColumns{keyed: len(t.KeyFields) != 1 || len(t.Fields) == 0}
	if c.keyed {
		c.table = append(c.table, table.Column{Name: "KEY"})
	}
	for _, ix := range t.Indexes {
		c.index = c.index || ix.Name == index && len(ix.Fields) == 0
	}
	if c.index {
		c.table = append(c.table, table.Column{Name: strings.ToUpper(index)})
	}
	fields := t.Fields
	if !c.keyed {
		isKey := func(f api.Field) bool { return f.Name == t.KeyFields[0] }
		i := slices.IndexFunc(fields, isKey)
		if i > 0 {
			fields = slices.Concat(fields[i:i+1], fields[:i], fields[i+1:])
		}
	}
	for _, f := range fields {
		c.table = append(c.table, table.Column{Name: f.Name, Right: isNumber(f.Type)})
		c.fields = append(c.fields, f.Name)
	}
	if len(fields) == 0 {
		c.table = append(c.table, table.Column{Name: "VALUE"})
	}
	c.table = append(c.table, table.Column{Name: "EXPIRES", Rare: true})
	return c
}

func isNumber(kind string) bool {
	return strings.HasPrefix(kind, "uint") || strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "float")
}

// cells returns the cells of a row.
func (c rowColumns) cells(row api.Row) []string {
	var cells []string
	if c.keyed {
		cells = append(cells, row.Key)
	}
	if c.index {
		cells = append(cells, row.Index)
	}
	values := fieldsOf(row.Value)
	switch {
	case row.Error != "":
		if !c.keyed {
			cells = append(cells, row.Key)
		}
		cells = append(cells, row.Error)
		for len(cells) < len(c.table)-1 {
			cells = append(cells, "")
		}
		cells = cells[:len(c.table)-1]
	case len(c.fields) == 0:
		cells = append(cells, string(row.Value))
	}
	if row.Error == "" {
		for _, name := range c.fields {
			cells = append(cells, cell(values[name]))
		}
	}
	if row.Expires != nil {
		cells = append(cells, row.Expires.Local().Format(time.DateTime))
	}
	return cells
}

// fieldsOf returns the fields of a row, nil if it is no map.
func fieldsOf(value json.RawMessage) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(value, &fields) != nil {
		return nil
	}
	return fields
}

// cell returns the text of a value: texts without quotes, bytes in base64, nothing for null, and
// anything else as JSON.
func cell(value json.RawMessage) string {
	if bytes.Equal(value, []byte("null")) {
		return ""
	}
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var bytes struct {
		Slash *struct {
			Bytes *string `json:"bytes"`
		} `json:"/"`
	}
	if json.Unmarshal(value, &bytes) == nil && bytes.Slash != nil && bytes.Slash.Bytes != nil {
		return *bytes.Slash.Bytes
	}
	return string(value)
}

// printFields prints the key and the fields of a row, one a line.
func (p program) printFields(t api.Tree, row api.Row) error {
	pairs := []table.Pair{{Name: "KEY", Value: row.Key}}
	values := fieldsOf(row.Value)
	for _, f := range t.Fields {
		pairs = append(pairs, table.Pair{Name: f.Name, Value: cell(values[f.Name])})
	}
	if len(t.Fields) == 0 {
		pairs = append(pairs, table.Pair{Name: "VALUE", Value: string(row.Value)})
	}
	pairs = append(pairs, table.Pair{Name: "ERROR", Value: row.Error})
	return table.Pairs(p.tables(), pairs...)
}

// printDetail prints everything about a row.
func (p program) printDetail(t api.Tree, d api.Detail) error {
	if err := p.printFields(t, d.Row); err != nil {
		return err
	}
	fmt.Fprintln(p.out)
	state := d.State
	if d.Since != nil {
		state += " since " + d.Since.Local().Format(time.DateTime)
	}
	served := ""
	if d.RecordKey != "" {
		served = "no"
		if d.Served {
			served = "yes"
		}
	}
	about := []table.Pair{
		{Name: "state", Value: state},
		{Name: "record", Value: d.RecordKey},
		{Name: "served", Value: served},
	}
	if d.Expires != nil {
		about = append(about, table.Pair{Name: "expires", Value: d.Expires.Local().Format(time.DateTime)})
	}
	if s := d.Signature; s != nil {
		about = append(about, table.Pair{Name: "signed by", Value: s.Owner},
			table.Pair{Name: "sequence", Value: fmt.Sprint(s.Sequence)},
			table.Pair{Name: "valid until", Value: s.Expires.Local().Format(time.DateTime)})
	}
	if d.Foreign {
		about = append(about, table.Pair{Name: "foreign", Value: "has fields that the model here does not have"})
	}
	if err := table.Pairs(p.tables(), about...); err != nil {
		return err
	}
	if d.Error != "" {
		return errDamage
	}
	return nil
}
