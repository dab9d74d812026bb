package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
)

// Settings that cannot be used are refused by name, and the directory is not even made.
func TestRunRefusesSettings(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct{ name, value string }{
		{"max-records", "many"},
		{"listen", "127.0.0.1:4001"},
		{"models", bad},
		{"psk-file", bad},
		{"key-file", bad},
		{"http", "0.0.0.0:80"},
		{"engine", "paper"},
		{"republish-interval", "96h"},
	} {
		dir := filepath.Join(t.TempDir(), "node")
		_, errOut, status := run(t, "run", "-dir", dir, "-"+of.name, of.value)
		if status != exitUsage || !strings.Contains(errOut, of.name) {
			t.Errorf("-%s %s exits with %d and says %q", of.name, of.value, status, errOut)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("-%s %s has made the directory", of.name, of.value)
		}
	}
}

// A node says where it runs, and ends with status 0 when it is told to. A second one in the directory,
// and one with another engine, say why they do not run.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var said, log lockedBuffer
	ended := make(chan int, 1)
	go func() {
		_, interrupts := newInterrupter(context.Background())
		p := program{strings.NewReader(""), &said, &log, interrupts, new(string)}
		ended <- p.run(ctx, []string{"run", "-dir", dir, "-engine", "bolt", "-http", "-log-level", "info"})
	}()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(said.String(), "\n"); {
		if time.Now().After(deadline) {
			t.Fatalf("the node says %q, %q", said.String(), log.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, part := range []string{" runs at /ip4/127.0.0.1/tcp/", config.Socket(dir), "page http://127.0.0.1:"} {
		if !strings.Contains(said.String(), part) {
			t.Errorf("the node says %q, without %q", said.String(), part)
		}
	}
	if _, errOut, status := run(t, "run", "-dir", dir, "-engine", "bolt"); status != exitUsage ||
		!strings.Contains(errOut, "in use by process") {
		t.Errorf("a second one exits with %d and says %q", status, errOut)
	}
	cancel(errInterrupted)
	if status := <-ended; status != exitOK {
		t.Errorf("the node exits with %d and says %q", status, log.String())
	}
	if !strings.Contains(log.String(), "the node ends") {
		t.Errorf("the log is %q", log.String())
	}
	if _, errOut, status := run(t, "run", "-dir", dir, "-engine", "badger"); status != exitUsage {
		t.Errorf("one with another engine exits with %d and says %q", status, errOut)
	}
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
