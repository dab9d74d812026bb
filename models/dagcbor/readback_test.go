package dagcbor_test

import (
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dagcbor"
)

var errEmpty = errors.New("it is empty")

// name marshals itself to bytes and cannot read none, as peer.ID does.
type name string

func (n name) MarshalBinary() ([]byte, error) { return []byte(n), nil }

func (n *name) UnmarshalBinary(data []byte) error {
	if len(data) == 0 {
		return errEmpty
	}
	*n = name(data)
	return nil
}

// word is one for text.
type word string

func (w word) MarshalText() ([]byte, error) { return []byte(w), nil }

func (w *word) UnmarshalText(data []byte) error { return (*name)(w).UnmarshalBinary(data) }

// A value that its type would not read back is refused before it is stored, with and without reflection.
func TestNotReadBack(t *testing.T) {
	type model struct {
		Name  name
		Words []word
	}
	codec := models.DagCBOR[model]()
	for what, m := range map[string]model{"bytes": {Words: []word{"a"}}, "text": {Name: "a", Words: []word{"a", ""}}} {
		if dst, err := codec.Append([]byte("x"), &m); !errors.Is(err, models.ErrInvalid) || string(dst) != "x" {
			t.Errorf("%s: got %q, error %v", what, dst, err)
		}
	}
	if _, err := codec.Append(nil, &model{Name: "a"}); err != nil {
		t.Error(err)
	}
	if _, err := dagcbor.AppendBinary(nil, name("")); !errors.Is(err, errEmpty) {
		t.Errorf("bytes: error %v", err)
	}
	if _, err := dagcbor.AppendMarshaledText(nil, word("")); !errors.Is(err, errEmpty) {
		t.Errorf("text: error %v", err)
	}
	empty := name("")
	if _, err := dagcbor.AppendBinary(nil, &empty); !errors.Is(err, errEmpty) {
		t.Errorf("bytes of a pointer: error %v", err)
	}
	if data, err := dagcbor.AppendBinary(nil, name("a")); err != nil || string(data) != "\x41a" {
		t.Errorf("got %x, error %v", data, err)
	}
}
