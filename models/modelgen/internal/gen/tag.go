package gen

import (
	"fmt"
	"strconv"
	"strings"
)

// keyTag is one key that a tag declares.
type keyTag struct {
	role     string // primary, sequence, index, unique, multi or clock
	name     string // the name of the index, if given
	part     int    // number in a composite key, or 0
	optional bool   // rows whose field is zero have no entry
}

// parseTag reads a netabase tag.
func parseTag(tag string) ([]keyTag, error) {
	var keys []keyTag
	for item := range strings.SplitSeq(tag, ";") {
		k, err := parseKey(strings.TrimSpace(item))
		if err != nil {
			return nil, fmt.Errorf("tag netabase:%q: %w", tag, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func parseKey(item string) (k keyTag, err error) {
	head, options, _ := strings.Cut(item, ",")
	part, last, both := strings.Cut(options, ",")
	if k.optional = last == optional || !both && part == optional; k.optional && !both {
		part = ""
	}
	if both && !k.optional {
		return k, fmt.Errorf("%q is not known; write the number of a part, or %s", last, optional)
	}
	composite := part != ""
	if composite {
		k.part, err = strconv.Atoi(part)
		if err != nil || k.part < 1 || k.part > maxKeyParts {
			return k, fmt.Errorf("%q is not the number of a part; a composite key has up to %d parts, "+
				"numbered from 1", part, maxKeyParts)
		}
	}
	role, name, named := strings.Cut(head, "=")
	k.role, k.name = role, name
	switch role {
	case "index", "unique", "multi":
		if named && !isName(name) {
			return k, fmt.Errorf("%q cannot be the name of an index; use 1 to 64 letters, digits, '_' and '-'", name)
		}
		if composite && !named {
			return k, fmt.Errorf("a composite index needs a name; write %s=name,%s", role, part)
		}
		if k.optional && role == "multi" {
			return k, fmt.Errorf("a multi index never has entries for a row without elements; remove %q", ","+optional)
		}
	case "primary", "clock", "sequence":
		if named {
			return k, fmt.Errorf("%s takes no name; remove %q", role, "="+name)
		}
		if composite && role != "primary" {
			return k, fmt.Errorf("a %s has no parts; remove %q", role, ","+part)
		}
		if k.optional {
			return k, fmt.Errorf("%s cannot be optional; remove %q", role, ","+optional)
		}
	case "-":
		return k, fmt.Errorf("write `cbor:\"-\"` to leave out a field, because all codecs read that tag")
	case "name":
		return k, fmt.Errorf("write `cbor:%q` to rename a field, because all codecs read that tag", name)
	default:
		return k, fmt.Errorf("%q is not known; use primary, sequence, index, unique, multi or clock, separated "+
			"by semicolons", role)
	}
	return k, nil
}

// optional is the tag word for keys that a row may lack.
const optional = "optional"

// maxKeyParts is the most parts of a composite key, because package models has no type for
// more.
const maxKeyParts = 4

// isName reports whether name is valid for a definition, tree or index.
func isName(name string) bool {
	if len(name) == 0 || len(name) > 64 {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-')
	})
}
