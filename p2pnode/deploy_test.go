package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The unit for systemd is one that systemd takes.
func TestTheUnit(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze")
	}
	text, err := os.ReadFile("../docs/systemd/p2pnode.service")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const program = "/usr/local/bin/p2pnode"
	unit := strings.ReplaceAll(string(text), "ExecStart="+program, "ExecStart="+self)
	if unit == string(text) {
		t.Fatal("the unit does not start ", program)
	}
	name := filepath.Join(t.TempDir(), "p2pnode.service")
	if err := os.WriteFile(name, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), verify, "verify", name).
		CombinedOutput(); err != nil ||
		len(said) > 0 {
		t.Errorf("systemd-analyze says %s, %v", said, err)
	}
}

// dockerfile is what the steps of a Dockerfile say.
type dockerfile struct {
	run            []string
	env            map[string]string
	entrypoint     []string
	command, check []string
	last           string // the last FROM
}

func readDockerfile(t *testing.T) (d dockerfile) {
	t.Helper()
	file, err := os.Open("../docs/docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d.env = map[string]string{}
	words := func(list string) []string {
		return strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(`[], "`, r) })
	}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		step, rest, _ := strings.Cut(lines.Text(), " ")
		switch step {
		case "", "#", "WORKDIR", "COPY", "USER", "EXPOSE", "VOLUME":
		case "FROM":
			d.last = rest
		case "RUN":
			d.run = append(d.run, rest)
		case "ENV":
			name, value, _ := strings.Cut(rest, "=")
			d.env[name] = value
		case "ENTRYPOINT":
			d.entrypoint = words(rest)
		case "CMD":
			d.command = words(rest)
		case "HEALTHCHECK":
			d.check = words(strings.TrimPrefix(rest, "CMD "))
		default:
			if !strings.HasPrefix(step, "#") {
				t.Errorf("the step %s is not one that this test knows", step)
			}
		}
	}
	return d
}

// The steps of the image build a program, which runs in an empty directory and passes the check of its
// health. NETABASE_IMAGE=1 has them run: they build the program anew.
func TestTheImage(t *testing.T) {
	d := readDockerfile(t)
	if d.last != "scratch" || len(d.run) != 2 || !slices.Equal(d.entrypoint, []string{"/p2pnode"}) ||
		!slices.Equal(d.command, []string{"run"}) || !slices.Equal(d.check, []string{"/p2pnode", "stat"}) ||
		d.env["P2PNODE_DIR"] != "/data" || d.env["P2PNODE_LISTEN"] == "" {
		t.Fatalf("the steps are %+v", d)
	}
	if os.Getenv("NETABASE_IMAGE") == "" {
		t.Skip("NETABASE_IMAGE is not set")
	}
	out, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range d.run {
		command := exec.CommandContext(t.Context(), "sh", "-ec", strings.ReplaceAll(step, "/out", out))
		command.Dir = ".."
		if said, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", step, err, said)
		}
	}
	env := []string{}
	for name, value := range d.env {
		value = strings.ReplaceAll(value, "/data", filepath.Join(out, "data"))
		env = append(env, name+"="+strings.ReplaceAll(value, "/4001", "/0"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	program := filepath.Join(out, d.entrypoint[0])
	node := exec.CommandContext(ctx, program, d.command...)
	node.Env, node.Stderr = env, os.Stderr
	said, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || !strings.Contains(line, " runs at ") {
		t.Errorf("the node says %q, %v", line, err)
	}
	check := exec.CommandContext(ctx, program, d.check[1:]...)
	check.Env = env
	if said, err := check.CombinedOutput(); err != nil {
		t.Errorf("the check of its health: %v: %s", err, said)
	}
	if err := node.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := node.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
