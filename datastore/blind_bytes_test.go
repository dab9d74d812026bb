package datastore

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestBlindExamples hashes the index keys that docs/format.md shows.
func TestBlindExamples(t *testing.T) {
	indexKey := make([]byte, 32)
	for i := range indexKey {
		indexKey[i] = byte(i)
	}
	place := &session.Place{}
	for _, space := range []format.Space{65, 66, 256} {
		place.Indexes = append(place.Indexes, space.Append(nil))
	}
	blind := blinding(indexKey, place)
	row := func(index int, space, codec, shown string, key []byte) string {
		return fmt.Sprintf("| %s | `%s` | %s | `%x` |\n", space, codec, shown, blind(index, nil, key))
	}
	want := row(0, "65", "string", `"a@b"`, models.String.Append(nil, "a@b")) +
		row(1, "66", "string", "empty", models.String.Append(nil, "")) +
		row(2, "256", "uint64", "7", models.Uint64.Append(nil, 7))
	doc, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), want) {
		t.Errorf("docs/format.md does not show\n%s", want)
	}
}

// The hash is appended to what is there, and the key may lie in the same memory.
func TestBlindKeepsWhatIsThere(t *testing.T) {
	blind := blinding(make([]byte, 32), &session.Place{Indexes: [][]byte{{65}}})
	alone := blind(0, nil, []byte("key"))
	if len(alone) != session.BlindSize {
		t.Errorf("%d bytes", len(alone))
	}
	for _, room := range []int{0, session.BlindSize, 100} {
		dst := append(make([]byte, 0, 8+room), "here key"...)
		if got, want := string(blind(0, dst, dst[5:])), "here key"+string(alone); got != want {
			t.Errorf("with %d bytes of room: %q, want %q", room, got, want)
		}
	}
}
