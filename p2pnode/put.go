package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

// maxRow bounds how many bytes of a row are read from the input. The node takes no longer body.
const maxRow = 1 << 20

const putHelp = `Stores a row of MODEL, which is written as a JSON object, or is read from the input if it is
"-". If records of MODEL travel, it then puts the row's record into the DHT, and says how
many peers took it. A field that is left out has its default. Bytes are written
{"/":{"bytes":"…"}} in base64, times as 2026-11-28T10:00:00Z.

Where no peer took the record, the row is stored all the same: publish puts it into the DHT
again, and the node does so by itself in time.`

const publishHelp = `Puts the record of a stored row into the DHT, and says how many peers took it.

` + keysHelp

const retractHelp = `Takes back the record of a row of a signed tree, which belongs to this peer: the peers that
hold it remove it, and so does this one. It does the same for a row of an open tree with
tombstones, whosever it is. Records of other trees cannot be taken back: see rm.

` + keysHelp

const rmHelp = `Removes a row from this peer. The record stays on the peers that have it, and may come back
from them. See retract.

` + keysHelp

// put returns the command "put".
func (p program) put(flags *flag.FlagSet) *ffcli.Command {
	var row api.Put
	key, asJSON := p.keyFlags(flags), jsonFlag(flags)
	flags.BoolVar(&row.Local, "local", false, "keep the row on this peer")
	flags.BoolVar(&row.Insert, "insert", false, "refuse a row whose key is there already")
	flags.Func("expires", "remove a row of a local tree after a `TIME`, as 90m, or at 2026-11-28T10:00:00Z",
		func(text string) error {
			until, err := expiry(text, time.Now())
			row.Expires = &until
			return err
		})
	return &ffcli.Command{
		Name:       "put",
		ShortUsage: "p2pnode put [flags] MODEL JSON|-",
		ShortHelp:  "store a row and publish its record",
		LongHelp:   putHelp + "\n\n" + keyHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "put takes a model and a row", 2, 2)
			if err != nil {
				return err
			}
			if row.Row, err = p.jsonArgument(args[1]); err != nil {
				return err
			}
			n, err := p.open(ctx, key)
			return p.withTree(ctx, n, err, args[0], func(n *node, t api.Tree) error {
				if travels := t.Policy != "local"; travels && !row.Local && !n.running() {
					return statusError{fmt.Errorf("no node runs in %s, and records of %s travel: "+
						"p2pnode run -dir %[1]s starts it, and -local keeps the row here", n.dir, t.Name), exitUnreachable}
				}
				report, err := n.Put(ctx, t.Name, row)
				if err != nil {
					return err
				}
				return p.printReport(t, report, "stored", *asJSON)
			})
		},
	}
}

// expiry reads a length of time from now on, or an instant.
func expiry(text string, now time.Time) (time.Time, error) {
	if after, err := time.ParseDuration(text); err == nil {
		if after <= 0 {
			return now, fmt.Errorf("%v is not in the future", after)
		}
		return now.Add(after), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, fmt.Errorf("%q is neither a length of time, as 90m, nor an instant, as 2026-11-28T10:00:00Z", text)
	}
	return at, nil
}

// jsonArgument returns a row that is an argument, or comes from the input.
func (p program) jsonArgument(argument string) ([]byte, error) {
	row := []byte(argument)
	if argument == stdio {
		var err error
		if row, err = io.ReadAll(io.LimitReader(p.in, maxRow+1)); err != nil {
			return nil, fmt.Errorf("read the row: %w", err)
		}
	}
	switch {
	case len(row) > maxRow:
		return nil, unusableError{fmt.Errorf("the row has more than %d bytes", maxRow)}
	case !json.Valid(row):
		return nil, unusableError{fmt.Errorf(`the row is no JSON, as {"ID":1} is: %.80q`, row)}
	}
	return row, nil
}

// publish returns the command "publish".
func (p program) publish(flags *flag.FlagSet) *ffcli.Command {
	return p.onKey(flags, keyedCommand{
		name: "publish", short: "put the record of a row into the DHT", long: publishHelp, done: "published",
		do: (*node).Publish,
	})
}

// retract returns the command "retract".
func (p program) retract(flags *flag.FlagSet) *ffcli.Command {
	return p.onKey(flags, keyedCommand{
		name: "retract", short: "take a record back", long: retractHelp, done: "retracted", do: (*node).Retract,
	})
}

// rm returns the command "rm".
func (p program) rm(flags *flag.FlagSet) *ffcli.Command {
	return p.onKey(flags, keyedCommand{
		name: "rm", short: "remove a row from this peer", long: rmHelp, done: "removed", offline: true,
		do: (*node).Delete,
	})
}

// keyedCommand is a command that does something with the row of a key.
type keyedCommand struct {
	name, short, long string
	// done says what has been done if no other peer took part.
	done string
	// offline says that it needs no running node.
	offline bool
	do      func(n *node, ctx context.Context, tree, key string) (api.Report, error)
}

func (p program) onKey(flags *flag.FlagSet, c keyedCommand) *ffcli.Command {
	asJSON := jsonFlag(flags)
	var key *keyFlags
	if c.offline {
		key = p.keyFlags(flags)
		c.long += "\n\n" + keyHelp
	}
	return &ffcli.Command{
		Name:       c.name,
		ShortUsage: "p2pnode " + c.name + " [flags] MODEL KEY",
		ShortHelp:  c.short,
		LongHelp:   c.long,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, c.name+" takes a model and a key", 2, 2)
			if err != nil {
				return err
			}
			var n *node
			if c.offline {
				n, err = p.open(ctx, key)
			} else {
				n, err = p.openRunning(ctx)
			}
			return p.withTree(ctx, n, err, args[0], func(n *node, t api.Tree) error {
				report, err := c.do(n, ctx, t.Name, args[1])
				if err != nil {
					return err
				}
				return p.printReport(t, report, c.done, *asJSON)
			})
		},
	}
}

// printReport says what became of a row.
func (p program) printReport(t api.Tree, r api.Report, done string, asJSON bool) error {
	if asJSON {
		if err := p.json().Encode(r); err != nil {
			return err
		}
	} else {
		text := done
		if r.Published {
			text += fmt.Sprintf(", taken by %d of %s", len(r.Took), counted(len(r.Took)+len(r.Failed), "peer"))
		}
		fmt.Fprintf(p.out, "%s %s: %s\n", t.Name, table.Printable(r.Key), text)
		for _, failed := range r.Failed {
			fmt.Fprintf(p.err, "  %s did not take it: %s\n", failed.Peer, table.Printable(failed.Error))
		}
	}
	if r.Published && len(r.Took) == 0 {
		return statusError{errors.New("no peer took the record"), exitNoPeers}
	}
	return nil
}
