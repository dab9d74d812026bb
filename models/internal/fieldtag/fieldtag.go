// Package fieldtag reads the struct tag netabase, for modelgen and for the codec that finds the
// shape of a model by reflection. So both take and refuse the same tags.
package fieldtag

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Name is the name of the tag.
const Name = "netabase"

// Tag is what a tag says of a field.
type Tag struct {
	// Keys are the keys that it declares.
	Keys []Key
	// Was has earlier names of the field.
	Was []string
	// Default is the text of the value that the field has in rows without it, nil if the tag has
	// none.
	Default *string
}

// Key is one key that a tag declares.
type Key struct {
	Role     string // primary, sequence, index, unique, multi, blind, blindunique or clock
	Name     string // the name of the index, if given
	Part     int    // number in a composite key, or 0
	Optional bool   // rows whose field is zero have no entry
}

// Parse reads a tag.
func Parse(tag string) (Tag, error) {
	t, err := parse(tag)
	if err != nil {
		return Tag{}, fmt.Errorf("tag netabase:%q: %w", tag, err)
	}
	return t, nil
}

func parse(tag string) (t Tag, err error) {
	for more := true; more; {
		var item string
		if item, tag, more, err = next(tag); err != nil {
			return t, err
		}
		word, value, given := strings.Cut(item, "=")
		switch word {
		case "was":
			err = t.addWas(value, given)
		case "default":
			err = t.setDefault(value, given)
		default:
			var k Key
			k, err = parseKey(item)
			t.Keys = append(t.Keys, k)
		}
		if err != nil {
			return t, err
		}
	}
	return t, nil
}

// next cuts the first item from a tag. A semicolon ends it, unless that is in a literal.
func next(tag string) (item, rest string, more bool, err error) {
	trimmed := strings.TrimLeft(tag, " ")
	for _, head := range []string{"was=", "default="} {
		after, found := strings.CutPrefix(trimmed, head)
		if !found || !strings.HasPrefix(after, `"`) {
			continue
		}
		literal, err := strconv.QuotedPrefix(after)
		if err != nil {
			return "", "", false, fmt.Errorf("the literal in %s does not end, or is none of Go's", trimmed)
		}
		left, rest, more := strings.Cut(after[len(literal):], ";")
		if left = strings.TrimSpace(left); left != "" {
			return "", "", false, fmt.Errorf("%q follows the literal in %s%s; end it with a semicolon", left, head, literal)
		}
		return head + literal, rest, more, nil
	}
	item, rest, more = strings.Cut(trimmed, ";")
	return strings.TrimSpace(item), rest, more, nil
}

// text reads the text of an item, which is as it stands or a Go string literal.
func text(value string) (string, error) {
	if !strings.HasPrefix(value, `"`) {
		return value, nil
	}
	return strconv.Unquote(value)
}

func (t *Tag) addWas(value string, given bool) error {
	if strings.Contains(value, ",") && !strings.HasPrefix(value, `"`) {
		return fmt.Errorf("was=%s has a comma; write was= once for each earlier name", value)
	}
	name, err := text(value)
	switch {
	case err != nil:
		return err
	case !given || name == "":
		return errors.New("was needs the field's earlier name, as in was=OldName")
	case !utf8.ValidString(name):
		return fmt.Errorf("was=%q is not UTF-8", name)
	case slices.Contains(t.Was, name):
		return fmt.Errorf("was=%s is there twice", name)
	}
	t.Was = append(t.Was, name)
	return nil
}

func (t *Tag) setDefault(value string, given bool) error {
	switch {
	case !given || value == "":
		return errors.New(`default needs a value, as in default=5; the empty text is default=\"\"`)
	case t.Default != nil:
		return errors.New("default is there twice; keep one")
	}
	value, err := text(value)
	t.Default = &value
	return err
}

func parseKey(item string) (k Key, err error) {
	head, options, _ := strings.Cut(item, ",")
	part, last, both := strings.Cut(options, ",")
	if k.Optional = last == optional || !both && part == optional; k.Optional && !both {
		part = ""
	}
	if both && !k.Optional {
		return k, fmt.Errorf("%q is not known; write the number of a part, or %s", last, optional)
	}
	composite := part != ""
	if composite {
		k.Part, err = strconv.Atoi(part)
		if err != nil || k.Part < 1 || k.Part > maxParts {
			return k, fmt.Errorf("%q is not the number of a part; a composite key has up to %d parts, "+
				"numbered from 1", part, maxParts)
		}
	}
	role, name, named := strings.Cut(head, "=")
	k.Role, k.Name = role, name
	switch role {
	case "index", "unique", "multi", "blind", "blindunique":
		if named && !IsName(name) {
			return k, fmt.Errorf("%q cannot be the name of an index; use 1 to 64 letters, digits, '_' and '-'", name)
		}
		if composite && !named {
			return k, fmt.Errorf("a composite index needs a name; write %s=name,%s", role, part)
		}
		if k.Optional && role == "multi" {
			return k, fmt.Errorf("a multi index never has entries for a row without elements; remove %q", ","+optional)
		}
	case "primary", "clock", "sequence":
		if named {
			return k, fmt.Errorf("%s takes no name; remove %q", role, "="+name)
		}
		if composite && role != "primary" {
			return k, fmt.Errorf("a %s has no parts; remove %q", role, ","+part)
		}
		if k.Optional {
			return k, fmt.Errorf("%s cannot be optional; remove %q", role, ","+optional)
		}
	case "-":
		return k, fmt.Errorf("write `cbor:\"-\"` to leave out a field, because all codecs read that tag")
	case "name":
		return k, fmt.Errorf("write `cbor:%q` to rename a field, because all codecs read that tag", name)
	default:
		return k, fmt.Errorf("%q is not known; use primary, sequence, index, unique, multi, blind, blindunique or clock, "+
			"was or default, separated by semicolons", role)
	}
	return k, nil
}

// optional is the word for keys that a row may lack.
const optional = "optional"

// maxParts is the most parts of a composite key, because package models has no type for more.
const maxParts = 4

// IsName reports whether name is valid for a definition, tree or index.
func IsName(name string) bool {
	if len(name) == 0 || len(name) > 64 {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-')
	})
}

// Bare reports whether a struct tag names netabase in a form that Go does not read: without
// quotes, or with a space behind the colon.
func Bare(tag string) bool {
	for tag = strings.TrimLeft(tag, " "); tag != ""; tag = strings.TrimLeft(tag, " ") {
		key, rest, _ := strings.Cut(tag, ":")
		value, err := strconv.QuotedPrefix(rest)
		if err != nil || !strings.HasPrefix(value, `"`) {
			return strings.Contains(tag, Name) // Go reads no further than this
		}
		if key == Name {
			return false
		}
		tag = rest[len(value):]
	}
	return false
}
