package daemon_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/daemon"
)

// runChild runs the node of a directory until it gets SIGTERM, in a process of its own.
func runChild(dir string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := load(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	d, err := daemon.Start(ctx, cfg, daemon.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	fmt.Println("runs")
	<-ctx.Done()
	if err := d.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startChild starts a node in a process of its own.
func startChild(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), "NETABASE_TEST_DAEMON="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill() }) // it has ended if all went well
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "runs\n" {
		t.Fatalf("the node says %q, %v", line, err)
	}
	return child
}

// A row that put has acknowledged is there after SIGKILL. Meanwhile nobody else gets the directory, and
// afterwards the next node does, at the same socket.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"badger", "bolt"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dir := newDir(t)
			if err := os.WriteFile(config.File(dir), []byte("engine "+engine+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			child := startChild(t, dir)
			c := dial(t, dir)
			ask[api.Report](t, c, "POST", "/v1/trees/own.draft/put", api.Put{Row: row(1, "one", 0)})
			ask[api.Report](t, c, "POST", "/v1/trees/test.note/put", api.Put{Row: row(2, "two", 0), Local: true})
			refused(t, c, api.NoPeers, "POST", "/v1/trees/test.note/put", api.Put{Row: row(3, "three", 0)})

			cfg, err := load(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, err = daemon.Start(t.Context(), cfg, daemon.Options{})
			var inUse *daemon.InUseError
			if !errors.As(err, &inUse) || inUse.PID != child.Process.Pid || time.Since(inUse.Since) > time.Minute ||
				!strings.Contains(err.Error(), fmt.Sprint(child.Process.Pid)) {
				t.Errorf("a second start says %v", err)
			}
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait() // it has been killed
			if _, err := os.Lstat(config.Socket(dir)); err != nil {
				t.Fatal("the socket of the killed node is not there: ", err)
			}
			_, c, _ = start(t, dir)
			for _, path := range []string{"own.draft/row?key=one", "test.note/row?key=2", "test.note/row?key=3"} {
				ask[api.Detail](t, c, "GET", "/v1/trees/"+path, nil)
			}
		})
	}
}

// SIGTERM ends a node within five seconds although clients hold on to it, and everything is durable.
func TestTerminated(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	child := startChild(t, dir)
	c := dial(t, dir)
	events := watch(t, c, "/v1/events")
	ask[api.Report](t, c, "POST", "/v1/trees/own.draft/put", api.Put{Row: row(1, "one", 0)})
	begun := time.Now()
	if err := child.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	for range events { // they end
		break
	}
	if _, err := os.Lstat(config.Socket(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	_, c, _ = start(t, dir)
	ask[api.Detail](t, c, "GET", "/v1/trees/own.draft/row?key=one", nil)
}

func TestALongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 60), strings.Repeat("e", 60))
	if _, _, err := daemon.Init(dir); err != nil {
		t.Fatal(err)
	}
	cfg, err := load(dir, "-engine", "memory")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = daemon.Start(t.Context(), cfg, daemon.Options{}); err == nil ||
		!strings.Contains(err.Error(), "shorter path") {
		t.Errorf("it says %v", err)
	}
	t.Chdir(dir)
	d, err := daemon.Start(t.Context(), cfg, daemon.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if path, err := daemon.SocketPath(dir); err != nil || path != "control.sock" {
		t.Errorf("the socket is at %q, %v", path, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
