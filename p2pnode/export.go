package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/csvrows"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const csvHelp = `CSV has a column for each field, whose names are in the first line. Texts stand as they are,
and all else as in JSON: numbers, true, lists, {"/":{"bytes":"…"}}. An empty cell is an
empty text, or no value where the field is no text.`

const exportHelp = `Prints all rows of MODEL as they are at one moment, one a line: as JSON objects, or as CSV.

` + csvHelp

const importHelp = `Stores the rows of FILE, or of the input if FILE is "-", in MODEL: JSON objects, one a line,
or CSV as export writes it. Rows that cannot be used are named by their line and left out,
the others are stored. The exit status is 5 then. An input that gives nothing for 10 seconds
ends the import with an error, and what came before stays stored.

` + csvHelp

// formatFlag adds the flag -format. The function checks it.
func formatFlag(flags *flag.FlagSet) func() (csv bool, err error) {
	format := flags.String("format", "jsonl", "the `FORMAT`: jsonl or csv")
	return func() (bool, error) {
		if *format != "jsonl" && *format != "csv" {
			return false, wrongWord("format", *format, []string{"jsonl", "csv"})
		}
		return *format == "csv", nil
	}
}

// export returns the command "export".
func (p program) export(flags *flag.FlagSet) *ffcli.Command {
	key, format := p.keyFlags(flags), formatFlag(flags)
	return &ffcli.Command{
		Name:       "export",
		ShortUsage: "p2pnode export [flags] MODEL",
		ShortHelp:  "print all rows of a model as JSON lines or CSV",
		LongHelp:   exportHelp + "\n\n" + keyHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "export takes a model", 1, 1)
			if err != nil {
				return err
			}
			asCSV, err := format()
			if err != nil {
				return err
			}
			n, err := p.open(ctx, key)
			return p.with(n, err, func(n *node) error { return p.exportRows(ctx, n, args[0], asCSV) })
		},
	}
}

func (p program) exportRows(ctx context.Context, n *node, name string, asCSV bool) error {
	tree, err := n.tree(ctx, name)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(p.out)
	write := func(row []byte) error {
		_, err := out.Write(append(row, '\n'))
		return err
	}
	flush := out.Flush
	if asCSV {
		schema, err := n.Schema(ctx, tree.Name)
		if err != nil {
			return err
		}
		w, err := csvrows.NewWriter(out, schema)
		if err != nil {
			return err
		}
		write = w.Write
		flush = func() error { return errors.Join(w.Flush(), out.Flush()) }
	}
	line, rows := p.line(), int64(0)
	defer line.Clear()
	for row, err := range n.Export(ctx, tree.Name) {
		if err == nil {
			err = write(row)
		}
		if err != nil {
			return errors.Join(err, flush())
		}
		rows++
		line.Show("%s rows", humanize.Comma(rows))
	}
	return flush()
}

// line returns a line for progress. There is none if the output is on the same terminal.
func (p program) line() *table.Line {
	if table.To(p.out).IsTerminal() {
		return table.NewLine(io.Discard)
	}
	return table.NewLine(p.err)
}

// importRows returns the command "import".
func (p program) importRows(flags *flag.FlagSet) *ffcli.Command {
	key, asJSON, format := p.keyFlags(flags), jsonFlag(flags), formatFlag(flags)
	publish := flags.Bool("publish", false, "put the record of each row into the DHT")
	return &ffcli.Command{
		Name:       "import",
		ShortUsage: "p2pnode import [flags] MODEL FILE|-",
		ShortHelp:  "store rows of JSON lines or CSV",
		LongHelp:   importHelp + "\n\n" + keyHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "import takes a model and a file", 2, 2)
			if err != nil {
				return err
			}
			asCSV, err := format()
			if err != nil {
				return err
			}
			in, size := p.in, int64(0)
			if args[1] != stdio {
				f, err := os.Open(args[1])
				if err != nil {
					return unusableError{err}
				}
				defer f.Close()
				if info, err := f.Stat(); err == nil {
					size = info.Size()
				}
				in = f
			}
			var n *node
			if *publish {
				n, err = p.openRunning(ctx)
			} else {
				n, err = p.open(ctx, key)
			}
			return p.with(n, err, func(n *node) error {
				return p.runImport(ctx, n, args[0], &countedReader{r: in, size: size, line: table.NewLine(p.err)},
					importing{asCSV, *publish, *asJSON})
			})
		},
	}
}

type importing struct{ asCSV, publish, asJSON bool }

func (p program) runImport(ctx context.Context, n *node, name string, in *countedReader, how importing) error {
	tree, err := n.tree(ctx, name)
	if err != nil {
		return err
	}
	var body io.Reader = in
	var converted *csvrows.Reader
	if how.asCSV {
		schema, err := n.Schema(ctx, tree.Name)
		if err != nil {
			return err
		}
		if converted, err = csvrows.NewReader(in, schema); err != nil {
			return unusableError{err}
		}
		body = converted
	}
	done, err := n.Import(ctx, tree.Name, body, how.publish)
	in.line.Clear()
	if err != nil {
		return err
	}
	if converted != nil {
		converted.Report(&done)
	}
	if how.asJSON {
		err = p.json().Encode(done)
	} else {
		for _, refused := range done.Reasons {
			fmt.Fprintf(p.err, "line %d: %s\n", refused.Line, table.Printable(refused.Error))
		}
		if more := done.Refused - int64(len(done.Reasons)); more > 0 {
			fmt.Fprintf(p.err, "and %s more\n", humanize.Comma(more))
		}
		published := ""
		if how.publish {
			published = fmt.Sprintf(", %s published", humanize.Comma(done.Published))
		}
		_, err = fmt.Fprintf(p.out, "%s stored%s, %s refused\n", counted(int(done.Stored), "row"), published,
			humanize.Comma(done.Refused))
	}
	if err == nil && done.Refused > 0 {
		return errRefused
	}
	return err
}

// countedReader shows how far a file is read.
type countedReader struct {
	r          io.Reader
	read, size int64
	line       *table.Line
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.read += int64(n)
	if c.size > 0 {
		c.line.Show("%s of %s", humanize.IBytes(uint64(c.read)), humanize.IBytes(uint64(c.size)))
	} else {
		c.line.Show("%s", humanize.IBytes(uint64(c.read)))
	}
	return n, err
}
