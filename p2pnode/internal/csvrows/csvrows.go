// Package csvrows turns rows that are written as JSON objects into CSV and back.
//
// The first line has the names of the fields. Texts stand in a cell as they are, values of other types
// as JSON. An empty cell of a text is an empty text, any other stands for a field that is left out. In a
// field that may be missing a text that is empty or begins with a quotation mark is written as JSON.
package csvrows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// fieldsOf reads the fields of a schema file.
func fieldsOf(schema []byte) ([]shape.Field, error) {
	s, err := shape.ReadSchema(bytes.NewReader(schema))
	return s.Shape.Fields, err
}

// A Writer writes rows as CSV. It is for one goroutine.
type Writer struct {
	csv    *csv.Writer
	fields []shape.Field
	cells  []string
}

// NewWriter returns a writer of rows of the tree that a schema file describes. It writes the names of
// the fields.
func NewWriter(w io.Writer, schema []byte) (*Writer, error) {
	fields, err := fieldsOf(schema)
	if err != nil {
		return nil, err
	}
	out := &Writer{csv.NewWriter(w), fields, make([]string, len(fields))}
	for i, f := range fields {
		out.cells[i] = f.Name
	}
	return out, out.csv.Write(out.cells)
}

// Write writes a row, which is a JSON object.
func (w *Writer) Write(row []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(row, &values); err != nil {
		return fmt.Errorf("row %.80q: %w", row, err)
	}
	for i, f := range w.fields {
		w.cells[i] = cell(f.Type, values[f.Name])
	}
	return w.csv.Write(w.cells)
}

// Flush writes what is left.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

// isText reports whether values of a type are texts in JSON.
func isText(t shape.Type) bool { return t.Kind == shape.String || t.Kind == shape.Time }

// cell returns the cell of a value.
func cell(t shape.Type, value json.RawMessage) string {
	optional := t.Kind == shape.Optional
	if optional {
		t = *t.Elem
	}
	if len(value) == 0 || string(value) == "null" {
		return ""
	}
	var text string
	if !isText(t) || json.Unmarshal(value, &text) != nil || optional && needsQuotes(text) {
		return string(value)
	}
	return text
}

// needsQuotes reports whether a text of a field that may be missing is written as JSON.
func needsQuotes(text string) bool { return text == "" || strings.HasPrefix(text, `"`) }

// member returns the value of a cell, nil if the field is left out.
func member(t shape.Type, cell string) json.RawMessage {
	optional := t.Kind == shape.Optional
	if optional {
		t = *t.Elem
	}
	if cell == "" && (optional || t.Kind != shape.String) {
		return nil
	}
	if isJSON := json.Valid([]byte(cell)); isJSON && (!isText(t) || optional && needsQuotes(cell)) {
		return json.RawMessage(cell)
	}
	// Anything else that is no JSON is refused by the node, which says how it should be.
	text, _ := json.Marshal(cell) // texts can always be encoded
	return text
}
