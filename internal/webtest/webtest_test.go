//go:build !js

package webtest

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// Tests that run in a browser print and end as those that do not.
func TestInBrowser(t *testing.T) {
	Needs(t)
	t.Setenv("NETABASE_WEBTEST", "it")
	for _, test := range []struct {
		dir  string
		code int
		says []string
	}{
		{"passes", 0, []string{
			"it runs in a page\n", "it runs in a worker\n", "the environment has it\n", "PASS\n",
		}},
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

// A test calls the functions of its page, before and after a reload.
func TestTab(t *testing.T) {
	tab := Open(t, fstest.MapFS{"index.html": &fstest.MapFile{Data: []byte(`<script>
		let calls = 0
		const add = async (a, b) => ({ sum: a + b, calls: ++calls, go: typeof Go })
		const fail = () => { throw new Error('as it has to') }
	</script><script src="wasm_exec.js"></script>`)}})
	type answer struct {
		Sum   string
		Calls int
		Go    string
	}
	for i, want := range []answer{{"äb", 1, "function"}, {"äb", 2, "function"}, {"äb", 1, "function"}} {
		if i == 2 {
			tab.Reload()
		}
		var got answer
		if err := tab.Call(&got, "add", "ä", "b"); err != nil || got != want {
			t.Errorf("call %d gives %+v, %v; want %+v", i, got, err, want)
		}
	}
	if err := tab.Call(nil, "fail"); err == nil || !strings.Contains(err.Error(), "as it has to") {
		t.Errorf("a function that fails gives %v", err)
	}
}
