package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

const someCID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"

// await calls ready until it reports true.
func await(t *testing.T, what string, ready func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ready() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in time", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestNetwork has two nodes speak to each other, by commands alone.
func TestNetwork(t *testing.T) {
	one, two := newNode(t), newNode(t)
	startNode(t, one)
	startNode(t, two)
	at := func(dir string, args ...string) []string { return append([]string{"-dir", dir}, args...) }

	// Alone.
	_, errOut, status := cli(t, "", at(one, "put", "member", `{"ID":1,"Name":"Ann"}`)...)
	if status != exitNoPeers {
		t.Errorf("put alone: exit status %d, %q", status, errOut)
	}
	if out := ok(t, at(one, "get", "member", "1")...); !strings.HasPrefix(out, "KEY   1\nID    1\nName  Ann\n") {
		t.Errorf("what was put is not there: %q", out)
	}
	if _, errOut, status := cli(t, "", at(one, "resolve", "member", "9")...); status != exitNoPeers {
		t.Errorf("resolve alone: exit status %d, %q", status, errOut)
	}

	// Connected.
	var info api.Status
	if err := json.Unmarshal([]byte(ok(t, at(one, "stat", "-json")...)), &info); err != nil || len(info.Addresses) == 0 {
		t.Fatal(info, err)
	}
	if out := ok(t, at(two, "connect", info.Addresses[0])...); out != "connected to "+info.Peer+"\n" {
		t.Errorf("%q", out)
	}
	await(t, "both in the routing tables", func() bool {
		both := true
		for _, dir := range []string{one, two} {
			var peer api.Peer
			out := ok(t, at(dir, "peers", "-json")...)
			both = both && json.Unmarshal([]byte(out), &peer) == nil && peer.Routing
		}
		return both
	})
	if out := ok(t, at(two, "peers")...); !strings.Contains(out, info.Peer+"  outbound ") {
		t.Errorf("%q", out)
	}
	if _, errOut, status := cli(t, "", at(two, "connect", "/ip4/127.0.0.1/tcp/1")...); status != exitUsage {
		t.Errorf("connect: exit status %d, %q", status, errOut)
	}

	// A watch sees what the other node publishes.
	watched := make(chan string, 1)
	watching, interrupts := newInterrupter(t.Context())
	var errs bytes.Buffer
	go func() {
		var out bytes.Buffer
		status := program{strings.NewReader(""), &out, &errs, interrupts, new(string)}.run(watching,
			at(two, "watch", "member", "-limit", "2"))
		if status != exitOK {
			out.WriteString(errs.String())
		}
		watched <- out.String()
	}()
	// It may not listen yet when the first record is there. So one is published until it has two.
	var seen string
	published := 0
	await(t, "two records are seen", func() bool {
		published++
		out := ok(t, at(one, "publish", "member", "1")...)
		if out != "club.member 1: published, taken by 1 of 1 peer\n" {
			t.Fatalf("%q", out)
		}
		ok(t, at(one, "put", "member", `{"ID":2,"Name":"Bob","Email":"bob@example.com"}`)...)
		select {
		case seen = <-watched:
			return true
		default:
			return false
		}
	})
	if lines := strings.Split(
		seen,
		"\n",
	); len(lines) != 3 ||
		!strings.Contains(seen, `  stored  dht  2  {"Email":"bob@example.com","ID":2,"Name":"Bob"`) {
		t.Errorf("%q", seen)
	}
	out := ok(t, at(two, "find", "member", "email", "bob@example.com")...)
	if want := "ID  Name  Email            Updated\n 2  Bob   bob@example.com\n"; out != want {
		t.Errorf("%q", out)
	}
	if out := ok(t, at(two, "get", "member", "2")...); !strings.Contains(out, "\nstate   received since ") {
		t.Errorf("%q", out)
	}
	if out := ok(t, at(one, "holders", "member", "2")...); !strings.Contains(out, "the same") {
		t.Errorf("%q", out)
	}

	// The network has what this peer has not.
	ok(t, at(two, "rm", "member", "2")...)
	if _, _, status := cli(t, "", at(two, "get", "member", "2")...); status != exitNotFound {
		t.Errorf("exit status %d", status)
	}
	if out := ok(t, at(two, "resolve", "member", "2")...); !strings.Contains(out, "\nName   Bob\n") {
		t.Errorf("%q", out)
	}
	if _, errOut, status := cli(t, "", at(two, "resolve", "member", "9")...); status != exitNoPeers {
		t.Errorf("resolve: exit status %d, %q", status, errOut)
	}

	// The policy, and a better record.
	newer := `{"ID":3,"Name":"New","Updated":"2026-11-28T10:00:00Z"}`
	ok(t, at(one, "put", "member", newer)...)
	if _, errOut, status := cli(
		t,
		"",
		at(two, "put", "member", `{"ID":3,"Name":"Old","Updated":"2025-11-28T10:00:00Z"}`)...); status != exitRefused {
		t.Errorf("put an older record: exit status %d, %q", status, errOut)
	}
	if _, errOut, status := cli(t, "", at(two, "retract", "member", "3")...); status != exitRefused {
		t.Errorf("retract from an open tree: exit status %d, %q", status, errOut)
	}
	imported, errOut, status := cli(t, `{"ID":5}`+"\n"+`{"ID":6}`+"\n", at(one, "import", "member", "-", "-publish")...)
	if status != exitOK || imported != "2 rows stored, 2 published, 0 refused\n" {
		t.Errorf("%q, %q, exit status %d", imported, errOut, status)
	}
	ok(t, at(two, "get", "member", "6")...)

	// Content.
	if _, _, status := cli(t, "", at(two, "providers", someCID)...); status != exitNotFound {
		t.Errorf("exit status %d", status)
	}
	ok(t, at(one, "provide", someCID)...)
	if out := ok(t, at(two, "providers", someCID)...); !strings.Contains(out, "\n"+info.Peer) {
		t.Errorf("%q", out)
	}
	if out := ok(t, at(two, "providers", "-local", someCID, "-json")...); !strings.Contains(out, info.Peer) {
		t.Errorf("%q", out)
	}
	if _, _, status := cli(t, "", at(two, "provide", "not-a-cid")...); status != exitUsage {
		t.Errorf("exit status %d", status)
	}

	// Schemas.
	trees := ok(t, at(two, "models", "-peer", info.Peer)...)
	if !strings.Contains(trees, "\nclub.member  same  ") {
		t.Errorf("%q", trees)
	}
	fields := strings.Fields(trees)
	schema := ok(t, at(two, "models", "fetch", info.Peer, "club.member", fields[len(fields)-1])...)
	third := newNode(t)
	ok(t, "-dir", third, "models", "remove", "club.member")
	if out, errOut, status := cli(t, schema, "-dir", third, "models", "add", "-"); status != exitOK {
		t.Errorf("%q, %q, exit status %d", out, errOut, status)
	}
}

// TestWatchEnds interrupts a watch, and stops the node of another.
func TestWatchEnds(t *testing.T) {
	dir := newNode(t)
	d := runningNode(t, dir)
	checkWatchEnds(t, dir, (*interrupter).interrupt, exitInterrupted, "interrupted")
	checkWatchEnds(t, dir, func(*interrupter) {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}, exitUnreachable, "the node is stopping")
}

func checkWatchEnds(t *testing.T, dir string, end func(*interrupter), want int, says string) {
	t.Helper()
	ctx, interrupts := newInterrupter(context.Background())
	var out, errOut bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- program{strings.NewReader(""), &out, &errOut, interrupts, new(string)}.run(ctx, []string{"watch", "-dir", dir, "member"})
	}()
	time.Sleep(200 * time.Millisecond) // however early it ends, it has to say so
	end(interrupts)
	select {
	case status := <-ended:
		if status != want || !strings.Contains(errOut.String(), says) || errOut.Len() == 0 {
			t.Errorf("exit status %d, want %d: %q", status, want, errOut.String())
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the watch does not end")
	}
}
