package interop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPageOfManyRows goes through the rows of a tree that are too many for a browser: 20,000, or as
// many as NETABASE_PAGE_ROWS says.
func TestPageOfManyRows(t *testing.T) {
	rows := 20_000
	if text := os.Getenv("NETABASE_PAGE_ROWS"); text != "" {
		var err error
		if rows, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	b := openBrowser(t)
	dir := t.TempDir()
	n := &shownNode{t: t}
	at := regexp.MustCompile(`page (http://\S+/)`)
	runNode(t, "", func(line []byte) bool {
		found := at.FindSubmatch(line)
		if found != nil {
			n.url = string(found[1])
		}
		return found != nil
	}, buildNode(t), "run", "-dir", dir, "-http", "-models", "../examples/schema/member.json")
	token, err := os.ReadFile(filepath.Join(dir, "control.token"))
	if err != nil {
		t.Fatal(err)
	}
	n.token = strings.TrimSpace(string(token))
	const batch = 50_000
	for first := 0; first < rows; first += batch {
		n.post("v1/trees/club.member/import", "application/x-ndjson", members(first, min(first+batch, rows)))
	}

	b.look(1200, 900, "light", "no-preference")
	b.open(n.url + "#/data?tree=club.member&limit=500")
	b.has("500 rows on page 1")
	var nodes, heap int
	for page := 2; page <= min(rows/500, 100); page++ {
		b.do(chromedp.Evaluate[chromedp.Void](
			"[...document.querySelectorAll('.pager button')].find((b) => b.innerText === 'Next page').click()"))
		b.until("/500 rows on page %d(, the last)?$/m.test(document.body.innerText)", page)
		nodes = max(nodes, ask[int](b, "document.querySelectorAll('*').length"))
		heap = max(heap, ask[int](b, "performance.memory.usedJSHeapSize"))
	}
	t.Logf("at most %d elements and %d bytes of JavaScript's heap", nodes, heap)
	if nodes > 10_000 || heap > 100<<20 {
		t.Errorf("the page grows: %d elements, %d bytes", nodes, heap)
	}
	b.do(chromedp.Evaluate[chromedp.Void](
		"[...document.querySelectorAll('.pager button')].find((b) => b.innerText === 'Previous page').click()"))
	b.until("/500 rows on page %d$/m.test(document.body.innerText)", min(rows/500, 100)-1)

	// The end by the order of the keys, and a filter.
	b.open(n.url + "#/data?tree=club.member&limit=20&reverse=true")
	b.has(fmt.Sprintf("member-%d@example.org", rows-1))
	b.open(n.url + fmt.Sprintf("#/data?tree=club.member&limit=20&from=%d", rows-3))
	b.has("3 rows on page 1, the last")
	b.do(chromedp.Evaluate[chromedp.Void](
		"[...document.querySelectorAll('button')].find((b) => b.innerText === 'Count the rows').click()"))
	b.until("document.body.innerText.includes(new Intl.NumberFormat('en-US').format(%d) + ' rows, ')", rows)
	b.shot("many-rows")
	if said := b.errors(); said != nil {
		t.Errorf("the console has errors: %q", said)
	}
}

// members returns rows of the model in examples/schema, one a line.
func members(first, end int) string {
	var lines strings.Builder
	for i := first; i < end; i++ {
		fmt.Fprintf(&lines, `{"ID":%d,"Name":"Member %d","Email":"member-%d@example.org",`+
			`"Updated":"2026-01-01T00:00:00Z"}`+"\n", i, i, i)
	}
	return lines.String()
}
