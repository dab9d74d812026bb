package dynamic

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// ParseJSON reads a row of the tree from a JSON object with its fields:
//
//	numbers        exact, also those above 2^53; whole ones where the field is an integer
//	times          text of RFC 3339, in any zone; null is the zero time
//	byte strings   {"/":{"bytes":"AQID"}}, in base 64, as DAG-JSON has them; where a key of the tree is a
//	               peer id or a hash, also text as people write it
//	optional       null, or a value
//	lists, maps    lists and objects
//
// A field that is left out has its default, or else is zero. A field that the model does not have, one
// that is there twice, and a value of another kind are errors that match models.ErrInvalid and name the
// field by its path. In an immutable tree the row gets its key, the hash of its value.
//
// Src is not kept. Its length is for the caller to bound; memory is in proportion to it.
func (t *Tree) ParseJSON(src []byte) (Row, error) {
	p := parser{scanner: scanner{src: src}, most: mostFrom(len(src))}
	err := p.fields(t.model.node)
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return Row{}, t.fail("parse", err)
	}
	row, err := t.row(slices.Clip(p.dst))
	if err != nil {
		return Row{}, t.fail("parse", err)
	}
	return row, nil
}

// parser writes the values that it reads from JSON.
type parser struct {
	scanner
	dst []byte
	// most is how long dst may get.
	most int
}

// value reads a value of a node.
func (p *parser) value(n *node) error {
	switch n.typ.Kind {
	case shape.Optional:
		if p.word("null") {
			p.dst = append(p.dst, cbor.Null)
			return nil
		}
		return p.value(n.elem)
	case shape.Bool:
		switch {
		case p.word("true"):
			p.dst = append(p.dst, cbor.True)
		case p.word("false"):
			p.dst = append(p.dst, cbor.False)
		default:
			return p.misplaced("true or false")
		}
		return nil
	case shape.String:
		return p.string()
	case shape.Time:
		return p.time(n)
	case shape.Bytes:
		return p.bytes(n)
	case shape.List:
		return p.list(n)
	case shape.Map:
		return p.entries(n)
	case shape.Struct:
		return p.fields(n)
	default:
		return p.numeric(n)
	}
}

func (p *parser) numeric(n *node) error {
	if c := p.next(); c != '-' && (c < '0' || c > '9') {
		return p.misplaced("a number of the kind " + string(n.typ.Kind))
	}
	text, whole, err := p.number()
	if err != nil {
		return err
	}
	isFloat := n.typ.Kind == shape.Float32 || n.typ.Kind == shape.Float64
	if !isFloat && !whole {
		return fmt.Errorf("%.40s is not written as a whole number, and the field is %s", text, n.typ.Kind)
	}
	item, err := n.typ.ParseText(text)
	if err != nil {
		return err
	}
	p.dst = append(p.dst, item...)
	return nil
}

// string reads text as a text.
func (p *parser) string() error { return p.run(cbor.Text) }

// run reads text as an item of a major type.
func (p *parser) run(major byte) error {
	start := len(p.dst)
	var err error
	if p.dst, err = p.text(p.dst); err != nil {
		return err
	}
	var buf [9]byte
	p.dst = slices.Insert(p.dst, start, cbor.AppendHead(buf[:0], major, uint64(len(p.dst)-start))...)
	return nil
}

func (p *parser) time(n *node) error {
	if p.word("null") {
		p.dst = append(p.dst, cbor.Null)
		return nil
	}
	if p.next() != '"' {
		return p.misplaced("a time, which is text like 2026-11-28T10:00:00Z, or null")
	}
	text, err := p.text(nil)
	if err != nil {
		return err
	}
	item, err := n.typ.ParseText(string(text))
	if err != nil {
		return err
	}
	p.dst = append(p.dst, item...)
	return nil
}

const byteForm = `a byte string, which is written {"/":{"bytes":"…"}} in base 64`

func (p *parser) bytes(n *node) error {
	if p.next() == '"' && n.text != bytesText {
		text, err := p.text(nil)
		if err != nil {
			return err
		}
		item, err := n.parseText(string(text))
		p.dst = append(p.dst, item...)
		return err
	}
	start := p.at
	misplaced := func() error {
		p.at = start
		return p.misplaced(byteForm)
	}
	for _, name := range []string{`/`, `bytes`} {
		if !p.take('{') {
			return misplaced()
		}
		got, err := p.text(nil)
		if err != nil {
			return err
		}
		if string(got) != name {
			return misplaced()
		}
		if err := p.expect(':'); err != nil {
			return err
		}
	}
	text, err := p.text(nil)
	if err != nil {
		return err
	}
	for range 2 {
		if !p.take('}') {
			return misplaced()
		}
	}
	encoding := base64.RawStdEncoding
	if bytes.HasSuffix(text, []byte("=")) {
		encoding = base64.StdEncoding
	}
	data, err := encoding.Strict().DecodeString(string(text))
	if err != nil || bytes.ContainsAny(text, "\r\n") { // which package base64 skips
		return fmt.Errorf("%.40q is not base 64", text)
	}
	if n.typ.Size != 0 && len(data) != n.typ.Size {
		return fmt.Errorf("there are %d bytes, not %d", len(data), n.typ.Size)
	}
	p.dst = append(cbor.AppendHead(p.dst, cbor.Bytes, uint64(len(data))), data...)
	return nil
}

