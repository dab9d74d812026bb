package interop_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPage drives the page of a demonstration in a browser.
func TestPage(t *testing.T) {
	b := openBrowser(t)
	n := runDemo(t, buildNode(t), packages(30))
	t.Run("strangers", func(t *testing.T) {
		n.t = t
		testStrangers(t, openBrowser(t), n) // the console of this one has errors
	})
	for name, test := range map[string]func(*testing.T, *browser, *shownNode){
		"views": testViews, "keyboard": testKeyboard, "live": testLive, "motion": testMotion,
	} {
		t.Run(name, func(t *testing.T) {
			b.t, n.t = t, t
			b.look(1200, 900, "light", "no-preference")
			test(t, b, n)
			if said := b.errors(); said != nil {
				t.Errorf("the console has errors: %q", said)
			}
		})
	}
}

// testViews looks at every view, narrow and wide, light and dark.
func testViews(t *testing.T, b *browser, n *shownNode) {
	tree := "#/data?at=/peer/1&tree=golang.package"
	key := heldBy(n, 1)
	views := []struct{ name, address, shows string }{
		{"network", "#/network?tree=golang.package&key=" + url.QueryEscape(key), "Held by"},
		{"data", tree, "Next page"},
		{"index", tree + "&index=module&key=" + url.QueryEscape("example.org/m1"), "Key in the index"},
		{"row", tree + "&row=" + url.QueryEscape(key), "Served to others"},
		{"work", "#/work?at=/peer/1", "Operations a second"},
		{"missing", "#/data?at=/peer/1&tree=golang.pakage", "no tree of this name"},
		{"nobody", "#/work?at=/peer/99", "no such peer"},
	}
	for _, colours := range []string{"light", "dark"} {
		for _, width := range []int64{360, 1600} {
			b.look(width, 1000, colours, "no-preference")
			for _, v := range views {
				b.open(n.url + v.address)
				b.has(v.shows)
				b.until("!document.body.innerText.includes('Loading')")
				label := fmt.Sprintf("%s-%d-%s", v.name, width, colours)
				if wide := ask[int64](b, "document.documentElement.scrollWidth"); wide > width {
					t.Errorf("%s: the page is %d pixels wide", label, wide)
				}
				if pale := ask[[]string](b, contrast); len(pale) > 0 {
					t.Errorf("%s: hard to read: %q", label, pale)
				}
				if nameless := ask[[]string](b, withoutName); len(nameless) > 0 {
					t.Errorf("%s: controls without a name: %q", label, nameless)
				}
				if text := b.text(); strings.Contains(text, "undefined") || strings.Contains(text, "NaN") ||
					strings.Contains(text, "[object") {
					t.Errorf("%s: %s", label, text)
				}
				b.shot(label)
			}
		}
	}
}

// heldBy returns the key of a row that the peer with the number holds.
func heldBy(n *shownNode, number int) string {
	n.t.Helper()
	body := n.get(fmt.Sprintf("peer/%d/v1/trees/golang.package/rows?limit=1", number))
	_, rest, ok := strings.Cut(body, `"key":"`)
	key, _, end := strings.Cut(rest, `"`)
	if !ok || !end {
		n.t.Fatalf("no row: %s", body)
	}
	return key
}

// testLive sees a record arrive that is put while the page is open.
func testLive(t *testing.T, b *browser, n *shownNode) {
	b.open(n.url + "#/network")
	b.has("Live.")
	b.until("document.querySelectorAll('[role=radio]').length === 7")
	ask[bool](b, `window.dots = 0, new MutationObserver((list) => list.forEach((m) => m.addedNodes.forEach((n) => {
		if (n.classList && n.classList.contains("placed")) window.dots++;
	}))).observe(document.querySelector("svg.ring"), { childList: true, subtree: true }), true`)
	n.post("peer/2/v1/trees/golang.package/put", "application/json",
		`{"row":{"import_path":"example.org/live","name":"live","synopsis":"","module":"example.org/m0","imports":1}}`)
	b.has("example.org/live")
	b.until("[...document.querySelectorAll('.log li')].some((l) => /stored/.test(l.innerText) && " +
		"l.innerText.includes('example.org/live'))")
	b.until("window.dots > 0")
	// The list can be paused, and a record in it be chosen.
	b.do(chromedp.Click(chromedp.CSS("[aria-pressed]")))
	b.has("Paused.")
	b.until("[...document.querySelectorAll('.log a')].find((a) => a.innerText === 'example.org/live')?.click() ?? true")
	b.until("/Held by\\s+[3-7] peers/.test(document.body.innerText)")
	b.until("document.querySelectorAll('.peer.holds').length >= 3")
}

// testMotion sees no moving dots where the user wants none.
func testMotion(t *testing.T, b *browser, n *shownNode) {
	b.look(1200, 900, "light", "reduce")
	b.open(n.url + "#/network")
	b.has("asks for less motion")
	b.until("document.querySelectorAll('.log li').length > 3") // records travel
	if dots := ask[int](b, "document.querySelectorAll('.dot').length"); dots != 0 {
		t.Errorf("%d dots move", dots)
	}
}

