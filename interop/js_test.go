package interop_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// jsPeer is a running js/peer.mjs.
type jsPeer struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

// startJS starts a peer, or skips the test where Node or its packages are missing.
func startJS(t *testing.T) *jsPeer {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not there")
	}
	if _, err := os.Stat(filepath.Join("js", "node_modules", "libp2p")); err != nil {
		t.Skip("js-libp2p is not there: run npm ci in interop/js")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, node, "--import", "./polyfill.mjs", "peer.mjs")
	cmd.Dir, cmd.Stderr = "js", os.Stderr
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
	return &jsPeer{in, bufio.NewScanner(out)}
}

// do has the peer run a command, and decodes its answer into result.
func (p *jsPeer) do(command map[string]any, result any) error {
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

// put has the peer put a record by a command, and returns how many other peers took it.
func (p *jsPeer) put(t *testing.T, do string, command map[string]any) int {
	t.Helper()
	command["do"] = do
	var put struct{ Taken int }
	if err := p.do(command, &put); err != nil {
		t.Fatal(err)
	}
	return put.Taken
}

// connect makes the peer and ours know each other.
func (p *jsPeer) connect(t *testing.T, ours *peer) {
	t.Helper()
	address := fmt.Sprintf("%s/p2p/%s", ours.dht.Host().Addrs()[0], ours.dht.PeerID())
	var id string
	if err := p.do(map[string]any{"do": "dial", "address": address}, &id); err != nil ||
		id != ours.dht.PeerID().String() {
		t.Fatal(id, err)
	}
	for i := 0; ours.dht.RoutingTable().Size() == 0; i++ {
		if i == 100 {
			t.Fatal("the js peer does not come into the routing table")
		}
		time.Sleep(50 * time.Millisecond) // another process
	}
}

// item is an item in the form of a JavaScript program.
func item(id, version int, name, maker string) map[string]any {
	return map[string]any{"id": id, "version": version, "name": name, "maker": maker, "tags": []string{"é", "ß"}}
}

func TestJS(t *testing.T) {
	js, ours := startJS(t), newPeer(t)
	ctx := t.Context()
	js.connect(t, ours)

	// An item that JavaScript puts is a row here, and its index finds it.
	if n := js.put(t, "put", map[string]any{"id": 7, "item": item(7, 1, "hammer", "Ada")}); n != 1 {
		t.Fatalf("%d peers have taken the item, want 1", n)
	}
	hammer := Item{ID: 7, Version: 1, Name: "hammer", Maker: "Ada", Tags: []string{"é", "ß"}}
	if got := ours.byMaker(t, "Ada"); !reflect.DeepEqual(got, []Item{hammer}) {
		t.Errorf("Ada has made %+v", got)
	}

	// A better item replaces it, and a worse one is refused.
	if n := js.put(t, "put", map[string]any{"id": 7, "item": item(7, 3, "big hammer", "Grace")}); n != 1 {
		t.Errorf("%d peers have taken the better item, want 1", n)
	}
	if n := js.put(t, "put", map[string]any{"id": 7, "item": item(7, 2, "small hammer", "Ada")}); n != 0 {
		t.Errorf("%d peers have taken an item that is worse than what they have", n)
	}

	// A value that is no item is refused here.
	refused := map[string]map[string]any{
		"another key": {"id": 8, "item": item(9, 1, "saw", "Ada")},
		"no CBOR":     {"id": 8, "raw": base64.StdEncoding.EncodeToString([]byte("nothing"))},
		"unknown field": {
			"id":   8,
			"item": map[string]any{"id": 8, "version": 1, "name": "saw", "maker": "Ada", "tags": []string{}, "more": 1},
		},
		"wrong type": {
			"id":   8,
			"item": map[string]any{"id": 8, "version": 1, "name": 5, "maker": "Ada", "tags": []string{}},
		},
		// {"id": 8, …} with the 8 in two bytes
		"not canonical": {
			"id": 8,
			"raw": base64.StdEncoding.EncodeToString(
				[]byte("\xa5\x62id\x18\x08\x64name\x61x\x64tags\x80\x65maker\x63Ada\x67version\x01"),
			),
		},
		"too large": {"id": 8, "item": item(8, 1, string(make([]byte, record.DefaultMaxValueBytes)), "Ada")},
	}
	for name, command := range refused {
		if n := js.put(t, "put", command); n != 0 {
			t.Errorf("%s: %d peers have taken it", name, n)
		}
	}
	if n := js.put(t, "put", map[string]any{"id": 8, "raw": base64.StdEncoding.EncodeToString([]byte("\xa5\x62id\x08\x64name\x61x\x64tags\x80\x65maker\x63Eve\x67version\x01"))}); n != 1 {
		t.Errorf("%d peers have taken the canonical item, want 1", n)
	}
	if got := ours.byMaker(t, "Ada"); got != nil {
		t.Errorf("Ada has made %+v", got)
	}
	if n, err := Items.Count(ctx, ours.store, all); err != nil || n != 2 {
		t.Errorf("there are %d items, %v; want 2", n, err)
	}

	// JavaScript reads an item that Go publishes, and stores it too.
	nail := Item{ID: 1 << 40, Version: 1, Name: "nail", Maker: "Linus", Tags: []string{}}
	if _, err := record.Publish(ctx, ours.node, Items, &nail); err != nil {
		t.Fatal(err)
	}
	var got Item
	if err := js.do(map[string]any{"do": "get", "id": nail.ID}, &got); err != nil || !reflect.DeepEqual(got, nail) {
		t.Errorf("JavaScript reads %+v, %v", got, err)
	}
	// Go finds an item that JavaScript holds.
	if err := Items.Delete(ctx, ours.store, nail.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := record.Resolve(ctx, ours.node, Items, nail.ID); err != nil || !reflect.DeepEqual(got, nail) {
		t.Errorf("resolved %+v, %v", got, err)
	}
}

// The policies hold for JavaScript too.
func TestJSPolicies(t *testing.T) {
	js, ours := startJS(t), newPeer(t)
	ctx := t.Context()
	js.connect(t, ours)

	deed := func(number, sequence int, text string) map[string]any {
		return map[string]any{"number": number, "sequence": sequence, "text": text}
	}
	with := func(command map[string]any, name string, value any) map[string]any {
		command[name] = value
		return command
	}
	if n := js.put(t, "putDeed", deed(1, 5, "a house")); n != 1 {
		t.Fatalf("%d peers have taken the deed, want 1", n)
	}
	for name, command := range map[string]map[string]any{
		"forged":   with(deed(1, 6, "a castle"), "forged", true),
		"replayed": deed(1, 4, "a hut"),
		"expired":  with(deed(1, 6, "a tent"), "expires", 1_000_000_000),
	} {
		if n := js.put(t, "putDeed", command); n != 0 {
			t.Errorf("%s: %d peers have taken it", name, n)
		}
	}
	for text, want := range map[string]int{"a house": 1, "a castle": 0, "a hut": 0, "a tent": 0} {
		if n, err := DeedByText.Count(ctx, ours.store, models.Only(text)); err != nil || n != want {
			t.Errorf("there are %d deeds of %s, %v; want %d", n, text, err, want)
		}
	}
	if n := js.put(t, "putDeed", with(deed(1, 6, ""), "retracted", true)); n != 1 {
		t.Errorf("%d peers have taken the tombstone, want 1", n)
	}
	if n := js.put(t, "putDeed", deed(1, 5, "a house")); n != 0 {
		t.Errorf("%d peers have taken what was taken back", n)
	}
	if n, err := Deeds.Count(ctx, ours.store, models.Range[DeedKey]{}); err != nil || n != 0 {
		t.Errorf("there are %d deeds, %v", n, err)
	}

	if n := js.put(t, "putPicture", map[string]any{"title": "a cat"}); n != 1 {
		t.Errorf("%d peers have taken the picture, want 1", n)
	}
	if n := js.put(t, "putPicture", map[string]any{"title": "a dog", "forged": true}); n != 0 {
		t.Errorf("%d peers have taken a picture under another's hash", n)
	}
	if n, err := Pictures.Count(ctx, ours.store, models.Range[record.Hash]{}); err != nil || n != 1 {
		t.Errorf("there are %d pictures, %v", n, err)
	}
}
