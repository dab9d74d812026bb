//go:build js

// Netabase is the typed tree of compare browser. It builds for js and wasm, and the page calls it as it
// calls the other contenders.
package main

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/models"
)

var trees = article.Generated

// contender keeps articles in a typed tree.
type contender struct {
	store   *datastore.Store
	relaxed bool
	rows    []article.Article
}

func main() {
	c := new(contender)
	ctx := context.Background()
	js.Global().Set("netabase", map[string]any{
		"open":    promise(func(args []js.Value) (int, error) { return c.open(ctx, args[0].String(), args[1].String()) }),
		"prepare": promise(func(args []js.Value) (int, error) { return c.prepare(ints(args)) }),
		"insert":  promise(func([]js.Value) (int, error) { return 0, trees.Articles.PutMany(ctx, c.store, c.rows) }),
		"each":    promise(func([]js.Value) (int, error) { return 0, c.each(ctx) }),
		"get":     promise(func(args []js.Value) (int, error) { return c.get(ctx, ints(args)) }),
		"find":    promise(func(args []js.Value) (int, error) { return c.find(ctx, ints(args)) }),
		"iterate": promise(func([]js.Value) (int, error) { return c.iterate(ctx) }),
		"close":   promise(func([]js.Value) (int, error) { return 0, c.store.Close() }),
		"memory":  promise(func([]js.Value) (int, error) { return memory(), nil }),
	})
	js.Global().Call("begun")
	select {} // the functions are called until the page is closed
}

// promise returns a function for JavaScript that returns a promise of what fn does.
func promise(fn func(args []js.Value) (int, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		var then js.Func
		then = js.FuncOf(func(_ js.Value, settle []js.Value) any {
			go func() {
				defer then.Release()
				n, err := fn(args)
				if err != nil {
					settle[1].Invoke(js.Global().Get("Error").New(err.Error()))
					return
				}
				settle[0].Invoke(n)
			}()
			return nil
		})
		return js.Global().Get("Promise").New(then)
	})
}

func ints(args []js.Value) []int {
	numbers := make([]int, len(args))
	for i, a := range args {
		numbers[i] = a.Int()
	}
	return numbers
}

func (c *contender) open(ctx context.Context, name, durability string) (_ int, err error) {
	c.relaxed = durability == "relaxed"
	debug.SetGCPercent(100) // as when a page has been loaded
	if c.store, err = datastore.Open(ctx, indexeddb.Engine(name), trees.Definition); err != nil {
		return 0, err
	}
	boundGarbage()
	a, err := trees.Articles.Get(ctx, c.store, 0)
	if errors.Is(err, models.ErrNotFound) {
		return 0, nil
	}
	return read(&a), err
}

// boundGarbage has garbage collected when there is some 12 MB of it, or a quarter of what is in use. The memory
// of WebAssembly never shrinks, and by default there may be as much garbage as there is in use.
func boundGarbage() {
	const garbage = 12 << 20
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetGCPercent(int(max(25, min(100, 100*garbage/m.HeapAlloc))))
}

func (c *contender) prepare(of []int) (int, error) {
	first, count, authors := of[0], of[1], of[2]
	c.rows = make([]article.Article, count)
	for i := range c.rows {
		id := first + i
		c.rows[i] = article.Article{
			ID: uint64(id), Title: text(id, 32), Content: text(id+1, 160), AuthorID: uint64(id % authors),
		}
	}
	runtime.GC() // of what is garbage before the measurement
	return 0, nil
}

const letters = "abcdefghijklmnopqrstuvwxyz      "

func text(seed, length int) string {
	b := make([]byte, length)
	for k := range b {
		b[k] = letters[(seed*31+k*17+k*k%7)%len(letters)]
	}
	return string(b)
}

func read(a *article.Article) int { return len(a.Title) + len(a.Content) }

func (c *contender) each(ctx context.Context) error {
	update := c.store.Update
	if c.relaxed {
		update = c.store.UpdateRelaxed
	}
	for i := range c.rows {
		err := update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			return trees.Articles.Insert(ctx, tx, &c.rows[i])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *contender) get(ctx context.Context, of []int) (sum int, err error) {
	count, rows := of[0], of[1]
	for i := range count {
		a, err := trees.Articles.Get(ctx, c.store, uint64(i*7919%rows))
		if err != nil {
			return 0, err
		}
		sum += read(&a)
	}
	return sum, nil
}

func (c *contender) find(ctx context.Context, of []int) (sum int, err error) {
	count, authors := of[0], of[1]
	for i := range count {
		for a, err := range trees.ByAuthor.Find(ctx, c.store, uint64(i*31%authors)) {
			if err != nil {
				return 0, err
			}
			sum += read(&a)
		}
	}
	return sum, nil
}

func (c *contender) iterate(ctx context.Context) (sum int, err error) {
	for a, err := range trees.Articles.Range(ctx, c.store, models.Range[uint64]{}) {
		if err != nil {
			return 0, err
		}
		sum += read(&a)
	}
	return sum, nil
}

// memory returns how much the program has taken from the browser, in KiB.
func memory() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.Sys / 1024)
}
