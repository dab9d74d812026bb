package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/check"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const verifyHelp = `Examines every row and every index entry of the store in DIR. Each row has to match its
checksum and its key and to decode; every entry has to have its row, and every row
its entries. Of trees that this program does not know, it goes by the store's
catalog: there it can count the entries that rows lack, but neither tell which nor
add them, as datastore.Repair can in the program whose trees they are.

` + dirHelp + `
Nothing else may have the store open meanwhile.

With -repair, for which the node must not run, entries without a row are removed, missing
ones added, and what cannot be read is set aside within the store. No row is deleted.
Without it nothing is changed, but that a store which was not closed may have to be
recovered to be read. Where the engine's own files are damaged, bolt's list of free pages
for example, nothing is repaired: backup and restore carry what can be read to a sound
store.

` + keyHelp + `
Rows that somebody without the key has changed are damaged.

-json prints one JSON object a line, the last of which is

  {"event":"summary", …}
    rows      rows examined
    entries   index entries examined
    bad_rows  rows that are damaged
    orphans   index entries that are damaged or have no row
    missing   index entries that rows should have and do not
    repaired  how many of these three have been mended
    unknown   rows and keys of a newer version, which are left alone

Where a node runs, the lines have "event", rows, and in the last one damage, a list.
A store that is too damaged to be read to the end has a line with "event":"error"
before that.

