package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/daemon"
)

// memberSchema is the schema file of the tree club.member.
const memberSchema = "../examples/schema/member.json"

// cli runs a command in this process.
func cli(t *testing.T, input string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errOut bytes.Buffer
	ctx, interrupts := newInterrupter(t.Context())
	status = program{strings.NewReader(input), &out, &errOut, interrupts, new(string)}.run(ctx, args)
	return out.String(), errOut.String(), status
}

// ok runs a command in this process that has to succeed, and returns its output.
func ok(t *testing.T, args ...string) string {
	t.Helper()
	out, errOut, status := cli(t, "", args...)
	if status != exitOK {
		t.Fatalf("%q: exit status %d: %s", args, status, errOut)
	}
	return out
}

// newNode makes the directory of a node with the model club.member.
func newNode(t *testing.T, settings ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "node")
	ok(t, "init", "-dir", dir)
	ok(t, "models", "add", "-dir", dir, memberSchema)
	settings = append([]string{"engine bolt", "listen /ip4/127.0.0.1/tcp/0"}, settings...)
	if err := os.WriteFile(config.File(dir), []byte(strings.Join(settings, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// startNode runs the node of a directory in this process, until the test ends.
func startNode(t *testing.T, dir string) {
	t.Helper()
	d := runningNode(t, dir)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// runningNode runs the node of a directory in this process. The caller closes it.
func runningNode(t *testing.T, dir string) *daemon.Daemon {
	t.Helper()
	cfg, err := config.Flags(flag.NewFlagSet("", flag.ContinueOnError), &dir).Load()
	if err != nil {
		t.Fatal(err)
	}
	d, err := daemon.Start(t.Context(), cfg, daemon.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
