package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/peterbourgon/ff/v3/ffcli"
)

// commands returns all commands of the program.
func commands(t *testing.T) []*ffcli.Command {
	t.Helper()
	_, interrupts := newInterrupter(context.Background())
	p := program{nil, nil, nil, interrupts, new(string)}
	return p.root(&strings.Builder{}).Subcommands
}

// TestHelp checks that each command has help that fits a terminal, and is described in docs/p2pnode.md.
func TestHelp(t *testing.T) {
	manual, err := os.ReadFile("../docs/p2pnode.md")
	if err != nil {
		t.Fatal(err)
	}
	root := ok(t, "-h")
	for _, command := range commands(t) {
		if !strings.Contains(root, "\n  "+command.Name+" ") {
			t.Errorf("%s is not in the help", command.Name)
		}
		if !strings.Contains(string(manual), "`"+command.Name) && !strings.Contains(string(manual), "p2pnode "+command.Name) {
			t.Errorf("%s is not in docs/p2pnode.md", command.Name)
		}
		help, errOut, status := cli(t, "", command.Name, "-h")
		if status != exitOK || errOut != "" || strings.Count(help, command.ShortUsage) != 1 {
			t.Errorf("%s: exit status %d, %q, %q", command.Name, status, help, errOut)
		}
		behind, _, status := cli(t, "", command.Name, "argument", "-h")
		if status != exitOK || behind != help {
			t.Errorf("%s argument -h: exit status %d, %q", command.Name, status, behind)
		}
		for line := range strings.Lines(help) {
			if ansi.StringWidth(line) > 100 {
				t.Errorf("%s: a line of %d: %q", command.Name, ansi.StringWidth(line), line)
			}
		}
	}
}

// TestExitStatusesAreDocumented checks that the help and docs/p2pnode.md list the same statuses.
func TestExitStatusesAreDocumented(t *testing.T) {
	manual, err := os.ReadFile("../docs/p2pnode.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(manual), "\n## Exit status\n")
	if !found {
		t.Fatal("docs/p2pnode.md has no section on exit statuses")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var listed, helped []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) == 4 && strings.ContainsAny(cells[1], "0123456789") {
			listed = append(listed, strings.TrimSpace(cells[1]))
		}
	}
	_, help, _ := strings.Cut(ok(t, "-h"), "The exit status is\n")
	for line := range strings.Lines(help) {
		helped = append(helped, strings.Fields(line)[0])
	}
	if want := []string{
		"0",
		"1",
		"2",
		"3",
		"4",
		"5",
		"6",
		"130",
	}; !slices.Equal(listed, want) ||
		!slices.Equal(helped, want) {
		t.Errorf("%q, %q", listed, helped)
	}
}

func TestWrongWords(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"pubish"}, "did you mean publish?"},
		{[]string{"dance"}, "there are backup, "},
		{[]string{"ls", "-lmit", "3"}, "did you mean -limit?"},
		{[]string{"ls", "member", "-lmit", "3"}, "did you mean -limit?"},
		{[]string{"-dirr", "x", "ls"}, "did you mean -dir?"},
		{[]string{"get", "member"}, "get takes a model and a key, not 1 argument"},
		{[]string{"ls", "member", "1", "-prefix", "2"}, "give one of a key"},
		{[]string{"ls", "member", "-limit", "0"}, "it is at least 1"},
		{[]string{"models", "ad", "x"}, "did you mean add?"},
		{[]string{"models", "add"}, "models add takes 1 argument, not 0"},
		{[]string{"quarantine", "lst"}, "did you mean list?"},
		{[]string{"completion", "bsh"}, "did you mean bash?"},
		{[]string{"export", "member", "-format", "cvs"}, "did you mean csv?"},
		{[]string{"put", "member", "{"}, "the row is no JSON"},
		{[]string{"put", "member", "{}", "-expires", "-5m"}, "is not in the future"},
		{[]string{"put", "member", "{}", "-expires", "soon"}, "neither a length of time"},
		{[]string{"verify", "-dir", "x", "y"}, "there are two directories"},
		{[]string{"import", "member", "/no/such/file"}, "no such file"},
	} {
		if out, errOut, status := cli(
			t,
			"",
			c.args...); status != exitUsage || out != "" ||
			!strings.Contains(errOut, c.says) {
			t.Errorf("%q: exit status %d, %q, %q", c.args, status, out, errOut)
		}
	}
}

