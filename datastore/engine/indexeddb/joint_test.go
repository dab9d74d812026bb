//go:build js

package indexeddb_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
	"github.com/newsnet-africa/netabase-go/models"
)

// definitionsOf are what tabs open a store with.
func definitionsOf(name string) *models.Definition {
	tree := models.NewTree("article", models.Uint64, func(a *article) uint64 { return a.ID },
		models.WithPolicy[article](models.Open))
	switch name {
	case "index":
		models.NewIndex(tree, "author", models.String, func(a *article) string { return a.Author })
	case "topic":
		models.NewTopic(tree, "all", func(*article) bool { return true })
	}
	return models.NewDefinition("press", tree)
}

const (
	storeName  = "NETABASE_IDB_STORE"
	storeTrees = "NETABASE_IDB_TREES"
)

// TestStoreChild opens a store and puts 100 articles, or says why it cannot. It is the program of another worker.
func TestStoreChild(t *testing.T) {
	name := os.Getenv(storeName)
	if name == "" {
		t.Skip("it is run by another test")
	}
	definition, tree := press, articles
	if trees := os.Getenv(storeTrees); trees != "" {
		definition = definitionsOf(trees)
		tree = nil
	}
	store, err := datastore.Open(t.Context(), indexeddb.Engine(name), definition)
	if err != nil {
		fmt.Println("opened:", errors.Is(err, engine.ErrLocked), err)
		return
	}
	fmt.Println("opened: it")
	for i := uint64(0); tree != nil && i < 100; i++ {
		if err := tree.Put(t.Context(), store, &article{ID: 2 * i, Author: fmt.Sprint(i % 3)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// tryIn opens a store in another worker, and returns what it says of that.
func tryIn(t *testing.T, name, trees string) string {
	t.Helper()
	child, err := webtest.StartChild("TestStoreChild", storeName+"="+name, storeTrees+"="+trees)
	if err != nil {
		t.Fatal(err)
	}
	defer child.Kill()
	said := ""
	for line := range child.Lines {
		if text, ok := strings.CutPrefix(line, "opened: "); ok {
			said = text
		}
	}
	if err := child.Err(); err != nil {
		t.Error(err)
	}
	return said
}

// TestStoreTogether has this program and a worker write to a store at once.
func TestStoreTogether(t *testing.T) {
	name := fresh()
	store := datastore.Temp(t, indexeddb.Engine(name), press)
	done := make(chan string, 1)
	go func() { done <- tryIn(t, name, "") }()
	for i := range uint64(100) {
		if err := articles.Put(t.Context(), store, &article{ID: 2*i + 1, Author: fmt.Sprint(i % 3)}); err != nil {
			t.Fatal(err)
		}
	}
	if said := <-done; said != "it" {
		t.Errorf("the worker has opened %s", said)
	}
	if err := articles.Put(t.Context(), store, &article{ID: 1000, Author: "0"}); err != nil { // sees all of the worker
		t.Fatal(err)
	}
	n, err := articlesAuthor.Count(t.Context(), store, models.From(""))
	if err != nil || n != 201 {
		t.Errorf("there are %d entries, %v", n, err)
	}
}

// TestStoreAlone opens a store in a worker that one program can use at a time, or that has to be changed.
func TestStoreAlone(t *testing.T) {
	for _, test := range []struct{ mine, others string }{{"topic", "topic"}, {"plain", "index"}} {
		name := fresh()
		store, err := datastore.Open(t.Context(), indexeddb.Engine(name), definitionsOf(test.mine))
		if err != nil {
			t.Fatal(err)
		}
		if said := tryIn(t, name, test.others); !strings.HasPrefix(said, "true ") {
			t.Errorf("beside %s a worker opens %s: %s", test.mine, test.others, said)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if said := tryIn(t, name, test.others); said != "it" {
			t.Errorf("after %s a worker opens %s: %s", test.mine, test.others, said)
		}
	}
}

// Of two tabs that open a store with a topic at the same time, one has it.
func TestOpenedAtTheSameTime(t *testing.T) {
	for range 5 {
		name := fresh()
		said := make(chan string)
		for range 2 {
			go func() { said <- tryIn(t, name, "topic") }()
		}
		first, second := <-said, <-said
		if first != "it" && second != "it" {
			t.Fatalf("one is refused with %s, the other with %s", first, second)
		}
	}
}
