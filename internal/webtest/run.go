//go:build !js

package webtest

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// program is a program for js and wasm that runs in a browser.
type program struct {
	// Binary is its file.
	Binary string
	Args   []string
	// Env are its environment variables.
	Env   map[string]string
	Where Where
}

//go:embed page.html
var pageHTML []byte

//go:embed start.js
var startJS []byte

// errCrashed is a page that has ended without the program having done so.
var errCrashed = errors.New("the page has crashed")

// run runs a program in a new browser, copies to out what it prints, and returns its exit status.
func run(ctx context.Context, p program, out io.Writer) (code int, err error) {
	if limit := timeout(); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	address, stop, err := serve(ctx, p.Binary)
	if err != nil {
		return 0, err
	}
	defer stop()
	r := &report{out: out, ended: make(chan struct{}), quota: make(chan float64, 1)}
	ctx, cancel, err := Start(ctx, r.hear)
	if err != nil {
		return 0, err
	}
	defer cancel()
	start, err := json.Marshal(map[string]any{"args": p.Args, "env": p.Env, "where": p.Where})
	if err != nil {
		return 0, err
	}
	if _, err := chromedp.Call(ctx, runtime.AddBinding, runtime.AddBindingParams{Name: "report"}); err != nil {
		return 0, fmt.Errorf("start the browser: %w", err)
	}
	err = chromedp.Do(ctx,
		chromedp.Navigate(address),
		chromedp.Evaluate[chromedp.Void](fmt.Sprintf("begin(%s)", start)),
	)
	if err != nil {
		return 0, fmt.Errorf("start the program: %w", err)
	}
	for {
		select {
		case <-r.ended:
			return r.code, r.err
		case quota := <-r.quota:
			if err := setQuota(ctx, strings.TrimSuffix(address, "/"), quota); err != nil {
				return 0, fmt.Errorf("set the quota: %w", err)
			}
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// setQuota sets how many bytes an origin may store, 0 for as many as usual, and tells the page.
func setQuota(ctx context.Context, origin string, bytes float64) error {
	params := storage.OverrideQuotaForOriginParams{Origin: origin}
	if bytes > 0 {
		params.QuotaSize = &bytes
	}
	if _, err := chromedp.Call(ctx, storage.OverrideQuotaForOrigin, params); err != nil {
		return err
	}
	return chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void]("quotaSet()"))
}

// Start starts a browser without a window, with a profile of its own, and returns a context of chromedp for
// a page of it. Hear is called for each event of the page, and must not block. Cancel ends the browser.
func Start(ctx context.Context, hear func(event any)) (page context.Context, cancel context.CancelFunc, err error) {
	path, err := browser()
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], // headless, among others
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("host-resolver-rules", "MAP "+Name4+" 127.0.0.1"),
	)
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	page, leave := chromedp.NewContext(ctx, chromedp.WithListener(hear))
	return page, func() {
		leave()
		end()
	}, nil
}

// report takes what the page tells.
type report struct {
	out   io.Writer
	once  sync.Once
	ended chan struct{}
	code  int
	err   error
	quota chan float64
}

// told is what the page tells at once: text that the program has printed, how it has ended, or the quota
// that it asks for.
type told struct {
	Quota *float64
	Text  string
	Ended bool
	Code  int
	Error string
}

func (r *report) end(code int, err error) {
	r.once.Do(func() {
		r.code, r.err = code, err
		close(r.ended)
	})
}

func (r *report) hear(event any) {
	switch event := event.(type) {
	case *runtime.EventBindingCalled:
		var t told
		err := json.Unmarshal([]byte(event.Payload), &t)
		switch {
		case err != nil:
			r.end(0, err)
		case t.Error != "":
			r.end(0, errors.New(t.Error))
		case t.Ended:
			r.end(t.Code, nil)
		case t.Quota != nil:
			r.quota <- *t.Quota
		default:
			_, _ = io.WriteString(r.out, t.Text) // there is nowhere to say that it fails
		}
	case *inspector.EventTargetCrashed:
		r.end(0, errCrashed)
	}
}

// Glue returns the path of wasm_exec.js, which a page needs to run a Go program.
func Glue(ctx context.Context) (path string, err error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("find wasm_exec.js: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"), nil
}

// serve serves a program on loopback until stop is called.
func serve(ctx context.Context, binary string) (address string, stop func(), err error) {
	glue, err := Glue(ctx)
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	file := func(pattern, kind string, data []byte) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(data) // the browser is gone if it fails
		})
	}
	file("GET /{$}", "text/html; charset=utf-8", pageHTML)
	file("GET /start.js", "text/javascript", startJS)
	mux.HandleFunc("GET /wasm_exec.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, glue) })
	mux.HandleFunc("GET /program.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, binary) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // until it is closed
	}()
	return "http://" + listener.Addr().String() + "/", func() {
		_ = server.Close()
		<-done
	}, nil
}
