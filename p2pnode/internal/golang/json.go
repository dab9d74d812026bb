package golang

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// decodeJSON reads a package from one JSON object. It is stricter than
// encoding/json: names are matched exactly and may not occur twice.
func decodeJSON(line []byte, p *Package) error {
	d := json.NewDecoder(bytes.NewReader(line))
	if token, err := d.Token(); err != nil {
		return malformed(err)
	} else if token != json.Delim('{') {
		return errors.New("malformed JSON: not an object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return malformed(err)
		}
		name, ok := token.(string)
		field := fieldOf(p, name)
		switch {
		case !ok || field == nil:
			return fmt.Errorf("unknown field %.64q", token)
		case seen[name]:
			return fmt.Errorf("field %q occurs twice", name)
		}
		seen[name] = true
		if err := d.Decode(field); err != nil {
			var kind *json.UnmarshalTypeError
			if errors.As(err, &kind) {
				return fmt.Errorf("field %q: a %s where a %s belongs", name, kind.Value, kind.Type)
			}
			return malformed(err)
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return malformed(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("malformed JSON: more than one object")
	}
	return nil
}

// malformed describes the error in the JSON of a line.
func malformed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	return fmt.Errorf("malformed JSON: %w", err)
}
