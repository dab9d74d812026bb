package dynamic

import (
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/internal/dagjson"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// parseText returns the value that people write as text: a number, a boolean, a time or text, as
// shape.Type.ParseText reads it, and a byte string as a key of its codec.
func (n *node) parseText(text string) ([]byte, error) {
	if n = n.inner(); n.typ.Kind != shape.Bytes {
		return n.typ.ParseText(text)
	}
	key, err := n.text.Parse(text)
	if err != nil {
		return nil, err
	}
	data := n.text.AppendLast(nil, key)
	if n.typ.Size != 0 && len(data) != n.typ.Size {
		return nil, fmt.Errorf("there are %d bytes, not %d", len(data), n.typ.Size)
	}
	return append(cbor.AppendHead(nil, cbor.Bytes, uint64(len(data))), data...), nil
}

// appendText appends what parseText reads as the item. Null has no characters. Lists, maps and structs are
// JSON.
func (n *node) appendText(dst, item []byte) ([]byte, error) {
	if item[0] == cbor.Null {
		return dst, nil
	}
	switch n = n.inner(); n.typ.Kind {
	case shape.String, shape.Time:
		return append(dst, textOf(item)...), nil
	case shape.Bytes:
		key, err := n.text.DecodeLast(textOf(item))
		if err != nil {
			return dst, err
		}
		return append(dst, n.text.Format(key)...), nil
	default:
		return dagjson.Append(dst, item)
	}
}

// isScalar reports whether values are written as text, and not as JSON.
func (n *node) isScalar() bool {
	switch n.inner().typ.Kind {
	case shape.List, shape.Map, shape.Struct:
		return false
	default:
		return true
	}
}

// Columns returns the names of the model's fields, in the order of the schema: the columns of a table of
// rows.
func (t *Tree) Columns() []string {
	names := make([]string, len(t.schema.Shape.Fields))
	for i, f := range t.schema.Shape.Fields {
		names[i] = f.Name
	}
	return names
}

// AppendCells appends the row's fields to cells, in the order of Columns, as text for tables and CSV: text
// and times as they are, byte strings as their keys are written (in hex, if they are no other keys), other
// scalars as in JSON, null as nothing, and lists, maps and structs as JSON. An error matches
// models.ErrInvalid: the row is none of the tree.
func (t *Tree) AppendCells(cells []string, r *Row) ([]string, error) {
	if r.of != t.model {
		return cells, t.fail("write", errors.New("the row is none of the tree"))
	}
	for _, name := range t.Columns() {
		f := &t.model.fields[t.model.named(name)]
		text, err := f.node.appendText(nil, f.in(r.value))
		if err != nil {
			return cells, t.fail("write", inField(name, err))
		}
		cells = append(cells, string(text))
	}
	return cells, nil
}

// in returns the field's item in a struct.
func (f *field) in(value []byte) []byte {
	_, left, rest, err := cbor.Head(value)
	for ; left > 0 && err == nil; left-- {
		var key, item []byte
		if key, rest, err = cbor.Cut(rest); err != nil {
			break
		}
		if item, rest, err = cbor.Cut(rest); err == nil && string(key) == f.key {
			return item
		}
	}
	return f.zero
}

// ParseCells reads a row from what AppendCells writes, where columns has the names of the fields that cells
// has the text of. Fields without a column, and empty cells, are left out as by ParseJSON; but an empty cell
// of a field of text is the empty text, and of an optional one null. So the empty text in an optional field
// becomes null, and the zero time the default of its field, if it has one. Errors are those of ParseJSON.
func (t *Tree) ParseCells(columns, cells []string) (Row, error) {
	row, err := t.parseCells(columns, cells)
	if err != nil {
		return Row{}, t.fail("parse", err)
	}
	return row, nil
}

func (t *Tree) parseCells(columns, cells []string) (Row, error) {
	if len(columns) != len(cells) {
		return Row{}, fmt.Errorf("there are %d cells for %d columns", len(cells), len(columns))
	}
	size := 0
	for _, cell := range cells {
		size += len(cell)
	}
	given, seen := make([][]byte, len(t.model.fields)), make([]bool, len(t.model.fields))
	for c, name := range columns {
		i := t.model.named(name)
		switch {
		case i < 0:
			return Row{}, inField(name, t.model.unknown(name))
		case seen[i]:
			return Row{}, inField(name, errors.New("it is there twice"))
		}
		seen[i] = true
		var err error
		if given[i], err = t.model.fields[i].node.parseCell(cells[c], mostFrom(size)); err != nil {
			return Row{}, inField(name, err)
		}
	}
	value := cbor.AppendHead(nil, cbor.Map, uint64(len(given)))
	first, written := len(value), 0
	for i, item := range given {
		f := &t.model.fields[i]
		if item == nil {
			item = f.missing()
		}
		if f.Omit && f.isZero(item) {
			continue
		}
		value = append(append(value, f.key...), item...)
		written++
	}
	return t.row(setHead(value, 0, first, written))
}

// missing returns the value of a field that text leaves out.
func (f *field) missing() []byte {
	if f.Default != nil {
		return f.Default
	}
	return f.zero
}

// parseCell reads a cell. It returns nil for one that is left out. Most is how long the value may get.
func (n *node) parseCell(cell string, most int) ([]byte, error) {
	switch {
	case cell == "" && n.typ.Kind == shape.Optional:
		return []byte{cbor.Null}, nil
	case cell == "" && n.typ.Kind != shape.String:
		return nil, nil
	case n.isScalar():
		return n.parseText(cell)
	}
	p := parser{scanner: scanner{src: []byte(cell)}, most: most}
	err := p.value(n)
	if err == nil {
		err = p.end()
	}
	return p.dst, err
}
