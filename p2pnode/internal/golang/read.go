package golang

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Bounds of Read. A line of MaxLineBytes makes a record of less than
// record.DefaultMaxValueBytes. An import path or module of MaxPathBytes makes a key that every
// engine takes.
const (
	MaxLineBytes = 32 << 10
	MaxPathBytes = 1 << 10
	MaxRecords   = 1_000_000
)

// ErrNoRecords is returned for input without a valid line.
var ErrNoRecords = errors.New("no records")

// Read reads packages from JSON lines or from CSV. The extension of name decides: .json, .jsonl
// or .ndjson, or .csv. With another extension, input that begins with "{" is JSON lines and
// anything else CSV.
//
// A JSON line is an object with the fields of Package under their JSON names; import_path is
// required. CSV begins with a header of the same names in any order, with import_path among
// them. Each record has one line: a quoted field cannot go on in the next line. Empty lines are
// skipped.
//
// Read gives a line that it cannot use to refuse, with its number, counted from 1, and the
// reason, and goes on. Such a line is malformed, not UTF-8 or over a bound, or it repeats an
// import path with other content; the first one is kept. The error is ErrNoRecords, an error of
// the reader, or an error of the CSV header.
func Read(r io.Reader, name string, refuse func(line int, reason error)) ([]Package, error) {
	lines := newLineReader(r)
	var decode func([]byte, *Package) error
	var packages []Package
	first := map[string]entry{}
	for {
		line, err := lines.next()
		switch {
		case err == io.EOF:
			if len(packages) == 0 {
				return nil, ErrNoRecords
			}
			return packages, nil
		case errors.Is(err, errLine):
			refuse(lines.number, err)
			continue
		case err != nil:
			return nil, fmt.Errorf("after line %d: %w", lines.number, err)
		}
		if decode == nil {
			if jsonLines(name, line) {
				decode = decodeJSON
			} else {
				table, err := newTable(line)
				if err != nil {
					return nil, fmt.Errorf("line %d, the CSV header: %w", lines.number, err)
				}
				decode = table.decode
				continue
			}
		}
		var p Package
		if err := decode(line, &p); err != nil {
			refuse(lines.number, err)
			continue
		}
		if err := check(&p); err != nil {
			refuse(lines.number, err)
			continue
		}
		if earlier, ok := first[p.ImportPath]; ok {
			if packages[earlier.index] != p {
				refuse(lines.number,
					fmt.Errorf("line %d has import_path %q too, with other content", earlier.line, p.ImportPath))
			}
			continue
		}
		if len(packages) == MaxRecords {
			return nil, fmt.Errorf("line %d: more than %d records", lines.number, MaxRecords)
		}
		first[p.ImportPath] = entry{index: len(packages), line: lines.number}
		packages = append(packages, p)
	}
}

// entry is a record and its line number.
type entry struct{ index, line int }

// jsonLines reports whether the input is JSON lines, by its name or else by its first line.
func jsonLines(name string, line []byte) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json", ".jsonl", ".ndjson":
		return true
	case ".csv":
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("{"))
}

func check(p *Package) error {
	switch {
	case p.ImportPath == "":
		return errors.New("import_path, the primary key, is missing")
	case len(p.ImportPath) > MaxPathBytes:
		return fmt.Errorf("import_path has %d bytes, %d are allowed", len(p.ImportPath), MaxPathBytes)
	case len(p.Module) > MaxPathBytes:
		return fmt.Errorf("module has %d bytes, %d are allowed", len(p.Module), MaxPathBytes)
	}
	return nil
}

// errLine marks errors of a single line.
var errLine = errors.New("line")

// lineReader splits input into lines, in bounded memory.
type lineReader struct {
	r      *bufio.Reader
	number int
}

func newLineReader(r io.Reader) *lineReader {
	// One byte more for the line feed and one for a carriage return.
	return &lineReader{r: bufio.NewReaderSize(r, MaxLineBytes+2)}
}

// next returns the next line that is not empty, without its end. The line is valid until the
// following call. An error that matches errLine concerns this line only.
func (l *lineReader) next() ([]byte, error) {
	for {
		line, err := l.r.ReadSlice('\n')
		if len(line) == 0 && err != nil {
			return nil, err
		}
		l.number++
		if errors.Is(err, bufio.ErrBufferFull) {
			if err := l.skip(); err != nil {
				return nil, err
			}
			return nil, fmt.Errorf("the %w has more than %d bytes", errLine, MaxLineBytes)
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if l.number == 1 {
			line = bytes.TrimPrefix(line, []byte("\uFEFF")) // a byte order mark
		}
		switch {
		case len(line) > MaxLineBytes:
			return nil, fmt.Errorf("the %w has more than %d bytes", errLine, MaxLineBytes)
		case !utf8.Valid(line):
			return nil, fmt.Errorf("the %w is not UTF-8", errLine)
		case len(bytes.TrimSpace(line)) > 0:
			return line, nil
		}
	}
}

// skip reads up to the end of the line.
func (l *lineReader) skip() error {
	for {
		_, err := l.r.ReadSlice('\n')
		switch {
		case err == nil || err == io.EOF:
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}
