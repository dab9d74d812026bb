package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/check"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const quarantineHelp = `Shows what verify -repair has set aside in the store in DIR, because it could not be
read, and puts it back or removes it.

` + dirHelp + `
Only list and restore work while it runs. Nothing else may have the store open meanwhile.

  list      prints a line for each: the stored key in hex, where it belongs, its size,
            and why it cannot be read
  export    prints a JSON object a line for each, with key, tree, index, text, error,
            and what was stored under the key, in base64, as stored
  restore   puts rows that can be read now back in their place, with their index
            entries; a row of a tree with indexes needs the program whose tree it is,
            and there datastore.Store.RestoreQuarantined
  drop      removes for good what export has saved, or what nobody needs

Restore and drop take the keys that list prints, or -all. Restore -all passes over
what cannot be read. After restore, verify -repair brings the counts of a peer's
records up to date.

` + keyHelp + `

The exit status is 0 if all was done, 1 if some was not, and 2 if there is no store
that could be opened, or for a faulty command line.`

// quarantine returns the command "quarantine".
func (p program) quarantine(flags *flag.FlagSet) *ffcli.Command {
	key := p.keyFlags(flags)
	all := flags.Bool("all", false, "restore or drop everything")
	return &ffcli.Command{
		Name:       "quarantine",
		ShortUsage: "p2pnode quarantine [flags] list|export|restore|drop [DIR] [KEY…]",
		ShortHelp:  "list, save, put back or remove what a repair has set aside",
		LongHelp:   quarantineHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := positional(flags, args)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return usageError{errors.New("quarantine takes list, export, restore or drop")}
			}
			do, dirs, named := args[0], args[1:], []string(nil)
			if len(dirs) > 0 { // keys are hex, and might be the name of a directory by chance
				if *p.dir != "" || isHex(dirs[0]) && !isDir(dirs[0]) {
					dirs, named = nil, dirs
				} else {
					dirs, named = dirs[:1], dirs[1:]
				}
			}
			return p.runQuarantine(ctx, do, dirs, named, *all, key)
		},
	}
}

func (p program) runQuarantine(
	ctx context.Context, do string, dirs, named []string, all bool, key *keyFlags,
) error {
	changes := do == "restore" || do == "drop"
	switch {
	case !changes && do != "list" && do != "export":
		return wrongWord("command of quarantine", do, []string{"list", "export", "restore", "drop"})
	case !changes && (all || len(named) > 0):
		return usageError{fmt.Errorf("%s takes a directory and no more", do)}
	case changes && all == (len(named) > 0):
		return usageError{fmt.Errorf("%s takes the keys to %s, or -all", do, do)}
	}
	keys := make([][]byte, len(named))
	for i, text := range named {
		var err error
		if keys[i], err = hex.DecodeString(text); err != nil {
			return usageError{fmt.Errorf("the key %q is not hex", text)}
		}
	}
	dir, n, err := p.at(ctx, dirs)
	switch {
	case err != nil:
		return err
	case n != nil && do == "list":
		return p.with(n, nil, func(n *node) error { return p.listQuarantined(ctx, n) })
	case n != nil && do == "restore":
		return p.with(n, nil, func(n *node) error { return p.restoreQuarantined(ctx, n, named) })
	case n != nil:
		return notWhileRunning(n, do+" what is in quarantine")
	}
	secret, err := key.keyAt(ctx, dir)
	if err != nil {
		return err
	}
	store, err := check.Open(ctx, dir, secret, changes)
	if err != nil {
		return unusableError{err}
	}
	switch do {
	case "list":
		err = p.listQuarantine(store.Quarantine(ctx))
	case "export":
		err = p.exportQuarantine(store.Quarantine(ctx))
	case "restore":
		err = p.eachQuarantined(ctx, store, keys, "restored", store.RestoreQuarantined)
	case "drop":
		err = p.eachQuarantined(ctx, store, keys, "dropped", store.DropQuarantined)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return errors.Join(err, store.Close())
}

func (p program) listQuarantine(all iter.Seq2[datastore.Quarantined, error]) error {
	for q, err := range all {
		if err != nil {
			return err
		}
		where := q.Tree
		if q.Index != "" {
			where += "/" + q.Index
		}
		if q.Text != "" {
			where += " " + q.Text
		}
		if where == "" {
			where = "no tree"
		}
		why := "can be restored"
		if q.Err != nil {
			why = q.Err.Error()
		}
		fmt.Fprintf(p.out, "%x  %s, %s: %s\n", q.Key, where, humanize.IBytes(uint64(len(q.Stored))), why)
	}
	return nil
}

func (p program) exportQuarantine(all iter.Seq2[datastore.Quarantined, error]) error {
	out := json.NewEncoder(p.out)
	for q, err := range all {
		if err != nil {
			return err
		}
		err = out.Encode(struct {
			Key    string `json:"key"`
			Tree   string `json:"tree,omitempty"`
			Index  string `json:"index,omitempty"`
			Text   string `json:"text,omitempty"`
			Error  string `json:"error,omitempty"`
			Stored []byte `json:"stored"`
		}{hex.EncodeToString(q.Key), q.Tree, q.Index, q.Text, errorText(q.Err), q.Stored})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachQuarantined calls change for the keys, or for all there are if none is given, but not to
// restore those that cannot be read. It goes on where change fails.
func (p program) eachQuarantined(
	ctx context.Context, store *datastore.Store, keys [][]byte, done string, change func(context.Context, []byte) error,
) error {
	each := func(key []byte) error {
		err := change(ctx, key)
		if err == nil {
			fmt.Fprintf(p.out, "%x  %s\n", key, done)
		} else if ctx.Err() == nil {
			fmt.Fprintln(p.err, "p2pnode:", err)
			err = errDamage
		}
		return err
	}
	var failed error
	if len(keys) > 0 {
		for _, key := range keys {
			if err := each(key); err != nil {
				failed = err
			}
		}
		return failed
	}
	for q, err := range store.Quarantine(ctx) {
		switch {
		case err != nil:
			return err
		case q.Err != nil && done == "restored":
			fmt.Fprintf(p.err, "%x  stays: %v\n", q.Key, q.Err)
			failed = errDamage
		default:
			if err := each(q.Key); err != nil {
				failed = err
			}
		}
	}
	return failed
}

// isHex reports whether a text is the key of something in quarantine.
func isHex(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) > 0
}

// listQuarantined prints what a node that runs has in quarantine.
func (p program) listQuarantined(ctx context.Context, n *node) error {
	for q, err := range n.Quarantine(ctx) {
		if err != nil {
			return err
		}
		why := q.Error
		if why == "" {
			why = "can be restored"
		}
		fmt.Fprintf(p.out, "%s  %s: %s\n", q.ID, table.Printable(strings.TrimSpace(q.Tree+" "+q.Key)), table.Printable(why))
	}
	return nil
}

// restoreQuarantined has a node put back what is named, or everything that can be read.
func (p program) restoreQuarantined(ctx context.Context, n *node, ids []string) error {
	if len(ids) == 0 {
		for q, err := range n.Quarantine(ctx) {
			switch {
			case err != nil:
				return err
			case q.Error == "":
				ids = append(ids, q.ID)
			}
		}
	}
	for _, id := range ids {
		if err := n.RestoreQuarantined(ctx, id); err != nil {
			return err
		}
		fmt.Fprintf(p.out, "%s  restored\n", id)
	}
	return nil
}
