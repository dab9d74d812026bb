//go:build js

package indexeddb_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
	"github.com/newsnet-africa/netabase-go/models"
)

type article struct {
	ID     uint64
	Author string
	Text   string
}

var (
	articles       = models.NewTree("article", models.Uint64, func(a *article) uint64 { return a.ID })
	articlesAuthor = models.NewIndex(articles, "author", models.String, func(a *article) string { return a.Author })
	press          = models.NewDefinition("press", articles)
)

// someArticles are of some 200 bytes each.
func someArticles(n uint64) func(yield func(article, error) bool) {
	text := strings.Repeat("a text ", 24)
	return func(yield func(article, error) bool) {
		for i := range n {
			id := i * 0x9E3779B97F4A7C15 // in no order
			if !yield(article{id, fmt.Sprint("author ", i%1000), text}, nil) {
				return
			}
		}
	}
}

// manyArticles is how many the tests of a page have.
func manyArticles() uint64 {
	if testing.Short() {
		return 10_000
	}
	return 100_000
}

// maxTask returns the longest time, in milliseconds, that the page may not be able to do anything else. A
// page that feels fast has tasks of 50 ms at most; other programs on the machine make them longer.
func maxTask(t *testing.T) int {
	text := os.Getenv("NETABASE_MAX_TASK")
	if text == "" {
		return 500
	}
	most, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return most
}

// longTasks hears of tasks of the page that take longer than 50 ms. It returns a function that ends that,
// and tells how long they took, in milliseconds.
func longTasks() (stop func() []int) {
	var tasks []int
	hear := js.FuncOf(func(_ js.Value, args []js.Value) any {
		entries := args[0].Call("getEntries")
		for i := range entries.Length() {
			tasks = append(tasks, entries.Index(i).Get("duration").Int())
		}
		return nil
	})
	observer := js.Global().Get("PerformanceObserver").New(hear)
	observer.Call("observe", map[string]any{"type": "longtask"})
	return func() []int {
		time.Sleep(100 * time.Millisecond) // it is told some time after
		observer.Call("disconnect")
		hear.Release()
		return tasks
	}
}

// TestResponsive imports rows in a page, which stays responsive meanwhile, and so it is while the store is
// verified, compacted, closed, opened and read.
func TestResponsive(t *testing.T) {
	if webtest.InWorker() {
		t.Skip("nobody waits for a worker")
	}
	ctx, eng := t.Context(), indexeddb.Engine(fresh())
	store, err := datastore.Open(ctx, eng, press)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { store.Close() }()
	n := manyArticles()
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"import", func() error {
			_, err := datastore.Import(ctx, store, articles, someArticles(n))
			return err
		}},
		{"verify", func() error {
			report, err := datastore.Verify(ctx, store)
			if len(report.Damage) > 0 {
				t.Error(report.Damage)
			}
			return err
		}},
		{"compact", func() error { return store.Compact(ctx) }},
		{"open again", func() error {
			if err := store.Close(); err != nil {
				return err
			}
			store, err = datastore.Open(ctx, eng, press)
			return err
		}},
		{"read", func() error {
			rows, before, most := uint64(0), heap(), int64(0)
			for a, err := range articles.All(ctx, store) {
				if err != nil || a.Text == "" {
					return fmt.Errorf("row %d: %q, %w", rows, a.Text, err)
				}
				if rows++; rows%20_000 == 0 {
					most = max(most, heap()-before)
				}
			}
			t.Logf("the heap grows by %d bytes", most)
			if most > 16<<20 {
				t.Errorf("the heap grows by %d bytes", most)
			}
			entries, err := articlesAuthor.Count(ctx, store, models.From(""))
			if rows != n || entries != int(n) {
				return fmt.Errorf("there are %d rows and %d entries of %d, %w", rows, entries, n, err)
			}
			return nil
		}},
	} {
		stop := longTasks()
		start := time.Now()
		err := step.do()
		took := time.Since(start)
		tasks := stop()
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		t.Logf("%s takes %v, with long tasks of %d ms", step.name, took, tasks)
		if len(tasks) > 0 && slices.Max(tasks) > maxTask(t) {
			t.Errorf("%s: there are tasks of %d ms", step.name, tasks)
		}
	}
}

// heap returns how many bytes the objects of the program take, without garbage.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
