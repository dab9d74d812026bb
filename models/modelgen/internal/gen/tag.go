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
			return k, fmt.Errorf("%q is not the number of a part of a composite key, which has up to %d; "+
				"write 1 to %[2]d", part, maxKeyParts)
		}
	}
	role, name, named := strings.Cut(head, "=")
	k.role, k.name = role, name
	switch role {
	case "index", "unique", "multi":
		if named && !isName(name) {
			return k, fmt.Errorf("%q is no name for an index; use 1 to 64 letters, digits, '_' and '-'", name)
		}
		if composite && !named {
			return k, fmt.Errorf("a composite index needs a name; write %s=name,%s", role, part)
		}
		if k.optional && role == "multi" {
			return k, fmt.Errorf("a row without elements takes no part in a multi index; drop %q", ","+optional)
		}
	case "primary", "clock", "sequence":
		if named {
			return k, fmt.Errorf("%s takes no name; drop %q", role, "="+name)
		}
		if composite && role != "primary" {
			return k, fmt.Errorf("a %s has no parts; drop %q", role, ","+part)
		}
		if k.optional {
			return k, fmt.Errorf("no row goes without its %s; drop %q", role, ","+optional)
		}
	case "-":
		return k, fmt.Errorf("a field is left out by `cbor:\"-\"`, which all codecs read; write that instead")
	case "name":
		return k, fmt.Errorf("a field is renamed by `cbor:%q`, which all codecs read; write that instead", name)
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
