//go:build !js

package webtest

import (
	"path/filepath"
	"strings"
	"testing"
)

// Tests that run in a browser print and end as those that do not.
func TestInBrowser(t *testing.T) {
	Needs(t)
	for _, test := range []struct {
		dir  string
		code int
		says []string
	}{
		{"passes", 0, []string{"it runs in a page\n", "it runs in a worker\n", "PASS\n"}},
		{"fails", 1, []string{"--- FAIL: TestFails", "as it has to: ä€\n", "FAIL\n"}},
		{"crashes", 2, []string{"panic: as it has to"}},
	} {
		t.Run(test.dir, func(t *testing.T) {
			var out strings.Builder
			where := []Where{Page, Worker}
			code, err := inBrowser(t.Context(), filepath.Join("testdata", test.dir), where, &out)
			if code != test.code || err != nil {
				t.Errorf("exit status %d, %v; want %d", code, err, test.code)
			}
			for _, text := range test.says {
				if !strings.Contains(out.String(), text) {
					t.Errorf("it does not say %q:\n%s", text, out.String())
				}
			}
		})
	}
}
