package datastore_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestFormatExamples writes the store that docs/format.md shows, and compares
// every byte of it with the table there.
func TestFormatExamples(t *testing.T) {
	type user struct {
		ID    uint64
		Name  string
		Email string
	}
	users := models.NewTree("user", models.Uint64, func(u *user) uint64 { return u.ID }, models.KeyFields[user]("ID"))
	models.NewIndex(users, "name", models.String, func(u *user) string { return u.Name }, models.Fields[user]("Name"))
	models.NewUnique(users, "email", models.String, func(u *user) string { return u.Email })

	eng := memory.Engine()
	store, err := datastore.Open(t.Context(), eng, models.NewDefinition("blog", users))
	if err != nil {
		t.Fatal(err)
	}
	if err := users.Put(t.Context(), store, &user{ID: 1, Name: "al", Email: "a@b"}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	// The document has an id that is easy to read.
	id := store.ID()
	rewrite(t, eng, []byte{1, 0}, func(entry []byte) []byte {
		return bytes.Replace(entry, id[:], []byte("0123456789abcdef"), 1)
	})

	want, got := examples(t, "## Worked examples: a store"), contents(t, eng)
	if want != got {
		t.Errorf("docs/format.md shows\n%s\nthe code writes\n%s", want, got)
	}
}

// examples returns the lines of the code block under a heading of the format's
// document.
func examples(t *testing.T, heading string) string {
	t.Helper()
	doc, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(doc), heading+"\n")
	if !found {
		t.Fatalf("docs/format.md has no %q", heading)
	}
	_, block, _ := strings.Cut(section, "```\n")
	block, _, _ = strings.Cut(block, "```")
	return block
}

// contents prints all that an engine holds, a key and its value to a line.
func contents(t *testing.T, eng engine.Engine) string {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	txn, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	c := txn.Cursor(engine.Range{})
	defer c.Close()
	var b strings.Builder
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%x\n  %x\n", c.Key(), value)
	}
	return b.String()
}
