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
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/page"
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
	r := &report{out: out, ended: make(chan struct{}), asked: make(chan told, 1)}
	ctx, cancel, err := Start(ctx, r.hear,
		// Hidden pages are as slow as users have them.
		chromedp.Flag("disable-background-timer-throttling", false),
		chromedp.Flag("disable-renderer-backgrounding", false),
		chromedp.Flag("disable-backgrounding-occluded-windows", false),
	)
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
		case what := <-r.asked:
			if err := what.do(ctx, strings.TrimSuffix(address, "/")); err != nil {
				return 0, fmt.Errorf("do what the program asks for: %w", err)
			}
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// do does what the program asks for, and tells it.
func (t told) do(ctx context.Context, origin string) (err error) {
	switch {
	case t.Quota != nil:
		err = setQuota(ctx, origin, *t.Quota)
	case t.Frozen:
		err = freeze(ctx, t.away())
	default:
		err = hide(ctx, t.away())
	}
	if err != nil {
		return err
	}
	return chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void]("answered()"))
}

// setQuota sets how many bytes an origin may store, 0 for as many as usual.
func setQuota(ctx context.Context, origin string, bytes float64) error {
	params := storage.OverrideQuotaForOriginParams{Origin: origin}
	if bytes > 0 {
		params.QuotaSize = &bytes
	}
	_, err := chromedp.Call(ctx, storage.OverrideQuotaForOrigin, params)
	return err
}

// hide hides the window of the page for a while.
func hide(ctx context.Context, d time.Duration) error {
	window, err := chromedp.Call(ctx, cdpbrowser.GetWindowForTarget, cdpbrowser.GetWindowForTargetParams{})
	if err != nil {
		return err
	}
	set := func(state cdpbrowser.WindowState) error {
		_, err := chromedp.Call(ctx, cdpbrowser.SetWindowBounds, cdpbrowser.SetWindowBoundsParams{
			WindowID: window.WindowID, Bounds: &cdpbrowser.Bounds{WindowState: state},
		})
		return err
	}
	if err := set(cdpbrowser.WindowStateMinimized); err != nil {
		return err
	}
	if err := wait(ctx, d); err != nil {
		return err
	}
	return set(cdpbrowser.WindowStateNormal)
}

// freeze freezes the page for a while.
func freeze(ctx context.Context, d time.Duration) error {
	set := func(state string) error {
		_, err := chromedp.Call(ctx, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{
			State: page.SetWebLifecycleStateState(state),
		})
		return err
	}
	if err := set("frozen"); err != nil {
		return err
	}
	if err := wait(ctx, d); err != nil {
		return err
	}
	return set("active")
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// flagsVariable has more flags for the browser, with blanks between them.
const flagsVariable = "NETABASE_BROWSER_FLAGS"

// Start starts a browser without a window, with a profile of its own, and returns a context of chromedp for
// a page of it. Hear is called for each event of the page, and must not block. Cancel ends the browser.
// More are added to the options that it starts the browser with.
func Start(
	ctx context.Context, hear func(event any), more ...chromedp.ExecAllocatorOption,
) (tab context.Context, cancel context.CancelFunc, err error) {
	path, err := browser()
	if err != nil {
		return nil, nil, err
	}
	_, spki, err := certificate()
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], // headless, among others
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("host-resolver-rules", "MAP "+Name4+" 127.0.0.1"),
		chromedp.Flag("ignore-certificate-errors-spki-list", spki),
	)
	for _, argument := range strings.Fields(os.Getenv(flagsVariable)) {
		name, value, _ := strings.Cut(strings.TrimLeft(argument, "-"), "=")
		options = append(options, chromedp.Flag(name, value))
	}
	options = append(options, more...)
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	tab, leave := chromedp.NewContext(ctx, chromedp.WithListener(hear))
	return tab, func() {
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
	asked chan told
}

// told is what the page tells at once: text that the program has printed, how it has ended, or what it asks for, a
// quota or to be left for so many milliseconds.
type told struct {
	Quota  *float64
	Away   *float64
	Frozen bool
	Text   string
	Ended  bool
	Code   int
	Error  string
}

func (t told) away() time.Duration { return time.Duration(*t.Away * float64(time.Millisecond)) }

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
		case t.Quota != nil || t.Away != nil:
			r.asked <- t
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