The exit status is 0 if the store is clean, or is so now that it has been repaired;
1 if damage was found, or is left after the repair; and 2 if there is no store that
could be examined: none in DIR, one in use, one that a newer version has written; or
for a faulty command line.`

// verify returns the command "verify".
func (p program) verify(flags *flag.FlagSet) *ffcli.Command {
	var repair, asJSON bool
	key := p.keyFlags(flags)
	flags.BoolVar(&repair, "repair", false, "repair as much as possible")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return &ffcli.Command{
		Name:       "verify",
		ShortUsage: "p2pnode verify [flags] [DIR]",
		ShortHelp:  "examine the store in a directory, and repair it",
		LongHelp:   verifyHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "verify takes one directory", 0, 1)
			if err != nil {
				return err
			}
			dir, n, err := p.at(ctx, args)
			switch {
			case err != nil:
				return err
			case n != nil && repair:
				return notWhileRunning(n, "repair its store")
			case n != nil:
				return p.with(n, nil, func(n *node) error { return p.verifyRunning(ctx, n, asJSON) })
			}
			secret, err := key.keyAt(ctx, dir)
			if err != nil {
				return err
			}
			if asJSON {
				return p.runVerify(ctx, dir, secret, repair, &jsonFindings{json.NewEncoder(p.out), time.Now()})
			}
			return p.runVerify(ctx, dir, secret, repair, textFindings{p, repair, p.line()})
		},
	}
}

// findings prints the results of verify.
type findings interface {
	progress(datastore.Report)
	damage(datastore.Damage)
	// summary prints the report. After an error the report is incomplete.
	summary(datastore.Report, error)
}

// progressEvery is the time between two reports of progress.
const progressEvery = time.Second

func (p program) runVerify(
	ctx context.Context, dir string, key datastore.Key, repair bool, shown findings,
) error {
	told := 0
	tell := func(r datastore.Report) {
		for _, damage := range r.Damage[told:] {
			shown.damage(damage)
		}
		told = len(r.Damage)
	}
	report, err := check.Run(ctx, dir, key, repair, func(r datastore.Report) {
		tell(r)
		shown.progress(r)
	})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case report.Clean() && !errors.Is(err, models.ErrCorrupt):
		return unusableError{err}
	}
	tell(report)
	shown.summary(report, err)
	if err != nil || report.Left() > 0 {
		return errDamage
	}
	return nil
}

// verifyRunning has the node verify its own store.
func (p program) verifyRunning(ctx context.Context, n *node, asJSON bool) error {
	last, err := p.follow(n.Verify(ctx), asJSON, func(done api.Progress) string {
		return humanize.Comma(done.Rows) + " rows so far"
	})
	if err != nil {
		return err
	}
	if !asJSON {
		for _, damage := range last.Damage {
			fmt.Fprintln(p.out, table.Printable(damage))
		}
		state := "clean"
		if len(last.Damage) > 0 {
			state = "damaged"
		}
		fmt.Fprintf(p.out, "%s rows: %s\n", humanize.Comma(last.Rows), state)
	}
	if len(last.Damage) > 0 {
		return errDamage
	}
	return nil
}

// textFindings prints text for people.
type textFindings struct {
	program
	repair bool
	line   *table.Line
}

func (f textFindings) progress(r datastore.Report) {
	f.line.Show("%s rows and %s entries so far", humanize.Comma(r.Rows), humanize.Comma(r.Entries))
}

func (f textFindings) damage(d datastore.Damage) {
	f.line.Clear()
	fmt.Fprintln(f.out, d)
}

func (f textFindings) summary(r datastore.Report, err error) {
	f.line.Clear()
	if err != nil {
		fmt.Fprintln(f.out, "not examined to the end:", err)
	}
	fmt.Fprintf(f.out, "%s rows, %s index entries: ", humanize.Comma(r.Rows), humanize.Comma(r.Entries))
	newer := ""
	if r.Unknown > 0 {
		newer = fmt.Sprintf("; %s rows and keys of a newer version, which were not examined", humanize.Comma(r.Unknown))
	}
	if r.Clean() && err == nil {
		fmt.Fprintln(f.out, "clean"+newer)
		return
	}
	fmt.Fprintf(f.out, "%s bad rows, %s orphans, %s missing", humanize.Comma(r.BadRows), humanize.Comma(r.Orphans),
		humanize.Comma(r.Missing))
	if r.Engine != nil {
		fmt.Fprint(f.out, ", damaged files of the engine")
	}
	if f.repair {
		fmt.Fprintf(f.out, "; %s repaired, %s left", humanize.Comma(r.Repaired), humanize.Comma(r.Left()))
	}
	fmt.Fprintln(f.out, newer)
}

// jsonFindings prints JSON for programs.
type jsonFindings struct {
	out  *json.Encoder
	last time.Time // of the last line of progress
}

// counts are the numbers of a report in JSON.
type counts struct {
	Event    string `json:"event"`
	Rows     int64  `json:"rows"`
	Entries  int64  `json:"entries"`
	BadRows  int64  `json:"bad_rows"`
	Orphans  int64  `json:"orphans"`
	Missing  int64  `json:"missing"`
	Repaired int64  `json:"repaired"`
	Unknown  int64  `json:"unknown"`
}

func countsOf(event string, r datastore.Report) counts {
	return counts{event, r.Rows, r.Entries, r.BadRows, r.Orphans, r.Missing, r.Repaired, r.Unknown}
}

func (f *jsonFindings) progress(r datastore.Report) {
	if now := time.Now(); now.Sub(f.last) >= progressEvery {
		f.last = now
		_ = f.out.Encode(countsOf("progress", r))
	}
}

func (f *jsonFindings) summary(r datastore.Report, err error) {
	if err != nil {
		_ = f.out.Encode(struct {
			Event string `json:"event"`
			Error string `json:"error"`
		}{"error", err.Error()})
	}
	_ = f.out.Encode(countsOf("summary", r))
}

func (f *jsonFindings) damage(d datastore.Damage) {
	_ = f.out.Encode(struct {
		Event  string               `json:"event"`
		Kind   datastore.DamageKind `json:"kind"`
		Tree   string               `json:"tree"`
		Index  string               `json:"index,omitempty"`
		Key    string               `json:"key"`
		Stored string               `json:"stored"`
		Error  string               `json:"error"`
	}{"damage", d.Kind, d.Tree, d.Index, d.Text, hex.EncodeToString(d.Key), d.Err.Error()})
}
