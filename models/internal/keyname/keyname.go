// Package keyname takes apart the names of key codecs.
package keyname

import "strings"

// Composites are the kinds of composite keys, and how many parts each has.
var Composites = map[string]int{"pair": 2, "triple": 3, "quad": 4}

// Parts returns the kind and the names of the parts of a composite codec: pair, uint8 and string of
// pair(uint8,string). A part may be composite itself. Ok is false for all other names.
func Parts(name string) (kind string, parts []string, ok bool) {
	kind, list, _ := strings.Cut(name, "(")
	list, closed := strings.CutSuffix(list, ")")
	if !closed || Composites[kind] == 0 {
		return "", nil, false
	}
	parts = split(list)
	return kind, parts, len(parts) == Composites[kind]
}

// split splits a list of names at the commas that are in no parentheses.
func split(list string) (names []string) {
	start, open := 0, 0
	for i, c := range []byte(list) {
		switch c {
		case '(':
			open++
		case ')':
			open--
		case ',':
			if open == 0 {
				names = append(names, list[start:i])
				start = i + 1
			}
		}
	}
	return append(names, list[start:])
}
