package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// asProgram is an environment variable that makes the test binary run as p2pnode.
const asProgram = "P2PNODE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// newProgram returns a p2pnode process whose temporary files are in temp.
func newProgram(t *testing.T, temp string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+temp, "HOME="+temp, dirVariable+"=")
	return cmd
}

// run runs p2pnode to its end and returns its output and its exit status.
func run(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	return runWith(t, "", args...)
}

// runWith is run with an input.
func runWith(t *testing.T, input string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	temp := t.TempDir()
	cmd := newProgram(t, temp, args...)
	cmd.Stdin = strings.NewReader(input)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	isEmpty(t, temp)
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

func isEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

type event = map[string]any

func events(t *testing.T, output string) (all []event) {
	t.Helper()
	for line := range strings.Lines(output) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		t.Fatal("nothing was printed")
	}
	return all
}

// records returns a file of n records in JSON lines.
func records(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(
			&b,
			`{"import_path":"example.com/m%d/p%d","name":"p%d","synopsis":"Package p%d.","module":"example.com/m%d","imports":%d}`+"\n",
			i%5,
			i,
			i,
			i,
			i%5,
			i%9,
		)
	}
	return file(t, "records.jsonl", b.String())
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDemo runs the demonstration with JSON output.
func TestDemo(t *testing.T) {
	for _, engine := range []string{"memory", "badger"} {
		t.Run(engine, func(t *testing.T) {
			stdout, stderr, status := run(
				t,
				"demo",
				"-json",
				"-peers",
				"6",
				"-replication",
				"3",
				"-engine",
				engine,
				"-records",
				records(t, 60),
			)
			if status != exitOK {
				t.Fatalf("exit status %d: %s", status, stderr)
			}
			all := events(t, stdout)
			summary := all[len(all)-1]
			want := event{
				"event":          "summary",
				"peers":          6.0,
				"records":        60.0,
				"resolved":       60.0,
				"found_by_index": 60.0,
				"lost":           0.0,
			}
			for field, want := range want {
				if summary[field] != want {
					t.Errorf("%s is %v, want %v", field, summary[field], want)
				}
			}
			for _, field := range []string{"holders_min", "holders_median", "restarted", "seconds"} {
				if n, ok := summary[field].(float64); !ok || n <= 0 {
					t.Errorf("%s is %v", field, summary[field])
				}
			}
			for _, e := range all[:len(all)-1] {
				if e["event"] == "summary" || e["event"] == nil {
					t.Error(e)
				}
			}
		})
	}
}

// TestDemoForPeople checks the plain lines for a pipe, with an input that has faults.
func TestDemoForPeople(t *testing.T) {
	csv := "import_path,name,synopsis,module,imports\n"
	for i := range 20 {
		csv += fmt.Sprintf("example.com/p%d,p%d,\"One, two\",example.com,%d\n", i, i, i)
	}
	csv += "too,few\n" + "example.com/x,x,X.,example.com,many\n" // lines 22 and 23
	stdout, stderr, status := run(
		t,
		"demo",
		"-peers",
		"4",
		"-replication",
		"2",
		"-engine",
		"memory",
		"-records",
		file(t, "records.csv", csv),
	)
	if status != exitOK {
		t.Fatalf("exit status %d: %s\n%s", status, stderr, stdout)
	}
	for _, want := range []string{"22", "23", "20 records", "nothing lost"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not said in\n%s", want, stdout)
		}
	}
	if strings.ContainsRune(stdout, '\x1b') {
		t.Error("a pipe gets escape sequences")
	}
}

func TestKeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	if _, stderr, status := run(t, "demo", "-json", "-peers", "4", "-replication", "2", "-engine", "bolt", "-records", records(t, 10), "-keep", dir); status != exitOK {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	if kept, err := os.ReadDir(dir); err != nil || len(kept) == 0 {
		t.Errorf("%v, %v", kept, err)
	}
}

// TestInterrupt interrupts a running demonstration.
func TestInterrupt(t *testing.T) {
	temp := t.TempDir()
	cmd := newProgram(t, temp, "demo", "-json", "-peers", "8")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if e["event"] == "started" {
			break
		}
	}
	began := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // until it closes its output
	}
	_ = cmd.Wait() // an exit status that is not zero is an error
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v to stop", took)
	} else {
		t.Logf("it took %v to stop", took)
	}
	if status := cmd.ProcessState.ExitCode(); status != exitInterrupted {
		t.Errorf("exit status %d", status)
	}
	isEmpty(t, temp)
}

func TestFaultyCommandLines(t *testing.T) {
	broken := file(t, "broken.jsonl", "{\n")
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{nil, exitUsage, "a command is needed"},
		{[]string{"dance"}, exitUsage, "dance"},
		{[]string{"demo", "-no-such-flag"}, exitUsage, "no-such-flag"},
		{[]string{"demo", "-peers", "1"}, exitUsage, "peers"},
		{[]string{"demo", "-peers", "many"}, exitUsage, "many"},
		{[]string{"demo", "-replication", "0"}, exitUsage, "replication"},
		{[]string{"demo", "-engine", "steam"}, exitUsage, "steam"},
		{[]string{"demo", "extra"}, exitUsage, "extra"},
		{[]string{"demo", "-records", filepath.Join(t.TempDir(), "none.jsonl")}, exitFailed, "none.jsonl"},
		{[]string{"demo", "-records", broken}, exitFailed, "broken.jsonl"},
	} {
		stdout, stderr, status := run(t, c.args...)
		if status != c.status || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("%q: exit status %d, %q, %q", c.args, status, stdout, stderr)
		}
	}
	for _, args := range [][]string{{"-h"}, {"demo", "-h"}} {
		if stdout, stderr, status := run(t, args...); status != exitOK || stderr != "" ||
			!slices.ContainsFunc(strings.Fields(stdout), func(w string) bool { return w == "demo" }) {
			t.Errorf("%q: exit status %d, %q, %q", args, status, stdout, stderr)
		}
	}
}
