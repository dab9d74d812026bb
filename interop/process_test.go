package interop_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// process is a peer of another libp2p, a process that reads commands and writes answers,
// each a line of JSON.
type process struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

// start starts a peer in a directory. It ends with the test.
func start(t *testing.T, dir, program string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20) // an answer has a message in base 64
	return &process{in, lines}
}

func (p *process) do(command map[string]any, result any) error {
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(p.in, "%s\n", line); err != nil {
		return err
	}
	if !p.out.Scan() {
		return errors.Join(errors.New("the peer has ended"), p.out.Err())
	}
	var answer struct {
		OK    json.RawMessage
		Error string
	}
	if err := json.Unmarshal(p.out.Bytes(), &answer); err != nil {
		return err
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return json.Unmarshal(answer.OK, result)
}

// foreign is a peer of another libp2p: a process or a page.
type foreign interface {
	// do has the peer run a command, and decodes its answer into result.
	do(command map[string]any, result any) error
}

// put has a peer put a record by a command, and returns how many other peers took it.
func put(t *testing.T, other foreign, do string, command map[string]any) int {
	t.Helper()
	command["do"] = do
	var put struct{ Taken int }
	if err := other.do(command, &put); err != nil {
		t.Fatal(err)
	}
	return put.Taken
}

// meet makes a peer and ours know each other.
func meet(t *testing.T, other foreign, ours *peer) {
	t.Helper()
	before := ours.dht.RoutingTable().Size()
	address := fmt.Sprintf("%s/p2p/%s", ours.dht.Host().Addrs()[0], ours.dht.PeerID())
	var id string
	if err := other.do(map[string]any{"do": "dial", "address": address}, &id); err != nil ||
		id != ours.dht.PeerID().String() {
		t.Fatal(id, err)
	}
	for i := 0; ours.dht.RoutingTable().Size() == before; i++ {
		if i == 100 {
			t.Fatal("the peer does not come into the routing table")
		}
		time.Sleep(50 * time.Millisecond) // another process
	}
}
