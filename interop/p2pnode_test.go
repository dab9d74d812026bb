package interop_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// buildNode builds the program p2pnode and returns its path.
func buildNode(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "p2pnode")
	cmd := exec.Command("go", "build", "-o", program, "./p2pnode")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// shownNode is a running p2pnode with a page.
type shownNode struct {
	t     *testing.T
	url   string // ends with a slash
	token string
}

// runNode starts p2pnode and gives each line of its output to ready, until that returns true. The
// program is told to end after the test, and has to end then without a fault.
func runNode(t *testing.T, stdin string, ready func(line []byte) bool, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	started := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for found := false; lines.Scan(); {
			if !found && ready(lines.Bytes()) {
				found = true
				started <- true
			}
		}
		close(started)
		ended <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("p2pnode %v: %v", args, err)
			}
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			t.Errorf("p2pnode %v does not end", args)
		}
	})
	select {
	case ok := <-started:
		if !ok {
			t.Fatalf("p2pnode %v has ended", args)
		}
	case <-time.After(3 * time.Minute):
		t.Fatalf("p2pnode %v does not start", args)
	}
}

// runDemo starts a demonstration of a few peers with these records.
func runDemo(t *testing.T, program, records string) *shownNode {
	t.Helper()
	n := &shownNode{t: t}
	runNode(t, records, func(line []byte) bool {
		var event struct{ Event, URL, Token string }
		if err := json.Unmarshal(line, &event); err != nil {
			t.Error(err)
		}
		if event.Event == "serving" {
			n.url, n.token = event.URL, event.Token
		}
		return event.Event == "open"
	}, program, "demo", "-json", "-http", "-peers", "6", "-replication", "3", "-engine", "memory", "-records", "-")
	return n
}

// get returns the answer to a request, as text.
func (n *shownNode) get(path string) string {
	n.t.Helper()
	answer, err := http.Get(n.url + path)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.read(path, answer)
}

// post makes a change with the token.
func (n *shownNode) post(path, kind, body string) string {
	n.t.Helper()
	r, err := http.NewRequest(http.MethodPost, n.url+path, bytes.NewBufferString(body))
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+n.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.read(path, answer)
}

func (n *shownNode) read(path string, answer *http.Response) string {
	n.t.Helper()
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		n.t.Fatalf("%s: %s %s %v", path, answer.Status, body, err)
	}
	return string(body)
}

// packages are records for the demonstration, the last one with a number that JavaScript's numbers
// cannot hold.
func packages(n int) string {
	var lines strings.Builder
	for i := range n {
		imports := uint64(i)
		if i == n-1 {
			imports = 1<<64 - 3
		}
		fmt.Fprintf(&lines, `{"import_path":"example.org/p%02d","name":"p%02d","synopsis":"Package %d.",`+
			`"module":"example.org/m%d","imports":%d}`+"\n", i, i, i, i%3, imports)
	}
	return lines.String()
}
