package csvrows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/suggest"
)

// maxReasons bounds how many refused lines are kept with their reasons, as the node does.
const maxReasons = 100

// A Reader reads CSV and gives JSON objects, one a line. It leaves out lines that are no rows, and
// counts them. It is for one goroutine.
type Reader struct {
	csv    *csv.Reader
	fields []shape.Field // of the columns
	buf    bytes.Buffer
	rows   int64
	// lines says where rows stop being on consecutive lines: from a row on, on which line it is.
	lines   []jump
	refused int64
	reasons []api.RefusedLine
}

// jump is a row that is not on the line behind the row before.
type jump struct{ row, line int64 }

// NewReader returns a reader of rows of the tree that a schema file describes. It reads the first line,
// whose names have to be fields of the tree.
func NewReader(r io.Reader, schema []byte) (*Reader, error) {
	fields, err := fieldsOf(schema)
	if err != nil {
		return nil, err
	}
	in := &Reader{csv: csv.NewReader(r)}
	in.csv.ReuseRecord, in.csv.FieldsPerRecord = true, -1
	names, err := in.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the CSV is empty: its first line has the names of the fields")
	}
	if err != nil {
		return nil, err
	}
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.Name
	}
	for i, name := range names {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff") // as spreadsheets write it
		}
		at := slices.Index(known, name)
		switch {
		case at < 0 && suggest.Word(name, known) != "":
			return nil, fmt.Errorf("the column %q is no field: did you mean %s?", name, suggest.Word(name, known))
		case at < 0:
			return nil, fmt.Errorf("the column %q is no field: there are %s", name, strings.Join(known, ", "))
		case slices.ContainsFunc(in.fields, func(f shape.Field) bool { return f.Name == name }):
			return nil, fmt.Errorf("there are two columns %q", name)
		}
		in.fields = append(in.fields, fields[at])
	}
	return in, nil
}

// Read gives the next bytes.
func (r *Reader) Read(b []byte) (int, error) {
	for r.buf.Len() == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	return r.buf.Read(b)
}

// next puts the next row into the buffer, if the next line is one.
func (r *Reader) next() error {
	cells, err := r.csv.Read()
	var fault *csv.ParseError
	switch {
	case errors.As(err, &fault):
		r.refuse(int64(fault.StartLine), fault.Err.Error())
		return nil
	case err != nil:
		return err
	}
	at, _ := r.csv.FieldPos(0)
	if len(cells) != len(r.fields) {
		r.refuse(int64(at), fmt.Sprintf("it has %d cells, and there are %d columns", len(cells), len(r.fields)))
		return nil
	}
	if r.rows++; r.Line(r.rows) != int64(at) {
		r.lines = append(r.lines, jump{r.rows, int64(at)})
	}
	r.buf.Reset()
	r.buf.WriteByte('{')
	for i, f := range r.fields {
		value := member(f.Type, cells[i])
		if value == nil {
			continue
		}
		if r.buf.Len() > 1 {
			r.buf.WriteByte(',')
		}
		name, _ := json.Marshal(f.Name)
		r.buf.Write(name)
		r.buf.WriteByte(':')
		if err := json.Compact(&r.buf, value); err != nil { // a row is one line
			return err
		}
	}
	r.buf.WriteString("}\n")
	return nil
}

func (r *Reader) refuse(line int64, why string) {
	if r.refused++; len(r.reasons) < maxReasons {
		r.reasons = append(r.reasons, api.RefusedLine{Line: line, Error: why})
	}
}

// Line returns the line of the CSV on which a row is. Rows count from 1.
func (r *Reader) Line(row int64) int64 {
	last := jump{1, 2} // behind the names
	if i := sort.Search(len(r.lines), func(i int) bool { return r.lines[i].row > row }); i > 0 {
		last = r.lines[i-1]
	}
	return last.line + row - last.row
}

// Report adds the refused lines to what the node says of the rows that it was sent, and names the lines
// of the CSV in it.
func (r *Reader) Report(done *api.Imported) {
	for i := range done.Reasons {
		done.Reasons[i].Line = r.Line(done.Reasons[i].Line)
	}
	done.Refused += r.refused
	done.Reasons = append(done.Reasons, r.reasons...)
	slices.SortStableFunc(done.Reasons, func(a, b api.RefusedLine) int { return int(a.Line - b.Line) })
	done.Reasons = done.Reasons[:min(len(done.Reasons), maxReasons)]
}
