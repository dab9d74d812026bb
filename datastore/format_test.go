package datastore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// TestTopicExamples adds a topic to a store with a row, puts another row, and compares what the topic has
// with docs/format.md.
func TestTopicExamples(t *testing.T) {
	type note struct {
		ID   uint64
		Text string
	}
	eng := memory.Engine()
	put := func(id uint64, text string, topics ...string) {
		t.Helper()
		notes := models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID },
			models.WithPolicy[note](models.Open))
		for _, name := range topics {
			models.NewTopic(notes, name, func(*note) bool { return true })
		}
		store, err := datastore.Open(t.Context(), eng, models.NewDefinition("board", notes))
		if err == nil {
			err = errors.Join(notes.Put(t.Context(), store, &note{ID: id, Text: text}), store.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put(1, "a")
	put(2, "b", "all")
	all := contents(t, eng)
	topic := all[strings.Index(all, "\n42")+1:] // its space is the last one
	if want := examples(t, "## Worked examples: a topic"); want != topic {
		t.Errorf("docs/format.md shows\n%s\nthe code writes\n%s", want, topic)
	}
}

// TestTombstoneExamples deletes two rows, one of them so long ago that its tombstone is dropped, and compares what
// is left of them with docs/format.md.
func TestTombstoneExamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins with the year 2000
		type note struct{ ID, At uint64 }
		const age = 24 * time.Hour
		notes := models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID },
			models.WithPolicy[note](models.Open), models.WithClock(func(n *note) uint64 { return n.At }),
			models.WithTombstones[note](age, time.Second))
		eng, ctx := memory.Engine(), t.Context()
		store, err := datastore.Open(ctx, eng, models.NewDefinition("board", notes))
		if err != nil {
			t.Fatal(err)
		}
		at := uint64(time.Now().Unix())
		err = errors.Join(notes.PutMany(ctx, store, []note{{1, at}, {2, at}}), notes.Delete(ctx, store, 1))
		time.Sleep(age)
		if err = errors.Join(err, notes.Delete(ctx, store, 2)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(age / 2) // in which the store drops the first
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		_, left, _ := strings.Cut(contents(t, eng), "\n06") // no row is left, and theirs is the last space
		if want := examples(t, "## Worked examples: tombstones"); want != "06"+left {
			t.Errorf("docs/format.md shows\n%s\nthe code writes\n06%s", want, left)
		}
	})
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