func (p *parser) list(n *node) error {
	if !p.take('[') {
		return p.misplaced("a list")
	}
	start, elements := len(p.dst), 0
	for more := !p.take(']'); more; elements++ {
		if elements == maxElements {
			return fmt.Errorf("the list has more than %d elements", maxElements)
		}
		if err := p.value(n.elem); err != nil {
			return inElement(elements, err)
		}
		var err error
		if more, err = p.more(']'); err != nil {
			return err
		}
	}
	if n.typ.Size != 0 && elements != n.typ.Size {
		return fmt.Errorf("the list has %d elements, not %d", elements, n.typ.Size)
	}
	var buf [9]byte
	p.dst = slices.Insert(p.dst, start, cbor.AppendHead(buf[:0], cbor.List, uint64(elements))...)
	return nil
}

// more reads the comma behind an element, or the end of a list or an object.
func (p *parser) more(end byte) (bool, error) {
	switch {
	case p.take(','):
		return true, nil
	case p.take(end):
		return false, nil
	default:
		return false, p.misplaced("a comma or " + strconv.QuoteRune(rune(end)))
	}
}

// span is where something lies in dst: its end, and where a value begins behind its key.
type span struct{ start, value, end int }

func (p *parser) entries(n *node) error {
	if !p.take('{') {
		return p.misplaced("an object")
	}
	start := len(p.dst)
	var entries []span
	for more := !p.take('}'); more; {
		if len(entries) == maxElements {
			return fmt.Errorf("the map has more than %d keys", maxElements)
		}
		e := span{start: len(p.dst)}
		if err := p.run(cbor.Text); err != nil {
			return err
		}
		e.value = len(p.dst)
		if err := p.expect(':'); err != nil {
			return err
		}
		if err := p.value(n.elem); err != nil {
			return inField(string(textOf(p.dst[e.start:e.value])), err)
		}
		e.end = len(p.dst)
		entries = append(entries, e)
		var err error
		if more, err = p.more('}'); err != nil {
			return err
		}
	}
	keyOf := func(e span) []byte { return p.dst[e.start:e.value] }
	slices.SortFunc(entries, func(a, b span) int { return bytes.Compare(keyOf(a), keyOf(b)) })
	for i := 1; i < len(entries); i++ {
		if bytes.Equal(keyOf(entries[i-1]), keyOf(entries[i])) {
			return fmt.Errorf("the key %.40q is there twice", textOf(keyOf(entries[i])))
		}
	}
	end := len(p.dst)
	p.dst = cbor.AppendHead(p.dst, cbor.Map, uint64(len(entries)))
	for _, e := range entries {
		p.dst = append(p.dst, p.dst[e.start:e.end]...)
	}
	p.replace(start, end)
	return nil
}

// replace moves what lies behind end to start.
func (p *parser) replace(start, end int) {
	p.dst = p.dst[:start+copy(p.dst[start:], p.dst[end:])]
}

func (p *parser) fields(n *node) error {
	if !p.take('{') {
		return p.misplaced("an object")
	}
	start := len(p.dst)
	given := make([]span, len(n.fields))
	for more := !p.take('}'); more; {
		name, err := p.text(nil)
		if err != nil {
			return err
		}
		i := n.named(string(name))
		switch {
		case i < 0:
			return inField(string(name), n.unknown(string(name)))
		case given[i].end > 0:
			return inField(string(name), errors.New("it is there twice"))
		}
		if err := p.expect(':'); err != nil {
			return err
		}
		given[i].value = len(p.dst)
		if err := p.value(n.fields[i].node); err != nil {
			return inField(string(name), err)
		}
		given[i].end = len(p.dst)
		if more, err = p.more('}'); err != nil {
			return err
		}
	}
	end := len(p.dst)
	p.dst = cbor.AppendHead(p.dst, cbor.Map, uint64(len(n.fields)))
	first, written := len(p.dst), 0
	for i, at := range given {
		f := &n.fields[i]
		item := p.dst[at.value:at.end]
		if at.end == 0 {
			item = f.missing()
		}
		if f.Omit && f.isZero(item) {
			continue
		}
		p.dst = append(append(p.dst, f.key...), item...)
		if written++; len(p.dst) > p.most {
			return errGrows
		}
	}
	p.dst = setHead(p.dst, end, first, written)
	p.replace(start, end)
	return nil
}
