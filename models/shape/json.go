package shape

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MarshalJSON writes a type as JSON with the members of its DAG-CBOR. A default, which is a byte
// string there, is text in hex. It refuses a type for which Check returns an error.
func (t Type) MarshalJSON() ([]byte, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	return t.appendJSON(nil), nil
}

// UnmarshalJSON reads what MarshalJSON writes, and the same with other white space and members in
// another order. It refuses all else with an error that matches [ErrInvalid] and says what is
// wrong in which line and member, and takes time and memory in proportion to the length of src at
// most.
func (t *Type) UnmarshalJSON(src []byte) error {
	r := newJSONReader(src)
	read, err := r.readType("")
	if err == nil {
		err = r.end()
	}
	if err == nil {
		err = read.Check()
	}
	if err != nil {
		return asInvalid(err)
	}
	*t = read
	return nil
}

func (t Type) appendJSON(dst []byte) []byte {
	dst = appendJSONText(append(dst, `{"kind":`...), string(t.Kind))
	if t.Size != 0 {
		dst = strconv.AppendInt(append(dst, `,"size":`...), int64(t.Size), 10)
	}
	if t.Elem != nil {
		dst = t.Elem.appendJSON(append(dst, `,"elem":`...))
	}
	if t.Kind == Struct {
		dst = append(dst, `,"fields":[`...)
		for i, f := range sorted(t.Fields) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = f.appendJSON(dst)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func (f *Field) appendJSON(dst []byte) []byte {
	dst = appendJSONText(append(dst, `{"name":`...), f.Name)
	dst = f.Type.appendJSON(append(dst, `,"type":`...))
	if f.Omit {
		dst = append(dst, `,"omit":true`...)
	}
	if f.Default != nil {
		dst = appendJSONText(append(dst, `,"default":`...), hex.EncodeToString(f.Default))
	}
	return append(dst, '}')
}

// appendJSONText appends text as JSON. It has been checked to be UTF-8.
func appendJSONText(dst []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // text can always be written
	return append(dst, quoted...)
}

// appendJSONVersion appends a member that is a version, if that is not 0.
func appendJSONVersion(dst []byte, member string, version uint32) []byte {
	if version == 0 {
		return dst
	}
	return fmt.Appendf(dst, ",%q:%d", member, version)
}

// appendJSONNames appends a member that is a list of names, if there are any.
func appendJSONNames(dst []byte, member string, names []string) []byte {
	if names == nil {
		return dst
	}
	list, _ := json.Marshal(names) // names can always be written
	return append(fmt.Appendf(dst, ",%q:", member), list...)
}

// jsonReader reads JSON from front to back. It refuses members that are repeated or unknown, which
// package json would take.
type jsonReader struct {
	src []byte
	dec *json.Decoder
	bounds
}

func newJSONReader(src []byte) *jsonReader {
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.UseNumber()
	return &jsonReader{src: src, dec: dec}
}

// fail returns an error about the member at path. It names the line that the reader is in.
func (r *jsonReader) fail(path, format string, args ...any) error {
	at := min(int(r.dec.InputOffset()), len(r.src))
	line := 1 + bytes.Count(r.src[:at], []byte("\n"))
	if path = strings.TrimPrefix(path, "."); path != "" {
		path += ": "
	}
	return fmt.Errorf("line %d: %s%w", line, path, fmt.Errorf(format, args...))
}

// token returns the next token.
func (r *jsonReader) token(path string) (json.Token, error) {
	token, err := r.dec.Token()
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, r.fail(path, "it ends early")
	case err != nil:
		return nil, r.fail(path, "it is not JSON: %w", err)
	}
	return token, nil
}

// describe names a token for messages.
func describe(token json.Token) string {
	switch token := token.(type) {
	case json.Delim:
		return map[json.Delim]string{'{': "an object", '[': "a list"}[token]
	case string:
		return fmt.Sprintf("the text %.40q", token)
	case nil:
		return "null"
	default:
		return fmt.Sprintf("%.40v", token)
	}
}

func (r *jsonReader) delim(path string, want json.Delim, what string) error {
	token, err := r.token(path)
	if err == nil && token != want {
		err = r.fail(path, "there is %s in place of %s", describe(token), what)
	}
	return err
}

func (r *jsonReader) text(path string) (string, error) {
	token, err := r.token(path)
	if err != nil {
		return "", err
	}
	text, ok := token.(string)
	if !ok {
		return "", r.fail(path, "there is %s in place of text", describe(token))
	}
	return text, nil
}

func (r *jsonReader) bool(path string) (bool, error) {
	token, err := r.token(path)
	if err != nil {
		return false, err
	}
	b, ok := token.(bool)
	if !ok {
		return false, r.fail(path, "there is %s in place of true or false", describe(token))
	}
	return b, nil
}

// number reads a whole number from 1 to most.
func (r *jsonReader) number(path string, most uint64) (uint64, error) {
	token, err := r.token(path)
	if err != nil {
		return 0, err
	}
	number, _ := token.(json.Number)
	n, err := strconv.ParseUint(number.String(), 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, r.fail(path, "there is %s in place of a whole number from 1 to %d", describe(token), most)
	}
	return n, nil
}

// version reads a version that is not 0, which is left out.
func (r *jsonReader) version(path string) (uint32, error) {
	n, err := r.number(path, math.MaxUint32)
	return uint32(n), err
}

// nanoseconds reads a length of time.
func (r *jsonReader) nanoseconds(path string) (time.Duration, error) {
	n, err := r.number(path, math.MaxInt64)
	return time.Duration(n), err
}

// bytes reads bytes in hex.
func (r *jsonReader) bytes(path string) ([]byte, error) {
	text, err := r.text(path)
	if err != nil {
		return nil, err
	}
	data, err := hex.DecodeString(text)
	if err != nil || hex.EncodeToString(data) != text {
		return nil, r.fail(path, "%.40q is not hex in lower case", text)
	}
	return data, nil
}

// object reads an object. The function member reads the value of one member and reports whether
// there is such a member. Each of the required members has to be there.
func (r *jsonReader) object(path string, required []string, member func(name, path string) (bool, error)) error {
	if err := r.delim(path, '{', "an object"); err != nil {
		return err
	}
	seen := make([]string, 0, 8) // there are few known members, and the first unknown one is an error
	for r.dec.More() {
		name, err := r.text(path)
		if err != nil {
			return err
		}
		for _, before := range seen {
			if name == before {
				return r.fail(path, "the member %q is there twice", name)
			}
		}
		seen = append(seen, name)
		known, err := member(name, path+"."+name)
		switch {
		case err != nil:
			return err
		case !known:
			return r.fail(path, "the member %.40q is unknown", name)
		}
	}
	if err := r.delim(path, '}', "the end of an object"); err != nil {
		return err
	}
	for _, name := range required {
		found := false
		for _, before := range seen {
			found = found || name == before
		}
		if !found {
			return r.fail(path, "the member %q is missing", name)
		}
	}
	return nil
}

// list reads a list, whose elements the function elem reads.
func (r *jsonReader) list(path string, elem func(path string) error) error {
	if err := r.delim(path, '[', "a list"); err != nil {
		return err
	}
	for i := 0; r.dec.More(); i++ {
		if err := elem(fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return r.delim(path, ']', "the end of a list")
}

// names reads a list of names, which is not empty.
func (r *jsonReader) names(path string) (names []string, err error) {
	err = r.list(path, func(path string) error {
		if len(names) == maxKeyFields {
			return r.fail(path, "a key has at most %d fields", maxKeyFields)
		}
		name, err := r.text(path)
		names = append(names, name)
		return err
	})
	if err == nil && names == nil {
		err = r.fail(path, "it is left out or has names of fields")
	}
	return names, err
}

// readType reads a type. It leaves to Check what does not depend on the text.
func (r *jsonReader) readType(path string) (t Type, err error) {
	if r.depth == maxTypes {
		return t, r.fail(path, "structs, lists and maps nest more than %d deep", MaxDepth)
	}
	r.depth++
	defer r.leave()
	err = r.object(path, []string{"kind"}, func(name, path string) (bool, error) {
		switch name {
		case "kind":
			text, err := r.text(path)
			if _, exists := kinds[Kind(text)]; err == nil && !exists {
				err = r.fail(path, "the kind %.40q is unknown", text)
			}
			t.Kind = Kind(text)
			return true, err
		case "elem":
			elem, err := r.readType(path)
			t.Elem = &elem
			return true, err
		case "size":
			var size uint64
			size, err = r.number(path, MaxSize)
			t.Size = int(size)
			return true, err
		case "fields":
			t.Fields = []Field{}
			return true, r.list(path, func(path string) error {
				if err := r.addFields(1); err != nil {
					return r.fail(path, "%w", err)
				}
				f, err := r.readField(path)
				t.Fields = append(t.Fields, f)
				return err
			})
		}
		return false, nil
	})
	if err == nil && t.Kind == Struct && t.Fields == nil {
		err = r.fail(path, "the member \"fields\" is missing")
	}
	return t, err
}

func (r *jsonReader) readField(path string) (f Field, err error) {
	err = r.object(path, []string{"name", "type"}, func(name, path string) (_ bool, err error) {
		switch name {
		case "name":
			f.Name, err = r.text(path)
		case "type":
			f.Type, err = r.readType(path)
		case "omit":
			if f.Omit, err = r.bool(path); err == nil && !f.Omit {
				err = r.fail(path, "it is left out or true")
			}
		case "default":
			f.Default, err = r.bytes(path)
		default:
			return false, nil
		}
		return true, err
	})
	return f, err
}

// end returns an error if anything is left over, or if the text is not UTF-8, which package json
// does not mind.
func (r *jsonReader) end() error {
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return r.fail("", "there is more behind the end")
	}
	if !utf8.Valid(r.src) {
		return r.fail("", "it is not UTF-8")
	}
	return nil
}
