package gen

import (
	"fmt"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strconv"
	"strings"
)

func firstElement(p string) string {
	first, _, _ := strings.Cut(p, "/")
	return first
}

func lastElement(p string) string { return path.Base(p) }

// handles writes the variables of the trees, indexes and definitions.
func (w *writer) handles() {
	type definition struct {
		name, handle string
		trees        []string
		pos          token.Pos
	}
	var definitions []*definition
	byName := map[string]*definition{}
	w.p("var (")
	for _, m := range w.models {
		for _, n := range m.trees {
			w.tree(m, n)
			d := byName[n.definition]
			if d == nil {
				d = &definition{name: n.definition, handle: n.definitionHandle, pos: m.pos}
				byName[n.definition] = d
				definitions = append(definitions, d)
			} else if d.handle != n.definitionHandle {
				w.src.faultf(m.pos, "%s: another struct names the variable of definition %s %s; use the same name", m.name,
					d.name, d.handle)
			}
			d.trees = append(d.trees, n.handle)
		}
	}
	for _, d := range definitions {
		w.p("// %s is the definition that holds %s.", d.handle, enumerate(d.trees))
		w.p("%s = %s.NewDefinition(%q, %s)\n", w.declare(d.handle, d.pos), w.modelsPkg(), d.name,
			strings.Join(d.trees, ", "))
	}
	w.p(")\n")
}

// tree writes the variables of one tree and its indexes.
func (w *writer) tree(m *model, n treeName) {
	mp := w.modelsPkg()
	codec, key, expr := w.key(partsOf(m.primary))
	w.p("// %s is the tree %s.%s of %s, with the primary key %s.", n.handle, n.definition, n.tree, m.name,
		fieldNames(m.primary))
	w.p("%s = %s.NewTree(%q, %s, func(m *%s) %s { return %s },", w.declare(n.handle, m.pos), mp, n.tree, codec, m.name,
		key, expr)
	w.body.WriteString(mp + ".WithCodec[" + m.name + "](" + m.codecName() + "{})")
	if m.clock != nil {
		w.body.WriteString(", " + mp + ".WithClock(" + w.clock(m) + ")")
	}
	if m.clock != nil && isSaid(m.clock) {
		w.body.WriteString(fmt.Sprintf(", %s.ClockField[%s](%q)", mp, m.name, m.clock.name))
	}
	if isSaid(m.primary...) {
		w.body.WriteString(",\n" + w.said("KeyFields", m, m.primary))
	}
	if m.policy != "" {
		w.body.WriteString(", " + mp + ".WithPolicy[" + m.name + "](" + mp + "." + m.policy + ")")
	}
	if m.merge != "" {
		w.body.WriteString(", " + mp + ".WithMerge(" + m.merge + ")")
	}
	if m.sequence {
		w.body.WriteString(fmt.Sprintf(", %s.WithSequence(func(m *%s, key %s) { %s = key })", mp, m.name, key, expr))
	}
	w.p(")")
	for _, ix := range m.indexes {
		handle := n.prefix + upperFirst(m.name) + "By" + upperFirst(ix.label)
		if n.prefix == "" {
			handle = like(m.name, handle)
		}
		w.p("// %s %s.", handle, ix.describe(n.handle))
		codec, key, expr := w.key(partsOf(ix.fields))
		body := "return " + expr
		if ix.role == "multi" {
			codec, key, body = w.multiKey(ix.fields)
		}
		make := map[string]string{
			"index": "NewIndex", "unique": "NewUnique", "multi": "NewMulti",
			"blind": "NewBlind", "blindunique": "NewBlindUnique",
		}[ix.role]
		w.p("%s = %s.%s(%s, %q, %s, func(m *%s) %s { %s }%s)",
			w.declare(handle, ix.pos), mp, make, n.handle, ix.name, codec, m.name, key, body, w.options(m, ix))
	}
	w.p("")
}

// options returns the options of an index, each after a comma.
func (w *writer) options(m *model, ix *index) string {
	options := w.where(m, ix)
	if isSaid(ix.fields...) {
		options += ",\n" + w.said("Fields", m, ix.fields)
		if len(ix.optional) > 0 {
			options += ", " + w.said("OptionalFields", m, ix.optional)
		}
	}
	return options
}

// said returns an option that says the names of fields.
func (w *writer) said(option string, m *model, fields []*field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = strconv.Quote(f.name)
	}
	return fmt.Sprintf("%s.%s[%s](%s)", w.modelsPkg(), option, m.name, strings.Join(names, ", "))
}

// isSaid reports whether programs without the Go type can make a key of the fields from their values.
// They cannot if a type has a form of its own, but for a peer.ID, which is encoded as its key is, or a zero
// value of its own.
func isSaid(fields ...*field) bool {
	return !slices.ContainsFunc(fields, func(f *field) bool {
		sh := f.shape
		if sh.isList() {
			sh = sh.elem
		}
		own := sh.kind == kindBinary && !isPeerID(sh.typ) || sh.kind == kindMarshaledText
		return own || sh.kind != kindTime && has(sh.typ, zeroer)
	})
}

