package dynamic

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Condition reads a condition on rows of the tree, for [models.Filter]: a field, an operator and a value.
//
//	Votes >= 5
//	Created < 2026-11-28T10:00:00Z
//	Title ~ "data base"
//	Home.Town = 'Cape Town'
//	Parent = null
//
// The operators are =, !=, <, <=, >, >=, ^= for text that begins with the value, and ~ for text that contains
// it; the last two also take byte strings. Field is the name of a field, of fields within each other with
// dots between, or of keys of a map. Through a list the condition holds if it does for one element, and != if
// = does for none. The value is written as people write it, in quotes if it begins or ends with a space or
// is the word null. Numbers compare as numbers, times as instants, and text bytewise. A value that is null
// or missing meets "= null", and != with anything else. The zero time is null, and the first instant.
//
// The error matches models.ErrInvalid. The function may be used concurrently.
func (t *Tree) Condition(text string) (func(*Row) bool, error) {
	c, err := t.model.condition(text)
	if err != nil {
		return nil, t.fail("parse condition", err)
	}
	return func(r *Row) bool { return r.of == t.model && c.holds(t.model.node, r.value) }, nil
}

// condition is what Condition reads.
type condition struct {
	path    path
	test    func(item []byte) bool
	negated bool
}

func (c *condition) holds(n *node, value []byte) bool {
	found := false
	n.values(value, c.path.steps, func(item []byte) bool {
		found = c.test(item)
		return !found
	})
	return found != c.negated
}

// operators are in the order in which they are tried at a place: <= before <.
var operators = []string{"!=", "<=", ">=", "^=", "=", "<", ">", "~"}

func (n *node) condition(text string) (c condition, err error) {
	at := strings.IndexAny(text, "=!<>^~")
	operator := ""
	for _, o := range operators {
		if at >= 0 && operator == "" && strings.HasPrefix(text[at:], o) {
			operator = o
		}
	}
	if operator == "" {
		return c, fmt.Errorf("%.80q has no operator, which is one of %s", text, strings.Join(operators, " "))
	}
	value := text[at+len(operator):]
	if strings.HasPrefix(value, "=") || strings.HasPrefix(value, ">") || strings.HasPrefix(value, "<") {
		return c, fmt.Errorf("%.80q has no operator but %s; write the value in quotes if it begins with %s",
			text, operator, value[:1])
	}
	name := strings.TrimSpace(text[:at])
	if name == "" {
		return c, fmt.Errorf("%.80q has no field before its operator", text)
	}
	if c.path, err = n.path(name); err != nil {
		return c, err
	}
	end := c.path.end
	if !end.isScalar() {
		return c, in("."+name, fmt.Errorf("it is a %s; ask for a field or key in it", end.typ.Kind))
	}
	if c.test, err = end.test(operator, strings.TrimSpace(value)); err != nil {
		return c, in("."+name, err)
	}
	c.negated = operator == "!="
	return c, nil
}

// test returns what an operator and a value say of an item. Of != it returns what = says.
func (n *node) test(operator, value string) (func(item []byte) bool, error) {
	if value == "null" {
		if operator != "=" && operator != "!=" {
			return nil, fmt.Errorf("null can be compared by = and != only, not by %s", operator)
		}
		return func(item []byte) bool { return item == nil || item[0] == cbor.Null }, nil
	}
	value, err := unquoted(value)
	if err != nil {
		return nil, err
	}
	if operator == "~" || operator == "^=" {
		return n.searchTest(operator, value)
	}
	want, err := n.parseText(value)
	if err != nil {
		return nil, err
	}
	compare := func(item []byte) int { return n.compare(item, want) }
	holds := map[string]func(order int) bool{
		"=":  func(order int) bool { return order == 0 },
		"!=": func(order int) bool { return order == 0 },
		"<":  func(order int) bool { return order < 0 },
		"<=": func(order int) bool { return order <= 0 },
		">":  func(order int) bool { return order > 0 },
		">=": func(order int) bool { return order >= 0 },
	}[operator]
	return func(item []byte) bool { return item != nil && holds(compare(item)) }, nil
}

// searchTest returns the test whether text or bytes contain a value, or begin with it.
func (n *node) searchTest(operator, value string) (func(item []byte) bool, error) {
	want := []byte(value)
	switch n.typ.Kind {
	case shape.String:
	case shape.Bytes:
		key, err := bytesText.Parse(value)
		if err != nil {
			return nil, err
		}
		want = bytesText.AppendLast(nil, key)
	default:
		return nil, fmt.Errorf("%s is for text and byte strings, and the field is %s", operator, n.typ.Kind)
	}
	has := bytes.Contains
	if operator == "^=" {
		has = bytes.HasPrefix
	}
	return func(item []byte) bool { return item != nil && has(textOf(item), want) }, nil
}

// unquoted returns what a value in quotes stands for, and others as they are.
func unquoted(value string) (string, error) {
	switch {
	case value == "":
		return "", errors.New(`the value is missing; the empty text is written ""`)
	case value[0] == '\'':
		if len(value) < 2 || value[len(value)-1] != '\'' {
			return "", fmt.Errorf("%.40q begins with a quote and does not end with one", value)
		}
		return value[1 : len(value)-1], nil
	case value[0] != '"':
		return value, nil
	}
	plain, err := strconv.Unquote(value)
	if err != nil {
		return "", fmt.Errorf("%.40q begins with a quote and is no string literal", value)
	}
	return plain, nil
}
