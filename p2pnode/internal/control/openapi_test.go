package control

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

type reference struct {
	Ref string `yaml:"$ref"`
}

type operation struct {
	Parameters  []reference           `yaml:"parameters"`
	Security    []map[string][]string `yaml:"security"`
	RequestBody struct {
		Content map[string]any `yaml:"content"`
	} `yaml:"requestBody"`
	Responses map[string]struct {
		Content map[string]any `yaml:"content"`
	} `yaml:"responses"`
}

func TestTheDescriptionHasTheRoutes(t *testing.T) {
	var file struct {
		Paths      map[string]map[string]yaml.Node `yaml:"paths"`
		Components struct {
			Parameters map[string]struct {
				Name string `yaml:"name"`
				In   string `yaml:"in"`
			} `yaml:"parameters"`
		} `yaml:"components"`
	}
	if err := yaml.Unmarshal(api.Description, &file); err != nil {
		t.Fatal(err)
	}
	parameters := func(refs []reference, in string) (names []string) {
		for _, r := range refs {
			p, ok := file.Components.Parameters[strings.TrimPrefix(r.Ref, "#/components/parameters/")]
			if !ok || p.In != in {
				t.Errorf("the parameter %s is in %q, want %q", r.Ref, p.In, in)
			}
			names = append(names, p.Name)
		}
		return names
	}
	inPath := regexp.MustCompile(`\{(\w+)\}`)
	described := map[string]operation{}
	for path, methods := range file.Paths {
		for method, node := range methods {
			if method == "parameters" {
				continue
			}
			var o operation
			if err := node.Decode(&o); err != nil {
				t.Fatal(err)
			}
			described[strings.ToUpper(method)+" "+path] = o
		}
		var want, got []string
		for _, match := range inPath.FindAllStringSubmatch(path, -1) {
			want = append(want, match[1])
		}
		if node, ok := methods["parameters"]; ok {
			var refs []reference
			if err := node.Decode(&refs); err != nil {
				t.Fatal(err)
			}
			got = parameters(refs, "path")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has the parameters %q in its path, and %q are described", path, want, got)
		}
	}
	served := map[string]bool{}
	for _, r := range routes() {
		name := r.method + " " + r.path
		served[name] = true
		o, ok := described[name]
		if !ok {
			t.Errorf("%s is not described", name)
			continue
		}
		if got := parameters(o.Parameters, "query"); !slices.Equal(got, r.query) {
			t.Errorf("%s takes the parameters %q, and %q are described", name, r.query, got)
		}
		if token := len(o.Security) == 1 && o.Security[0]["token"] != nil; token != r.token {
			t.Errorf("%s needs a token: %t, and the description says %t", name, r.token, token)
		}
		body := ""
		for kind := range o.RequestBody.Content {
			body = kind
		}
		if body != r.body {
			t.Errorf("%s takes %q, and the description says %q", name, r.body, body)
		}
	}
	for name := range maps.Keys(described) {
		if !served[name] {
			t.Errorf("%s is described and not served", name)
		}
	}
}

// Every request that changes something needs the token: pages of other origins can send a POST.
func TestWhatNeedsTheToken(t *testing.T) {
	for _, r := range routes() {
		if r.method == "POST" && (!r.token || r.body == "") {
			t.Errorf("%s %s needs a token (%t) and a type (%q)", r.method, r.path, r.token, r.body)
		}
	}
}
