package dropin_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
)

// The README shows what differs between the two programs.
func TestDifference(t *testing.T) {
	diff, err := exec.LookPath("diff")
	if err != nil {
		t.Skip("diff is not there")
	}
	out, err := exec.Command(diff, "-U1", "-L", "before/main.go", "-L", "after/main.go", "before/main.go", "after/main.go").
		Output()
	if err != nil && err.(*exec.ExitError).ExitCode() != 1 {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```diff\n"+string(out)+"```\n") {
		t.Errorf("the README does not have\n%s", out)
	}
}

// program is one of the two, running.
type program struct {
	cmd  *exec.Cmd
	info peer.AddrInfo
}

func start(t *testing.T, binary, dir string) *program {
	t.Helper()
	cmd := exec.Command(binary)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	info, err := peer.AddrInfoFromString(strings.TrimSpace(strings.TrimPrefix(line, "listening on ")))
	if err != nil {
		t.Fatal(err)
	}
	return &program{cmd, *info}
}

func (p *program) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// client starts a peer that keeps nothing itself, and knows the program.
func client(t *testing.T, p *program) *dht.IpfsDHT {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs)
	if err != nil {
		t.Fatal(err)
	}
	d, err := dht.New(h, dht.Mode(dht.ModeClient), dht.ProtocolPrefix("/example"), dht.DisableAutoRefresh())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		h.Close()
	})
	if err := h.Connect(t.Context(), p.info); err != nil {
		t.Fatal(err)
	}
	for i := 0; d.RoutingTable().Size() == 0; i++ {
		if i == 200 {
			t.Fatal("the program does not come into the routing table")
		}
		time.Sleep(20 * time.Millisecond) // another process
	}
	return d
}

// The program with our datastore still has the DHT's records when it starts again.
func TestKeeps(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds programs")
	}
	_, public, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	value, err := crypto.MarshalPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	key := routing.KeyForPublicKey(id)
	for name, kept := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			binary := filepath.Join(dir, "program")
			if out, err := exec.Command("go", "build", "-o", binary, "./"+name).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			p := start(t, binary, dir)
			if err := client(t, p).PutValue(t.Context(), key, value); err != nil {
				t.Fatal(err)
			}
			p.stop(t)
			p = start(t, binary, dir)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			got, err := client(t, p).GetValue(ctx, key)
			if (err == nil && string(got) == string(value)) != kept {
				t.Errorf("after a restart there is %x, %v", got, err)
			}
			p.stop(t)
		})
	}
}
