//go:build !js

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// tab is a page of the board, in a browser with a profile of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func newTab(t *testing.T) tab {
	t.Helper()
	ctx, cancel, err := webtest.Start(t.Context(), func(any) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return tab{t, ctx}
}

func (b tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

// until waits until a script is true.
func (b tab) until(script string) {
	b.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script))
		if err != nil {
			b.t.Fatal(err)
		}
		if ok {
			return
		}
		if time.Now().After(deadline) {
			page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
			b.picture("failed")
			b.t.Fatalf("%s does not become true:\n%s", script, page)
		}
	}
}

func (b tab) says(text string) {
	b.t.Helper()
	b.until("document.getElementById('status').innerText.includes(" + quote(text) + ")")
}

// has waits for a note in a column, 0 to 2.
func (b tab) has(column int, text string) {
	b.t.Helper()
	b.until(items(column) + ".some((li) => li.querySelector('textarea').value === " + quote(text) + ")")
}

func (b tab) hasNot(column int, text string) {
	b.t.Helper()
	b.until("!" + items(column) + ".some((li) => li.querySelector('textarea').value === " + quote(text) + ")")
}

func items(column int) string {
	return "[...document.querySelectorAll('section')[" + string(rune('0'+column)) + "].querySelectorAll('li')]"
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "\\'") + "'" }

// add writes a note as a user does.
func (b tab) add(text string) {
	b.t.Helper()
	field := chromedp.CSS("section:first-child form textarea")
	button := chromedp.CSS("section:first-child form button")
	b.do(chromedp.Click(field), chromedp.SendKeys(field, text), chromedp.Click(button))
}

// press presses a button of a note.
func (b tab) press(text, button string) {
	b.t.Helper()
	b.until("(() => { for (const li of document.querySelectorAll('li')) if (li.querySelector('textarea').value === " +
		quote(text) + ") { li.querySelector('" + button + "').click(); return true } return false })()")
}

// picture keeps a picture of the page in the directory that NETABASE_SCREENSHOTS names.
func (b tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("NETABASE_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "board-"+name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// TestBoard has two users share a board, by its buttons.
func TestBoard(t *testing.T) {
	webtest.Needs(t)
	app, err := startApp(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := app.close(); err != nil {
			t.Error(err)
		}
	}()
	amina, kofi := newTab(t), newTab(t)
	amina.open(app.url)
	amina.says("Connected to 2 peers")
	amina.do(chromedp.SendKeys(chromedp.CSS("#name"), "Amina\t"))
	amina.add("Buy seeds")
	amina.add("Mend the fence")
	amina.has(0, "Buy seeds")
	kofi.open(app.url)
	kofi.has(0, "Buy seeds")
	kofi.has(0, "Mend the fence")
	kofi.until("document.querySelector('.author').innerText === 'Amina'")

	// Changes reach the other page.
	kofi.press("Buy seeds", ".right")
	amina.has(1, "Buy seeds")
	amina.press("Mend the fence", ".remove")
	kofi.hasNot(0, "Mend the fence")

	// A page that was offline catches up.
	kofi.do(chromedp.Click(chromedp.CSS("#online")))
	kofi.says("Offline")
	amina.add("Water the beans")
	amina.press("Buy seeds", ".right")
	kofi.add("Sell the goat")
	kofi.has(0, "Sell the goat")
	amina.has(2, "Buy seeds")
	kofi.hasNot(0, "Water the beans")
	kofi.do(chromedp.Click(chromedp.CSS("#online")))
	kofi.has(0, "Water the beans")
	kofi.has(2, "Buy seeds")
	amina.has(0, "Sell the goat")
	amina.picture("shared")

	// A second tab of the same browser shows the same.
	second, leave := chromedp.NewContext(amina.ctx)
	defer leave()
	again := tab{t, second}
	again.open(app.url)
	again.has(0, "Sell the goat")
	again.press("Sell the goat", ".right")
	amina.has(1, "Sell the goat")
	amina.press("Sell the goat", ".left")
	again.has(0, "Sell the goat")
	leave()

	// A reload keeps the board.
	amina.do(chromedp.Click(chromedp.CSS("#online")))
	amina.do(chromedp.Reload())
	amina.has(0, "Sell the goat")
	amina.says("Connected to 2 peers")

	// A new page gets what one that was closed has written.
	if err := chromedp.Cancel(kofi.ctx); err != nil {
		t.Fatal(err)
	}
	efua := newTab(t)
	efua.open(app.url)
	efua.has(0, "Sell the goat")
	efua.has(2, "Buy seeds")
}
