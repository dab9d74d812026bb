package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// tester asks a handler.
type tester struct {
	*testing.T
	handler http.Handler
}

func newTester(t *testing.T) (tester, *Node) {
	n := newNode(t)
	return tester{t, New(Options{Node: n})}, n
}

// ask sends a request, and reads the answer as JSON into the value that into points to, or fails unless the
// error has the code.
func (t tester) ask(code api.Code, method, path, body string, into any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", typeJSON)
	if strings.Contains(path, "/import") {
		r.Header.Set("Content-Type", typeLines)
	}
	w := httptest.NewRecorder()
	t.handler.ServeHTTP(w, r)
	var failure api.Failure
	if w.Code != http.StatusOK {
		if err := json.Unmarshal(w.Body.Bytes(), &failure); err != nil || failure.Error == nil {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		if failure.Error.Code != code || statuses[code] != w.Code {
			t.Fatalf("%s %s: %d %+v, want %q", method, path, w.Code, failure.Error, code)
		}
		if into != nil {
			*into.(*api.Error) = *failure.Error
		}
		return
	}
	if code != "" {
		t.Fatalf("%s %s: %s, want the error %s", method, path, w.Body, code)
	}
	switch into := into.(type) {
	case nil:
	case *string:
		*into = w.Body.String()
	default:
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
}

// list returns the keys of all pages, each with limit rows at most.
func (t tester) list(path string, limit int) (keys []string) {
	t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	next := ""
	for pages := 0; ; pages++ {
		var page api.Page
		t.ask("", "GET", fmt.Sprintf("%s%slimit=%d&page=%s", path, separator, limit, next), "", &page)
		for _, row := range page.Rows {
			keys = append(keys, row.Key)
		}
		if len(page.Rows) > limit || pages > 100 {
			t.Fatalf("there are %d rows on page %d", len(page.Rows), pages)
		}
		if next = page.Next; next == "" {
			return keys
		}
	}
}

func TestLists(t *testing.T) {
	x, _ := newTester(t)
	for i, title := range []string{"apple", "apricot", "banana", "banana", "cherry", "cherry, sour", "date"} {
		tags := `["all"]`
		if i%2 == 0 {
			tags = `["all", "even"]`
		}
		x.ask("", "POST", "/v1/trees/log.entry/put",
			fmt.Sprintf(`{"row": {"ID": %d, "Title": %q, "Tags": %s, "At": "2026-11-0%dT00:00:00Z"}}`, i, title, tags, 9-i), nil)
	}
	q := url.QueryEscape
	for _, of := range []struct {
		path string
		want string
	}{
		{"rows", "0 1 2 3 4 5 6"},
		{"rows?reverse=true", "6 5 4 3 2 1 0"},
		{"rows?from=2&to=5", "2 3 4"},
		{"rows?from=2&to=5&reverse=true", "4 3 2"},
		{"rows?key=3", "3"},
		{"rows?key=9", ""},
		{"indexes/tag?key=even", "0 2 4 6"},
		{"indexes/tag?key=even&reverse=true", "6 4 2 0"},
		{"indexes/tag?prefix=e", "0 2 4 6"},
		{"indexes/tag", "0 1 2 3 4 5 6 0 2 4 6"},
		{"indexes/tag?reverse=true", "6 4 2 0 6 5 4 3 2 1 0"},
		{"indexes/title_id?prefix=ap", "0 1"},
		{"indexes/title_id?prefix=banana", "2 3"},
		{"indexes/title_id?prefix=" + q("banana,"), "2 3"},
		{"indexes/title_id?prefix=" + q("banana,3"), "3"},
		{"indexes/title_id?prefix=" + q("cherry"), "4 5"},
		{"indexes/title_id?prefix=" + q("cherry,"), "4"},
		{"indexes/title_id?prefix=" + q(`"cherry, sour",`), "5"},
		{"indexes/title_id?prefix=" + q(`"cherry, s"`), "5"},
		{"indexes/title_id?key=" + q("banana,3"), "3"},
		{"indexes/title_id?from=" + q("banana,3") + "&to=" + q("date,0"), "3 4 5"},
		{"indexes/secret?key=banana", "2 3"},
		{"rows?where=" + q("Title ^= c"), "4 5"},
		{"rows?where=" + q("Title ^= c") + "&where=" + q("ID > 4"), "5"},
		{"indexes/tag?key=even&where=" + q("ID != 4"), "0 2 6"},
		{"rows?order=-Title", "6 5 4 2 3 1 0"},
		{"rows?order=At", "6 5 4 3 2 1 0"},
		{"indexes/tag?key=even&order=At", "6 4 2 0"},
	} {
		for limit := 1; limit <= 8; limit += 3 {
			if got := strings.Join(x.list("/v1/trees/log.entry/"+of.path, limit), " "); got != of.want {
				t.Errorf("%s, in pages of %d: %q, want %q", of.path, limit, got, of.want)
			}
		}
	}
	for path, code := range map[string]api.Code{
		"log.entry/rows?key=x":                              api.Invalid,
		"log.entry/rows?key=1&from=2":                       api.Invalid,
		"log.entry/rows?prefix=1&to=2":                      api.Invalid,
		"log.entry/rows?limit=0":                            api.Invalid,
		"log.entry/rows?limit=1001":                         api.Invalid,
		"log.entry/rows?page=abc":                           api.Invalid,
		"log.entry/rows?where=" + q("Titel = x"):            api.Invalid,
		"log.entry/rows?order=Titel":                        api.Invalid,
		"log.entry/rows?reverse=yes":                        api.Invalid,
		"log.entry/indexes/tags":                            api.UnknownIndex,
		"log.entry/indexes/secret?prefix=b":                 api.Invalid,
		"log.entry/indexes/secret":                          api.Invalid,
		"log.entry/indexes/title_id?prefix=" + q("a,1,2,3"): api.Invalid,
		"log.entrie/rows":                                   api.UnknownTree,
		"libp2p.value/indexes/expiry":                       api.Forbidden,
		"libp2p.value/rows?where=x":                         api.Forbidden,
	} {
		x.ask(code, "GET", "/v1/trees/"+path, "", &api.Error{})
	}
	var fault api.Error
	x.ask(api.UnknownTree, "GET", "/v1/trees/log.entrie/rows", "", &fault)
	if fault.Suggestion != "log.entry" || !slices.Contains(fault.Known, "log.entry") {
		t.Errorf("the error is %+v", fault)
	}
	var page api.Page
	x.ask("", "GET", "/v1/trees/log.entry/rows?limit=1", "", &page)
	x.ask(api.Invalid, "GET", "/v1/trees/log.entry/indexes/tag?limit=1&page="+page.Next, "", &fault)
	x.ask(api.Invalid, "GET", "/v1/trees/log.entry/rows?reverse=true&page="+page.Next, "", &fault)
	if want := `{"At":"2026-11-09T00:00:00Z","ID":0,"Tags":["all","even"],"Title":"apple"}`; string(
		page.Rows[0].Value,
	) != want {
		t.Errorf("the row is %s, want %s", page.Rows[0].Value, want)
	}
}

// Trees that are not hosted are listed from a key on, in pages.
func TestOtherTrees(t *testing.T) {
	x, n := newTester(t)
	face := n.Store.Datastore()
	for i := range 5 {
		if err := face.Put(t.Context(), ds.NewKey(fmt.Sprint("/k", i)), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	all := x.list("/v1/trees/netabase.plain/rows", 2)
	if len(all) != 5 {
		t.Fatalf("the keys are %q", all)
	}
	if from := x.list("/v1/trees/netabase.plain/rows?from="+url.QueryEscape(all[2]), 2); !slices.Equal(from, all[2:]) {
		t.Errorf("from the third on there are %q", from)
	}
	var detail api.Detail
	x.ask("", "GET", "/v1/trees/netabase.plain/row?key="+url.QueryEscape(all[2]), "", &detail)
	if detail.Key != all[2] || !strings.Contains(string(detail.Value), "bytes") {
		t.Errorf("the row is %+v", detail)
	}
	x.ask(api.NotFound, "GET", "/v1/trees/netabase.plain/row?key="+url.QueryEscape(all[2]+"0"), "", nil)
	x.ask(api.Forbidden, "POST", "/v1/trees/netabase.plain/put", `{"row": {}}`, nil)
}

func TestWrites(t *testing.T) {
	x, _ := newTester(t)
	const tree = "/v1/trees/log.entry/"
	var report api.Report
	x.ask("", "POST", tree+"put", `{"row": {"ID": 1, "Title": "one"}}`, &report)
	if report.Key != "1" || report.Published || report.Took == nil {
		t.Errorf("put says %+v", report)
	}
	x.ask("", "POST", tree+"put", `{"row": {"ID": 1, "Title": "another"}}`, nil)
	x.ask(api.Conflict, "POST", tree+"put", `{"row": {"ID": 1, "Title": "third"}, "insert": true}`, nil)
	x.ask(api.Invalid, "POST", tree+"put", `{"row": {"ID": "1"}}`, nil)
	x.ask(api.Invalid, "POST", tree+"put", `{}`, nil)
	x.ask(api.Invalid, "POST", tree+"put", `{"row": {"ID": 2}, "expires": "2020-01-01T00:00:00Z"}`, nil)
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	x.ask("", "POST", tree+"put", fmt.Sprintf(`{"row": {"ID": 2}, "expires": %q}`, expires.Format(time.RFC3339)), nil)
	var detail api.Detail
	x.ask("", "GET", tree+"row?key=2", "", &detail)
	if detail.Expires == nil || !detail.Expires.Equal(expires) || detail.Bytes == "" || detail.State != "" {
		t.Errorf("the row is %+v", detail)
	}
	x.ask(api.Forbidden, "POST", tree+"publish", `{"key": "1"}`, nil)
	x.ask(api.Forbidden, "POST", tree+"retract", `{"key": "1"}`, nil)
	x.ask(api.Forbidden, "POST", tree+"resolve", `{"key": "1"}`, nil)
	x.ask(api.NotFound, "POST", tree+"delete", `{"key": "9"}`, nil)
	x.ask("", "POST", tree+"delete", `{"key": "1"}`, nil)
	x.ask(api.NotFound, "GET", tree+"row?key=1", "", nil)
	x.ask(api.NoPeers, "POST", "/v1/peers/connect", `{"address": "/ip4/127.0.0.1/tcp/1"}`, nil)

	var imported api.Imported
	x.ask(
		"",
		"POST",
		tree+"import",
		"{\"ID\": 3}\n\n{\"ID\": true}\n{\"ID\": 4}\n{\"ID\": 5, \"Titel\": \"\"}\n{\"ID\": 6}",
		&imported,
	)
	if imported.Stored != 3 || imported.Refused != 2 || len(imported.Reasons) != 2 || imported.Reasons[0].Line != 3 ||
		imported.Reasons[1].Line != 5 {
		t.Errorf("import says %+v", imported)
	}
	x.ask(api.Invalid, "POST", tree+"import?publish=true", "{}", nil)
	x.ask(api.TooLarge, "POST", tree+"import", "{\"ID\": 7}\n{\"Title\": \""+strings.Repeat("x", maxBody)+"\"}", nil)
	if got := strings.Join(x.list(tree+"rows", 10), " "); got != "2 3 4 6 7" {
		t.Errorf("there are %q", got)
	}
	var exported string
	x.ask("", "GET", tree+"export", "", &exported)
	other, _ := newTester(t)
	other.ask("", "POST", tree+"import", exported, &imported)
	var again string
	other.ask("", "GET", tree+"export", "", &again)
	if imported.Stored != 5 || again != exported || strings.Count(exported, "\n") != 5 {
		t.Errorf("the export is\n%s\nand after the import\n%s", exported, again)
	}
}

func TestTheStore(t *testing.T) {
	x, n := newTester(t)
	x.ask("", "POST", "/v1/trees/log.entry/put", `{"row": {"ID": 1, "Title": "one", "Tags": ["a", "b"]}}`, nil)
	var status api.Status
	x.ask("", "GET", "/v1/status", "", &status)
	if status.Trees == 0 || status.MemoryBytes == 0 || status.Version != "test" {
		t.Errorf("the status is %+v", status)
	}
	var trees []api.Tree
	x.ask("", "GET", "/v1/trees", "", &trees)
	i := slices.IndexFunc(trees, func(t api.Tree) bool { return t.Name == "log.entry" })
	if i < 0 || !trees[i].Hosted || len(trees[i].Fields) != 4 || len(trees[i].Indexes) != 3 || len(trees[i].KeyFields) != 1 ||
		!trees[i].Indexes[2].Blind ||
		trees[i].Indexes[1].Fields[1] != "ID" {
		t.Errorf("the trees are %+v", trees)
	}
	var size api.Size
	x.ask("", "GET", "/v1/trees/log.entry/size", "", &size)
	if size.Rows != 1 || len(size.Indexes) != 3 || size.Indexes[0].Entries != 2 {
		t.Errorf("the size is %+v", size)
	}
	for _, path := range []string{"/v1/verify", "/v1/migrate"} {
		var last api.Progress
		x.ask("", "POST", path, "{}", &last)
		if !last.Done || last.Damage != nil {
			t.Errorf("%s says %+v", path, last)
		}
	}
	var file string
	x.ask("", "POST", "/v1/backup", "{}", &file)
	var direct strings.Builder
	if _, err := n.Store.Backup(t.Context(), &direct, datastore.BackupOptions{}); err != nil || len(file) != direct.Len() {
		t.Errorf("the backup has %d bytes, and that of the store %d, %v", len(file), direct.Len(), err)
	}
	x.ask("", "GET", "/v1/quarantine", "", &file)
	if file != "" {
		t.Errorf("in quarantine there is %q", file)
	}
	x.ask(api.Invalid, "POST", "/v1/quarantine/restore", `{"id": "x"}`, nil)
	x.ask(api.NotFound, "POST", "/v1/quarantine/restore", `{"id": "00"}`, nil)
	x.ask("", "GET", "/openapi.yaml", "", &file)
	if file != string(api.Description) {
		t.Error("openapi.yaml is another one")
	}
	x.ask(api.NotFound, "GET", "/metrics", "", nil)
}

// A page with few rows that fulfil a condition ends all the same, and the next goes on.
func TestAScanIsBounded(t *testing.T) {
	t.Parallel()
	x, _ := newTester(t)
	var rows strings.Builder
	for i := range maxScan + 10 {
		fmt.Fprintf(&rows, "{\"ID\": %d}\n", i)
	}
	x.ask("", "POST", "/v1/trees/log.entry/import", rows.String(), nil)
	var page api.Page
	path := "/v1/trees/log.entry/rows?where=" + url.QueryEscape(fmt.Sprint("ID = ", maxScan+5))
	pages := 0
	for next := ""; ; next = page.Next {
		page = api.Page{}
		x.ask("", "GET", path+"&page="+next, "", &page)
		if pages++; page.Next == "" || pages > 1000 {
			break
		}
		if len(page.Rows) > 0 {
			t.Errorf("the page has %d rows and a next", len(page.Rows))
		}
	}
	if pages < 2 || len(page.Rows) != 1 {
		t.Errorf("after %d pages there is %+v", pages, page)
	}
}
