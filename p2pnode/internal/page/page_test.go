package page_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/page"
)

func get(t *testing.T, path string, header http.Header) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for name := range header {
		r.Header.Set(name, header.Get(name))
	}
	page.Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestFilesComeWithTheirTypesAndAPolicy(t *testing.T) {
	for path, want := range map[string]string{
		"/":             "text/html; charset=utf-8",
		"/index.html":   "text/html; charset=utf-8",
		"/app.js":       "text/javascript; charset=utf-8",
		"/app.css":      "text/css; charset=utf-8",
		"/icon.svg":     "image/svg+xml",
		"/licenses.txt": "text/plain; charset=utf-8",
	} {
		got := get(t, path, nil)
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", path, got.StatusCode)
		}
		for name, value := range map[string]string{
			"Content-Type":           want,
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy":        "no-referrer",
		} {
			if got.Header.Get(name) != value {
				t.Errorf("%s: %s is %q, it should be %q", path, name, got.Header.Get(name), value)
			}
		}
		policy := got.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		again := get(t, path, http.Header{"If-None-Match": {got.Header.Get("Etag")}})
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s, asked again: status %d", path, again.StatusCode)
		}
	}
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	for _, path := range []string{"/dist/app.js", "/app", "/v1/status", "/../page.go", "/app.js/"} {
		if got := get(t, path, nil); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, got.StatusCode)
		}
	}
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", w.Code)
	}
}

// The policy would keep code out that is written into the page, so there must be none.
func TestThePageHasNoCodeOrStyleInIt(t *testing.T) {
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	html := w.Body.String()
	if found := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script(?:\s+[^>]*)?>[^<]|https?:`).
		FindString(html); found != "" {
		t.Errorf("the page has %q in it:\n%s", found, html)
	}
	for _, name := range []string{`src="app.js"`, `href="app.css"`} {
		if !strings.Contains(html, name) {
			t.Errorf("the page does not have %s", name)
		}
	}
}
