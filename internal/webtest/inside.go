//go:build js

package webtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall/js"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// SetQuota sets how many bytes the page's origin may store, 0 for as many as usual. A Child cannot set it.
func SetQuota(ctx context.Context, bytes int64) (err error) {
	defer jsvalue.Caught(&err)
	_, err = jsvalue.Await(ctx, js.Global().Call("ask", map[string]any{"quota": bytes}))
	return err
}

// Leave hides the page for a while, as if the user had gone elsewhere, or freezes it as browsers do with pages that
// have been hidden for long. It returns when the page is seen again. A Child cannot do it.
func Leave(ctx context.Context, d time.Duration, frozen bool) (err error) {
	defer jsvalue.Caught(&err)
	_, err = jsvalue.Await(ctx, js.Global().Call("ask", map[string]any{"away": d.Milliseconds(), "frozen": frozen}))
	return err
}

// InWorker reports whether the program runs in a worker.
func InWorker() bool { return js.Global().Get("document").IsUndefined() }

// Child is this program once more, in a worker of its own.
type Child struct {
	// Lines has what it prints. It is closed when the program has ended.
	Lines <-chan string

	lines chan string
	// messages has room for what JavaScript calls with.
	messages chan string
	stop     chan struct{}
	worker   js.Value
	tell     jsvalue.Func
	err      error
}

// maxMessages is how many messages may wait for who reads Lines.
const maxMessages = 100_000

// StartChild starts the program with a test of it, and with environment variables, each as name=value. Kill has
// to be called in the end.
func StartChild(test string, env ...string) (c *Child, err error) {
	defer jsvalue.Caught(&err)
	vars := map[string]any{}
	for _, v := range append(os.Environ(), env...) {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	c = &Child{
		lines: make(chan string), messages: make(chan string, maxMessages), stop: make(chan struct{}),
	}
	c.Lines = c.lines
	stringify := js.Global().Get("JSON").Get("stringify")
	c.tell = jsvalue.FuncOf(func(_ js.Value, args []js.Value) any {
		select {
		case c.messages <- stringify.Invoke(args[0]).String():
		default: // nobody reads
		}
		return nil
	})
	program := map[string]any{"args": []any{"-test.run=^" + test + "$", "-test.v"}, "env": vars}
	c.worker = js.Global().Call("startWorker", program, c.tell.Value)
	go c.listen()
	return c, nil
}

func (c *Child) listen() {
	defer close(c.lines)
	rest := ""
	for {
		var message string
		select {
		case message = <-c.messages:
		case <-c.stop:
			return
		}
		var m struct {
			Text, Error string
			Ended       bool
			Code        int
		}
		if err := json.Unmarshal([]byte(message), &m); err != nil {
			c.err = err
			return
		}
		switch {
		case m.Error != "":
			c.err = errors.New(m.Error)
			return
		case m.Ended:
			if m.Code != 0 {
				c.err = fmt.Errorf("the program has ended with status %d", m.Code)
			}
			return
		}
		for rest += m.Text; ; {
			line, after, found := strings.Cut(rest, "\n")
			if !found {
				break
			}
			rest = after
			select {
			case c.lines <- line:
			case <-c.stop:
				return
			}
		}
	}
}

// Kill ends the worker, wherever its program is. Lines is closed soon.
func (c *Child) Kill() {
	c.worker.Call("terminate")
	close(c.stop)
	c.tell.Release()
}

// Err tells, once Lines is closed, why the program has failed. It is nil if it has been killed.
func (c *Child) Err() error { return c.err }
