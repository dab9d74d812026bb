package golang

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
)

// header says which field of a package each column holds.
type header []string

func parseHeader(line []byte) (header, error) {
	columns, err := parseCSV(line)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, name := range columns {
		switch {
		case fieldOf(new(Package), name) == nil:
			return nil, fmt.Errorf("unknown column %q", name)
		case seen[name]:
			return nil, fmt.Errorf("column %q occurs twice", name)
		}
		seen[name] = true
	}
	if !seen["import_path"] {
		return nil, errors.New("no column import_path, the primary key")
	}
	return columns, nil
}

func (h header) decode(line []byte, p *Package) error {
	values, err := parseCSV(line)
	if err != nil {
		return err
	}
	if len(values) != len(h) {
		return fmt.Errorf("%d CSV fields where the header has %d", len(values), len(h))
	}
	for i, name := range h {
		switch field := fieldOf(p, name).(type) {
		case *string:
			*field = values[i]
		case *uint64:
			if *field, err = strconv.ParseUint(values[i], 10, 64); err != nil {
				return fmt.Errorf("column %q: %q is not a whole number from 0 to 2⁶⁴-1", name, values[i])
			}
		}
	}
	return nil
}

// parseCSV splits one line.
func parseCSV(line []byte) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(line))
	values, err := r.Read()
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