// testKeyboard goes through the page by keys alone, and changes a row.
func testKeyboard(t *testing.T, b *browser, n *shownNode) {
	b.open(n.url)
	b.until("document.querySelectorAll('[role=radio]').length > 0")
	b.tabTo("To the content")
	b.tabTo("Network")
	b.tabTo("Data")
	b.tabTo("Topics")
	b.tabTo("Work")
	b.tabTo("Peer 1") // the first of the ring, or another
	before := b.focused()
	b.press(kb.ArrowRight)
	if b.focused() == before {
		t.Errorf("an arrow key stays at %s", before)
	}
	b.has("Its data")

	// To a row that the first peer holds, by links alone.
	b.open(n.url + "#/data?at=/peer/1")
	b.has("golang.package")
	b.tabTo("golang.package")
	b.press(kb.Enter)
	b.has("Next page")
	key := heldBy(n, 1)
	b.tabTo(key)
	b.press(kb.Enter)
	b.has("Change the row")
	b.tabTo("Change the row")
	b.press(kb.Enter)
	b.until("document.activeElement.name === 'row'")

	// The new text in place of the old. Of two records without a clock the larger one counts, and the
	// name comes first. And 2^64-3 does not fit into JavaScript's numbers.
	changed := fmt.Sprintf(`{"import_path":%q,"name":"zzzz","synopsis":"By keys.","module":"zz",`+
		`"imports":18446744073709551613}`, key)
	b.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(2))) // Ctrl
	b.press(kb.Delete, changed)
	b.tabTo("Look at the change") // the text area is no trap
	b.press(kb.Enter)
	b.until("document.querySelector('dialog[open]')")
	b.has("18446744073709551613")
	b.shot("change")
	b.press(kb.Escape)
	b.until("!document.querySelector('dialog')")
	b.until("document.activeElement.innerText === 'Look at the change'") // it comes back a little later
	b.press(kb.Enter)
	b.until("document.querySelector('dialog[open]')")
	for range 6 { // the dialog keeps the focus
		b.press(kb.Tab)
		if !ask[bool](b, "document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))") {
			t.Fatalf("the focus leaves the dialog for %s", b.focused())
		}
	}
	b.tabTo("Store")
	b.press(kb.Enter)
	b.until("document.activeElement.name === 'token'")
	b.press(n.token, kb.Enter)
	b.has("The row is stored, and")
	b.until("document.activeElement.innerText === 'Change the row'")
	b.has("By keys.")
	got := n.get("peer/1/v1/trees/golang.package/row?key=" + url.QueryEscape(key))
	if !strings.Contains(got, `"imports":18446744073709551613`) || !strings.Contains(got, `"By keys."`) {
		t.Errorf("the row is %s", got)
	}
	if token := ask[string](b, "sessionStorage.getItem('netabase-token')"); token != n.token {
		t.Errorf("the tab keeps %q as its token", token)
	}
}

// tabTo presses Tab until what has the focus is named so, and checks that every stop can be seen.
func (b *browser) tabTo(name string) {
	b.t.Helper()
	var seen []string
	for range 120 {
		b.press(kb.Tab)
		at := b.focused()
		if at != "" && !ask[bool](b, focusShows) {
			b.t.Errorf("nothing shows that the focus is at %s", at)
		}
		if at == name || name == "Peer 1" && strings.HasPrefix(at, "Peer ") {
			return
		}
		seen = append(seen, at)
	}
	b.t.Fatalf("Tab does not lead to %s, but to %q", name, seen)
}

// focused returns the name of what has the focus.
func (b *browser) focused() string {
	b.t.Helper()
	return ask[string](b, `(() => { const e = document.activeElement;
		if (!e || e === document.body) return "";
		const name = e.getAttribute("aria-label") || e.labels?.[0]?.innerText || e.innerText || e.id || e.tagName;
		return name.trim().split("\n")[0];
	})()`)
}

// testStrangers lets a page of another origin try to read and to change something.
func testStrangers(t *testing.T, b *browser, n *shownNode) {
	key := heldBy(n, 1)
	before := n.get("peer/1/v1/trees/golang.package/row?key=" + url.QueryEscape(key))
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>stranger</title>
			<form method="post" enctype="text/plain" action="%speer/1/v1/trees/golang.package/put">
			<input name='{"row":{"import_path":"example.org/stranger","name":"' value='"}}'></form>`, n.url)
	}))
	defer stranger.Close()
	b.open(stranger.URL)
	for _, request := range []string{
		`"%speer/1/v1/trees"`,
		`"%sv1/network"`,
		`"%speer/1/v1/trees/golang.package/put", {method: "POST", headers: {"Content-Type": "application/json", ` +
			`"Authorization": "Bearer ` + n.token + `"}, body: "{}"}`,
	} {
		got := ask[string](b, `fetch(`+request+`).then((r) => "status " + r.status, (e) => "refused")`, n.url)
		if got != "refused" {
			t.Errorf("a stranger fetches %s: %s", request, got)
		}
	}
	// Without CORS a request is made, but is answered with a refusal that the page cannot read.
	ask[string](b, `fetch("%speer/1/v1/trees/golang.package/put", {method: "POST", mode: "no-cors", body: '{"row":{}}'})
		.then((r) => r.type)`, n.url)
	b.do(chromedp.Evaluate[chromedp.Void]("document.forms[0].submit()"))
	b.until("location.href.startsWith(%q)", n.url)
	b.has("origin")
	after := n.get("peer/1/v1/trees/golang.package/row?key=" + url.QueryEscape(key))
	if before != after {
		t.Errorf("a stranger has changed a row:\n%s\n%s", before, after)
	}
	if rows := n.get("peer/1/v1/trees/golang.package/rows?key=example.org/stranger"); strings.Contains(rows, "stranger") {
		t.Errorf("a stranger has stored a row: %s", rows)
	}
}
