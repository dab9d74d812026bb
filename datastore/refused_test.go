package datastore_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"maps"
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

	// One program that names what is internal keeps the go command from building any
	// other, so that it is built alone.
	var together []string
	for program := range want {
		if program != "internals" {
			together = append(together, program)
		}
	}
	said := goBuild(t, filepath.Join(workspace, "refused"), together...)
	maps.Copy(said, goBuild(t, filepath.Join(workspace, "refused"), "internals"))
	for program, refusals := range want {
		t.Run(program, func(t *testing.T) {
			if output := said[program]; (output != "") != (len(refusals) > 0) {
				t.Errorf("refused is %t, want %t", output != "", len(refusals) > 0)
			}
			compareRefusals(t, refusals, said[program])
		})
	}
}

// goBuild builds programs and returns what the go command had to say of each.
func goBuild(t *testing.T, module string, programs ...string) map[string]string {
	t.Helper()
	args := []string{"build", "-gcflags=-e"}
	for _, program := range programs {
		args = append(args, "./"+program)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(module, "..", "go.work"), "GOFLAGS=", "CGO_ENABLED=0", "PWD="+module)
	output, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Skipf("the go command is missing: %v", err)
	}
	said := map[string]string{}
	program := ""
	for line := range strings.Lines(string(output)) {
		if match := saidOf.FindStringSubmatch(line); match != nil {
			program = match[1]
		}
		said[program] += line
	}
	if (err != nil) != (len(said) > 0) || said[""] != "" {
		t.Errorf("the go command ended with %v, and said:\n%s", err, output)
	}
	return said
}

// saidOf is the line before what the go command has to say of a program.
var saidOf = regexp.MustCompile(`^(?:#|package) example\.com/refused/([a-z]+)`)

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
