//go:build !js

package webtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Tab is a page of files that a test brings, whose functions it calls. Its methods are for one goroutine.
type Tab struct {
	t testing.TB
	// ctx is chromedp's, for the page.
	ctx context.Context

	mu   sync.Mutex
	said []string
}

// Open serves files on loopback, and wasm_exec.js with them, and opens index.html in a new browser. Both end
// with the test. If that fails, it says what the page has written to its console. Where there is no browser,
// Open skips the test.
func Open(t testing.TB, files fs.FS) *Tab {
	t.Helper()
	if _, err := browser(); err != nil {
		t.Skip(err)
	}
	glue, err := Glue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /wasm_exec.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, glue) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tab := &Tab{t: t}
	t.Cleanup(tab.tell)
	ctx, cancel, err := Start(t.Context(), tab.hear)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	tab.ctx = ctx
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	return tab
}

// Reload loads the page anew.
func (tab *Tab) Reload() {
	tab.t.Helper()
	if err := chromedp.Do(tab.ctx, chromedp.Reload()); err != nil {
		tab.t.Fatal(err)
	}
}

// patience is how long a function of a page may take.
const patience = 2 * time.Minute

// Call calls a function of globalThis with arguments that JSON can have, waits for the promise that it may
// return, and decodes what comes into result, which is nil for nothing. The error is an exception of the page, or
// says that two minutes have passed.
func (tab *Tab) Call(result any, function string, args ...any) error {
	list := make([]string, len(args))
	for i, arg := range args {
		text, err := json.Marshal(arg)
		if err != nil {
			return err
		}
		list[i] = string(text)
	}
	call := function + "(" + strings.Join(list, ", ") + ")"
	script := "Promise.resolve(" + call + ").then((v) => JSON.stringify(v ?? null))"
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		return fmt.Errorf("%s: %w", function, err)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal([]byte(answer), result); err != nil {
		return fmt.Errorf("%s gives %s: %w", function, answer, err)
	}
	return nil
}

func (tab *Tab) hear(event any) {
	var text strings.Builder
	switch event := event.(type) {
	case *runtime.EventConsoleAPICalled:
		text.WriteString(string(event.Type) + ":")
		for _, arg := range event.Args {
			if len(arg.Value) > 0 {
				fmt.Fprintf(&text, " %s", arg.Value)
			} else {
				fmt.Fprintf(&text, " %s", arg.Description)
			}
		}
	case *runtime.EventExceptionThrown:
		fmt.Fprintf(&text, "%s", event.ExceptionDetails.Text)
		if e := event.ExceptionDetails.Exception; e != nil {
			text.WriteString(" " + e.Description)
		}
	default:
		return
	}
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.said = append(tab.said, text.String())
}

// tell logs what the page has said, if the test has failed.
func (tab *Tab) tell() {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	if tab.t.Failed() {
		for _, text := range tab.said {
			tab.t.Log("console:", text)
		}
	}
}
