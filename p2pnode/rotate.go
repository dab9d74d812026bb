package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/check"
)

const rotateHelp = `Encrypts all rows of the encrypted store in DIR with a new data key, and removes the old
one. It goes by the store's catalog and needs none of the Go types. DIR is the directory of
a store or of a node, and without it that of -dir. Nothing may have the store open
meanwhile, a node neither; a program rotates its open store with Store.Rotate. If it is
interrupted, the next run goes on.

` + keyHelp + `
With -new-key-file or -new-passphrase the store first gets another key, which it has from
then on. If the input is no terminal, the new passphrase is the line after that of
-passphrase.

-json prints one JSON object a line. Those with "event":"progress" have

  rows        rows gone over
  rewritten   how many of them have been encrypted anew

The last line is {"event":"summary", …} with rewritten.

The exit status is 0; 1 if there are rows that cannot be decrypted, which verify -repair
sets aside, or if the rotation did not end; and 2 if there is no store that could be
rotated, if the key is not its own, or for a faulty command line.`

// rotate returns the command "rotate".
func (p program) rotate(flags *flag.FlagSet) *ffcli.Command {
	key, newKey := p.keyFlags(flags), p.newKeyFlags(flags)
	asJSON := flags.Bool("json", false, "print one JSON object a line")
	return &ffcli.Command{
		Name:       "rotate",
		ShortUsage: "p2pnode rotate -key-file FILE | -passphrase [flags] [DIR]",
		ShortHelp:  "encrypt the store in a directory with new keys",
		LongHelp:   rotateHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "rotate takes one directory", 0, 1)
			if err != nil {
				return err
			}
			dir, n, err := p.at(ctx, args)
			switch {
			case err != nil:
				return err
			case n != nil:
				return notWhileRunning(n, "rotate the keys of its store")
			}
			current, err := key.keyAt(ctx, dir)
			if err != nil {
				return err
			}
			next, err := newKey.key(ctx)
			if err != nil {
				return err
			}
			return p.runRotation(ctx, dir, current, next, *asJSON)
		},
	}
}

func (p program) runRotation(ctx context.Context, dir string, key, next datastore.Key, asJSON bool) (err error) {
	store, err := check.Open(ctx, dir, key, true)
	if err != nil {
		return unusableError{err}
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if key == nil { // else it would not have opened
		return unusableError{errors.New("the store is not encrypted")}
	}
	if next != nil {
		if err := store.ChangeKey(ctx, next); err != nil {
			return causeOf(ctx, err)
		}
		fmt.Fprintln(p.err, "the store has the new key")
	}
	out, last, line := json.NewEncoder(p.out), time.Now(), p.line()
	rewritten, err := store.Rotate(ctx, datastore.RotateOptions{Progress: func(r datastore.RotateProgress) {
		switch {
		case !asJSON:
			line.Show("%s rows so far, %s rewritten", humanize.Comma(r.Rows), humanize.Comma(r.Rewritten))
		case time.Since(last) >= progressEvery:
			last = time.Now()
			_ = out.Encode(struct {
				Event     string `json:"event"`
				Rows      int64  `json:"rows"`
				Rewritten int64  `json:"rewritten"`
			}{"progress", r.Rows, r.Rewritten})
		}
	}})
	line.Clear()
	if asJSON {
		_ = out.Encode(struct {
			Event     string `json:"event"`
			Rewritten int64  `json:"rewritten"`
		}{"summary", rewritten})
	} else {
		fmt.Fprintf(p.out, "%s rows rewritten\n", humanize.Comma(rewritten))
	}
	return causeOf(ctx, err)
}

// causeOf returns why ctx has ended, or err if it has not.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
