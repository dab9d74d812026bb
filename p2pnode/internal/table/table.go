// Package table prints rows of text in aligned columns. On a terminal lines are cut to its width. In a
// pipe nothing is cut, and there are no colours.
package table

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
)

// Column is a column of a table.
type Column struct {
	// Name is its heading.
	Name string
	// Right aligns it at the right, as numbers are.
	Right bool
	// Rare leaves it out if no row has it, of those whose widths are measured.
	Rare bool
}

// Output is where tables are printed, and what it can show.
type Output struct {
	w io.Writer
	// width is how many cells a line of the terminal has, 0 for no terminal.
	width  int
	colour bool
}

// To returns the output w. It is a terminal if w is one that can be written on anywhere, and has
// colours then, unless the environment has NO_COLOR.
func To(w io.Writer) Output {
	out := Output{w: w}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(f.Fd()) {
		return out
	}
	if width, _, err := term.GetSize(f.Fd()); err == nil {
		out.width = width
	}
	out.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return out
}

// IsTerminal reports whether the output is a terminal.
func (o Output) IsTerminal() bool { return o.width > 0 }

const (
	// measured is how many rows the widths of columns come from. Rows behind them are printed as they
	// come.
	measured = 1000
	// gap is between columns.
	gap = "  "
	// narrowest is how narrow a column may become so that the others fit beside it.
	narrowest = 6
	ellipsis  = "…"
)

// Table prints rows. Close prints what is left.
type Table struct {
	out     Output
	columns []Column
	rows    [][]string // not printed yet
	widths  []int      // nil as long as rows are measured
	hidden  []bool     // the rare columns that no measured row has
}

// New returns a table, which prints a heading and the rows that are added.
func New(out Output, columns ...Column) *Table { return &Table{out: out, columns: columns} }

// Add adds a row, which has a cell for each column. Cells are made printable.
func (t *Table) Add(cells ...string) error {
	row := make([]string, len(t.columns))
	for i, cell := range cells {
		row[i] = Printable(cell)
	}
	if t.widths != nil {
		return t.print(row)
	}
	if t.rows = append(t.rows, row); len(t.rows) == measured {
		return t.flush()
	}
	return nil
}

// Flush prints the rows that have been added. The widths of columns do not change after it.
func (t *Table) Flush() error {
	if t.widths != nil {
		return nil
	}
	return t.flush()
}

// Close prints the rows that are left, and nothing if there has been none.
func (t *Table) Close() error {
	if t.widths != nil || len(t.rows) == 0 {
		return nil
	}
	return t.flush()
}

// flush prints the heading and the rows so far.
func (t *Table) flush() error {
	t.leaveOut()
	t.measure()
	heading := make([]string, len(t.columns))
	for i, column := range t.columns {
		heading[i] = column.Name
	}
	line := t.line(heading)
	if t.out.colour {
		line = lipgloss.NewStyle().Bold(true).Render(line)
	}
	if _, err := fmt.Fprintln(t.out.w, line); err != nil {
		return err
	}
	for _, row := range t.rows {
		if err := t.print(row); err != nil {
			return err
		}
	}
	t.rows = nil
	return nil
}

// leaveOut marks the rare columns that no row has.
func (t *Table) leaveOut() {
	t.hidden = make([]bool, len(t.columns))
	for i, column := range t.columns {
		t.hidden[i] = column.Rare &&
			!slices.ContainsFunc(t.rows, func(row []string) bool { return row[i] != "" })
	}
}

// measure sets the widths of columns. The widest become narrower as long as a line is too long.
func (t *Table) measure() {
	t.widths = make([]int, len(t.columns))
	total := -len(gap)
	for i, column := range t.columns {
		if t.hidden[i] {
			continue
		}
		t.widths[i] = ansi.StringWidth(column.Name)
		for _, row := range t.rows {
			t.widths[i] = max(t.widths[i], ansi.StringWidth(row[i]))
		}
		total += t.widths[i] + len(gap)
	}
	for t.out.width > 0 && total > t.out.width {
		widest := 0
		for i, width := range t.widths {
			if width > t.widths[widest] {
				widest = i
			}
		}
		if t.widths[widest] <= narrowest {
			return
		}
		t.widths[widest]--
		total--
	}
}

func (t *Table) print(row []string) error {
	_, err := fmt.Fprintln(t.out.w, t.line(row))
	return err
}

// line lays a row out.
func (t *Table) line(row []string) string {
	var b strings.Builder
	for i, cell := range row {
		if t.hidden[i] {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(gap)
		}
		if t.out.width > 0 {
			cell = ansi.Truncate(cell, t.widths[i], ellipsis)
		}
		space := strings.Repeat(" ", max(0, t.widths[i]-ansi.StringWidth(cell)))
		if t.columns[i].Right {
			b.WriteString(space + cell)
		} else {
			b.WriteString(cell + space)
		}
	}
	line := strings.TrimRight(b.String(), " ")
	if t.out.width > 0 { // many columns
		line = ansi.Truncate(line, t.out.width, ellipsis)
	}
	return line
}