// TestNobodyReads checks that a command whose output nobody reads on ends without a word.
func TestNobodyReads(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := newProgram(t, t.TempDir(), "config", "-dir", newNode(t))
	var errOut strings.Builder
	cmd.Stdout, cmd.Stderr = write, &errOut
	err = cmd.Run()
	if status := cmd.ProcessState.ExitCode(); err == nil || status != exitFailed || errOut.Len() > 0 {
		t.Errorf("exit status %d, %q", status, errOut.String())
	}
	if err := write.Close(); err != nil {
		t.Error(err)
	}
}

// TestNothingThere checks what commands say of directories without a node.
func TestNothingThere(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{
		{"ls"}, {"get", "member", "1"}, {"put", "member", "{}"}, {"stat"}, {"export", "member"}, {"rm", "member", "1"},
	} {
		_, errOut, status := cli(t, "", append([]string{"-dir", none}, args...)...)
		if want := "p2pnode init -dir " + none; status != exitUnreachable || !strings.Contains(errOut, want) {
			t.Errorf("%q: exit status %d, %q", args, status, errOut)
		}
	}
	for _, args := range [][]string{
		{"peers"},
		{"connect", "x"},
		{"resolve", "member", "1"},
		{"watch", "member"},
		{"publish", "member", "1"},
		{"provide", "x"},
		{"providers", "x"},
		{"holders", "member", "1"},
		{"retract", "member", "1"},
		{"import", "-publish", "member", "-"},
		{"models", "list", "-peer", "x"},
		{"models", "fetch", "a", "b", "c"},
	} {
		_, errOut, status := cli(t, "", append([]string{"-dir", none}, args...)...)
		if want := "p2pnode run -dir " + none + " starts it"; status != exitUnreachable || !strings.Contains(errOut, want) {
			t.Errorf("%q: exit status %d, %q", args, status, errOut)
		}
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("the directory was made")
	}
}

// TestCompletion checks what the scripts ask for.
func TestCompletion(t *testing.T) {
	dir := newNode(t)
	for line, want := range map[string]string{
		"pu":                              "put publish",
		"-d":                              "-dir",
		"models ":                         "list add remove fetch",
		"ls ":                             "club.member",
		"find -limit 3 member ":           "email name",
		"find member -li":                 "-limit",
		"find member -limit ":             "",
		"export -format ":                 "",
		"completion ":                     "bash zsh fish",
		"dance ":                          "",
		"models remove ":                  "club.member",
		"find club.member em":             "email",
		"get club.member ":                "",
		"-dir " + dir + "/none ls ":       "",
		"ls -dir " + dir + "/none -json ": "",
	} {
		args := append([]string{"completion", "words", "-dir", dir}, strings.Split(line, " ")...)
		out, errOut, status := cli(t, "", args...)
		if got := strings.Join(strings.Fields(out), " "); status != exitOK || errOut != "" || got != want {
			t.Errorf("%q: %q, want %q, %q, exit status %d", line, got, want, errOut, status)
		}
	}
}

// TestBashCompletion completes in a real bash.
func TestBashCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	script := `complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _p2pnode; echo "${COMPREPLY[*]}"; }
source <(./p2pnode completion bash)
complete_line ./p2pnode pub
complete_line ./p2pnode -dir "$NODE" ls club.`
	work := t.TempDir()
	cmd := newProgram(t, work)
	cmd.Path, cmd.Args, cmd.Dir = bash, []string{"bash", "-c", script}, work
	cmd.Env = append(cmd.Env, "NODE="+newNode(t))
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(work, "p2pnode")); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if want := "publish\nclub.member\n"; err != nil || string(out) != want {
		t.Errorf("%q, %v", out, err)
	}
}
