package gen

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func isIdent(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// snake writes a Go name in lower case with underscores: AuthorID as author_id.
func snake(name string) string {
	runes := []rune(name)
	var out strings.Builder
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && runes[i-1] != '_' {
			endsLower := !unicode.IsUpper(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if endsLower || beforeLower {
				out.WriteByte('_')
			}
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// initialisms are the parts of names that Go writes in capital letters.
var initialisms = map[string]string{
	"api": "API", "dns": "DNS", "html": "HTML", "http": "HTTP", "id": "ID", "ip": "IP", "json": "JSON",
	"sql": "SQL", "tcp": "TCP", "udp": "UDP", "uri": "URI", "url": "URL", "uuid": "UUID", "xml": "XML",
}

// camel joins the parts of a name in Go's style.
func camel(parts []string) string {
	var out strings.Builder
	for _, part := range parts {
		if known, ok := initialisms[part]; ok {
			part = known
		}
		out.WriteString(upperFirst(part))
	}
	return out.String()
}

// camelName writes a name of a tree, index or definition in Go's style.
func camelName(name string) string {
	return camel(strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' }))
}

func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

func lowerFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[size:]
}

// plural returns the English plural of a name by the common rules.
func plural(name string) string {
	lower := strings.ToLower(name)
	last := len(lower) - 1
	switch {
	case last > 0 && lower[last] == 'y' && !strings.ContainsRune("aeiou", rune(lower[last-1])):
		return name[:last] + "ies"
	case strings.HasSuffix(lower, "s"), strings.HasSuffix(lower, "x"), strings.HasSuffix(lower, "z"),
		strings.HasSuffix(lower, "ch"), strings.HasSuffix(lower, "sh"):
		return name + "es"
	default:
		return name + "s"
	}
}

// isExported reports whether a Go name begins with a capital.
func isExported(name string) bool {
	r, _ := utf8.DecodeRuneInString(name)
	return unicode.IsUpper(r)
}

// like gives the first letter of name the case of other's.
func like(other, name string) string {
	if isExported(other) {
		return name
	}
	return lowerFirst(name)
}
