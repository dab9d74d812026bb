package interop_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// browser is a tab of a Chromium without a window. One goroutine at a time may use it.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu   sync.Mutex
	said []string // errors on its console
}

// patience is how long a page may take for what a test waits for.
const patience = 45 * time.Second

// openBrowser starts Chromium, or skips the test where there is none. It ends with the test.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skip("chromium is not there")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(time.Minute),
	)
	all, cancelAll := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancelAll)
	ctx, cancel := chromedp.NewContext(all)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			text := m.String()
			if strings.Contains(text, "ERR_NETWORK_CHANGED") { // of the machine's, by another test perhaps
				continue
			}
			if m.IsException() || strings.HasPrefix(text, "error") {
				b.mu.Lock()
				b.said = append(b.said, text)
				b.mu.Unlock()
			}
		}
	}()
	return b
}

// errors returns what the console has shown since the last call, faults in the page's code and
// violations of its policy among it.
func (b *browser) errors() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said
	b.said = nil
	return said
}

// look sets the size of the window, the colours that the user prefers, and if they want less motion.
func (b *browser) look(width, height int64, colours, motion string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: colours}, {Name: "prefers-reduced-motion", Value: motion},
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(width, height))
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// open opens an address anew.
func (b *browser) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(url))
}

// ask evaluates JavaScript.
func ask[T any](b *browser, script string, args ...any) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](fmt.Sprintf(script, args...), chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", fmt.Sprintf(script, args...), err)
	}
	return got
}

// until waits until JavaScript is true.
func (b *browser) until(script string, args ...any) {
	b.t.Helper()
	script = fmt.Sprintf(script, args...)
	for deadline := time.Now().Add(patience); !ask[bool](b, "Boolean(%s)", script); {
		if time.Now().After(deadline) {
			b.t.Fatalf("it does not come to be: %s\nThe page says:\n%s", script, b.text())
		}
		time.Sleep(50 * time.Millisecond) // another process
	}
}

// has waits for a text on the page.
func (b *browser) has(text string) {
	b.t.Helper()
	b.until("document.body.innerText.includes(%q)", text)
}

func (b *browser) text() string { return ask[string](b, "document.body.innerText") }

// press presses keys, one after the other.
func (b *browser) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		b.do(chromedp.KeyEvent(key))
	}
}

// shot keeps a picture of the page in the directory that NETABASE_SCREENSHOTS names, if it does.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("NETABASE_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		b.t.Error(err)
	}
}