// where returns the option that leaves rows out of an optional index.
func (w *writer) where(m *model, ix *index) string {
	var present []string
	for _, f := range ix.optional {
		if f.shape.kind == kindBytes {
			present = append(present, "len(m."+f.path+") > 0")
		} else {
			present = append(present, w.notZero(f.shape.typ, "m."+f.path, true))
		}
	}
	if len(present) == 0 {
		return ""
	}
	return fmt.Sprintf(", %s.Where(func(m *%s) bool { return %s })", w.modelsPkg(), m.name,
		strings.Join(present, " && "))
}

func (ix *index) describe(tree string) string {
	switch ix.role {
	case "unique", "blindunique":
		return "finds the one row of " + tree + " with a given " + fieldNames(ix.fields)
	case "multi":
		list := slices.IndexFunc(ix.fields, func(f *field) bool { return f.shape.isList() })
		text := "finds rows of " + tree + " by each of their " + ix.fields[list].path
		if others := slices.Delete(slices.Clone(ix.fields), list, list+1); len(others) > 0 {
			text += " together with " + fieldNames(others)
		}
		return text
	default:
		return "finds rows of " + tree + " by " + fieldNames(ix.fields)
	}
}

func fieldNames(fields []*field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.path
	}
	return enumerate(names)
}

// enumerate joins words as in an English sentence.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// keyPart is a key, or a part of a composite one, and its field.
type keyPart struct {
	shape *shape
	expr  string
}

// partsOf returns the parts of a key of a model m.
func partsOf(fields []*field) []keyPart {
	parts := make([]keyPart, len(fields))
	for i, f := range fields {
		parts[i] = keyPart{f.shape, "m." + f.path}
	}
	return parts
}

// key returns the codec of a key, its type, and the expression for the key.
func (w *writer) key(parts []keyPart) (codec, key, expr string) {
	codecs, keys, exprs := make([]string, len(parts)), make([]string, len(parts)), make([]string, len(parts))
	for i, part := range parts {
		t := part.shape.typ
		codecs[i], keys[i], exprs[i] = w.keyCodec(t), w.typeName(t), part.expr
		if isSliced(t) {
			keys[i], exprs[i] = "[]byte", part.expr+"[:]"
		}
	}
	if len(parts) == 1 {
		return codecs[0], keys[0], exprs[0]
	}
	mp, composite := w.modelsPkg(), composites[len(parts)]
	return fmt.Sprintf("%s.%sOf(%s)", mp, composite, strings.Join(codecs, ", ")),
		fmt.Sprintf("%s.%s[%s]", mp, composite, strings.Join(keys, ", ")),
		fmt.Sprintf("%s.Make%s(%s)", mp, composite, strings.Join(exprs, ", "))
}

// composites are the key types of package models, by the number of parts.
var composites = map[int]string{2: "Pair", 3: "Triple", 4: "Quad"}

func (w *writer) keyCodec(t types.Type) string {
	k := keyKind(t)
	if k.record {
		return w.pkg(recordPath, "record") + "." + k.plain
	}
	if k.plain != "" {
		return w.modelsPkg() + "." + k.plain
	}
	return w.modelsPkg() + "." + k.of + "[" + w.typeName(t) + "]()"
}

// multiKey is key for a multi index over the elements of its one list. In place of the key it
// returns statements that return all keys.
func (w *writer) multiKey(fields []*field) (codec, keys, body string) {
	parts := partsOf(fields)
	list := slices.IndexFunc(parts, func(p keyPart) bool { return p.shape.isList() })
	all := parts[list]
	parts[list] = keyPart{all.shape.elem, "v"}
	codec, key, expr := w.key(parts)
	switch {
	case len(parts) > 1 || isSliced(all.shape.elem.typ):
		body = fmt.Sprintf("keys := make([]%s, len(%s))\nfor i, v := range %[2]s {\nkeys[i] = %[3]s\n}\nreturn keys",
			key, all.expr, expr)
	case all.shape.kind == kindArray:
		body = "return " + all.expr + "[:]"
	default:
		body = "return " + all.expr
	}
	return codec, "[]" + key, body
}

// clock returns the function that reads a model's clock.
func (w *writer) clock(m *model) string {
	f, expr := m.clock, "m."+m.clock.path
	switch f.shape.kind {
	case kindTime:
		expr = "if " + expr + ".UnixMicro() < 0 {\nreturn 0\n}\nreturn uint64(" + expr + ".UnixMicro())"
	case kindInt:
		expr = "if " + expr + " < 0 {\nreturn 0\n}\nreturn uint64(" + expr + ")"
	default:
		expr = "return " + conversion("uint64", w.typeName(f.shape.typ), expr)
	}
	return fmt.Sprintf("func(m *%s) uint64 { %s }", m.name, expr)
}

// conversion converts an expression of type from to type to, if they differ.
func conversion(to, from, expr string) string {
	if to == from {
		return expr
	}
	if strings.ContainsAny(to, "*[ ") {
		to = "(" + to + ")"
	}
	return to + "(" + expr + ")"
}
