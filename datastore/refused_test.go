package datastore_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestRefusedPrograms builds the programs in testdata/refused as a module of
// its own, which is how a user's code sees this one. Every line that has to be
// refused says so in a comment with what the go command must say about it:
//
//	blog.Users.Put(ctx, tx, &u) // want `does not implement models\.Writer`
//
// Nothing else may be refused.
func TestRefusedPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with the go command")
	}
	programs := filepath.Join("testdata", "refused")
	want := wantedRefusals(t, programs)
	workspace := t.TempDir()
	if err := os.CopyFS(filepath.Join(workspace, "refused"), os.DirFS(programs)); err != nil {
		t.Fatal(err)
	}
	module, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	goMod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	goLine := regexp.MustCompile(`(?m)^go .*$`).Find(goMod)
	for name, content := range map[string]string{
		"go.work":        fmt.Sprintf("%s\n\nuse (\n\t%s\n\t./refused\n)\n", goLine, strconv.Quote(module)),
		"refused/go.mod": fmt.Sprintf("module example.com/refused\n\n%s\n", goLine),
	} {
		if err := os.WriteFile(filepath.Join(workspace, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	dirs, err := os.ReadDir(programs)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		t.Run(dir.Name(), func(t *testing.T) {
			output, failed := goBuild(t, filepath.Join(workspace, "refused"), dir.Name())
			if failed != (len(want[dir.Name()]) > 0) {
				t.Errorf("refused is %t, want %t", failed, !failed)
			}
			compareRefusals(t, want[dir.Name()], output)
		})
	}
}

// goBuild builds one program and returns what the go command had to say.
func goBuild(t *testing.T, module, program string) (output string, failed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-e", "./"+program)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(module, "..", "go.work"), "GOFLAGS=", "CGO_ENABLED=0", "PWD="+module)
	said, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Skipf("the go command is missing: %v", err)
	}
	return string(said), err != nil
}

// place is a line of a program's file.
type place struct {
	file string
	line int
}

var wantComment = regexp.MustCompile("^// want `(.*)`$")

// wantedRefusals reads the comments, by program.
func wantedRefusals(t *testing.T, programs string) map[string]map[place]*regexp.Regexp {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(programs, "*", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal("no programs", err)
	}
	want := map[string]map[place]*regexp.Regexp{}
	for _, file := range files {
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		program := map[place]*regexp.Regexp{}
		for _, group := range parsed.Comments {
			for _, comment := range group.List {
				if match := wantComment.FindStringSubmatch(comment.Text); match != nil {
					program[place{filepath.Base(file), fset.Position(comment.Pos()).Line}] = regexp.MustCompile(match[1])
				}
			}
		}
		want[filepath.Base(filepath.Dir(file))] = program
	}
	return want
}

// A refusal starts with where it is; what explains it follows indented.
var refusal = regexp.MustCompile(`^(?:package .*)?(?:\./)?(?:[^:\s]*[/\\])?([^/\\:\s]+\.go):(\d+):\d+: (.*)`)

var longNames = regexp.MustCompile(`"(?:[^"\s]*/)([a-z]+)"\.`)

func compareRefusals(t *testing.T, want map[place]*regexp.Regexp, output string) {
	t.Helper()
	got := map[place]string{}
	var at place
	for line := range strings.Lines(output) {
		// The compiler writes out the path of a package where another has the
		// same name, as go-datastore's has.
		line = longNames.ReplaceAllString(strings.TrimSpace(line), "$1.")
		if match := refusal.FindStringSubmatch(line); match != nil {
			number, err := strconv.Atoi(match[2])
			if err != nil {
				t.Fatal(err)
			}
			at = place{match[1], number}
			got[at] += match[3]
		} else if at.line > 0 {
			got[at] += " " + line
		}
	}
	for at, message := range want {
		if !message.MatchString(got[at]) {
			t.Errorf("%s:%d: got %q, want a message that matches %q", at.file, at.line, got[at], message)
		}
	}
	for at, message := range got {
		if want[at] == nil {
			t.Errorf("%s:%d: not meant to be refused: %s", at.file, at.line, message)
		}
	}
	if t.Failed() {
		t.Logf("the go command said:\n%s", output)
	}
}
