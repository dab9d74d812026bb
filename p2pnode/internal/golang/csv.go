package golang

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
)

// table reads lines of CSV.
type table struct {
	// columns says which field of a package each column holds.
	columns []string
	// All lines are read by one reader: a new one would take some kilobytes each.
	line     bytes.Reader
	buffered *bufio.Reader
	csv      *csv.Reader
}

// newTable reads the header.
func newTable(line []byte) (*table, error) {
	t := &table{}
	t.buffered = bufio.NewReader(&t.line)
	t.csv = csv.NewReader(t.buffered)
	t.csv.FieldsPerRecord = -1 // decode has its own words for it
	columns, err := t.split(line)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, name := range columns {
		switch {
		case fieldOf(new(Package), name) == nil:
			return nil, fmt.Errorf("unknown column %.64q", name)
		case seen[name]:
			return nil, fmt.Errorf("column %q occurs twice", name)
		}
		seen[name] = true
	}
	if !seen["import_path"] {
		return nil, errors.New("no column import_path, the primary key")
	}
	t.columns = columns
	return t, nil
}

func (t *table) decode(line []byte, p *Package) error {
	values, err := t.split(line)
	if err != nil {
		return err
	}
	if len(values) != len(t.columns) {
		return fmt.Errorf("%d CSV fields where the header has %d", len(values), len(t.columns))
	}
	for i, name := range t.columns {
		switch field := fieldOf(p, name).(type) {
		case *string:
			*field = values[i]
		case *uint64:
			if *field, err = strconv.ParseUint(values[i], 10, 64); err != nil {
				return fmt.Errorf("column %q: %.64q is not a whole number from 0 to 2⁶⁴-1", name, values[i])
			}
		}
	}
	return nil
}

// split takes one line apart.
func (t *table) split(line []byte) ([]string, error) {
	t.line.Reset(line)
	t.buffered.Reset(&t.line)
	values, err := t.csv.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		err = parse.Err // its line number would count within this line
	}
	if err != nil {
		return nil, fmt.Errorf("malformed CSV: %w", err)
	}
	return values, nil
}

// fieldOf returns a pointer to the field with the JSON name, or nil.
func fieldOf(p *Package, name string) any {
	switch name {
	case "import_path":
		return &p.ImportPath
	case "name":
		return &p.Name
	case "synopsis":
		return &p.Synopsis
	case "module":
		return &p.Module
	case "imports":
		return &p.Imports
	}
	return nil
}
