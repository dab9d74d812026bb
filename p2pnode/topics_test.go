package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// putLocal stores a member at one node alone.
func putLocal(t *testing.T, dir, row string) {
	t.Helper()
	ok(t, "put", "-dir", dir, "-local", "member", row)
}

func statusAt(t *testing.T, dir string) (s api.Status) {
	t.Helper()
	if err := json.Unmarshal([]byte(ok(t, "stat", "-dir", dir, "-json")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func topicAt(t *testing.T, dir string) (topic api.Topic) {
	t.Helper()
	if err := json.Unmarshal([]byte(ok(t, "topics", "-dir", dir, "-json")), &topic); err != nil {
		t.Fatal(err)
	}
	return topic
}

// TestSync brings a topic of two nodes together, by commands alone.
func TestSync(t *testing.T) {
	one, two := newNode(t), newNode(t)
	putLocal(t, one, `{"ID":1,"Name":"Ann"}`) // a node that does not run has topics too
	if topic := topicAt(t, one); topic.Name != "club.member/all" || topic.Rows != 1 || topic.Kept || topic.Synced == nil {
		t.Errorf("%+v", topic)
	}
	startNode(t, one)
	startNode(t, two)
	putLocal(t, one, `{"ID":2,"Name":"Bob"}`)
	putLocal(t, two, `{"ID":3,"Name":"Cat"}`)
	first, second := statusAt(t, one), statusAt(t, two)

	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"member/all"}, exitNoPeers, "no peer is connected that syncs topics"},
		{[]string{"member/al"}, exitUsage, "club.member/all"},
		{[]string{"member/all", "nobody"}, exitUsage, `peer "nobody"`},
		{[]string{"member/all", second.Peer}, exitUsage, "this node itself"},
		{[]string{"member/all", "-direction", "down"}, exitUsage, "both, pull, push"},
		{[]string{"member/all", first.Peer}, exitNoPeers, first.Peer},
	} {
		args := append([]string{"sync", "-dir", two}, c.args...)
		if _, errOut, status := cli(t, "", args...); status != c.status || !strings.Contains(errOut, c.says) {
			t.Errorf("%q: exit status %d, %q", args, status, errOut)
		}
	}

	ok(t, "connect", "-dir", two, first.Addresses[0])
	out := ok(t, "sync", "-dir", two, "-direction", "pull", "member/all", first.Peer)
	if want := first.Peer + ": 2 records differed, 2 pulled, 0 pushed\n"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
	if got := topicAt(t, one); got.Rows != 2 {
		t.Errorf("a pull has pushed: %+v", got)
	}
	await(t, "the other is known to sync", func() bool {
		var last api.Synced
		out, errOut, status := cli(t, "", "sync", "-dir", two, "-json", "club.member/all")
		if status == exitNoPeers {
			return false
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || status != exitOK {
			t.Fatal(out, errOut, err)
		}
		if !last.Done || last.Pushed.Taken != 1 || last.Pulled.Taken != 0 || last.Direction != "both" {
			t.Errorf("%s", out)
		}
		return true
	})
	if got := topicAt(t, one); got.Rows != 3 || len(got.Synced) != 0 {
		t.Errorf("%+v", got)
	}
	got := topicAt(t, two)
	if got.Rows != 3 || len(got.Synced) != 1 || got.Synced[0].Peer != first.Peer || !got.Synced[0].Done ||
		got.Synced[0].Pushed.Taken != 1 || got.Synced[0].BytesRead == 0 {
		t.Errorf("%+v", got)
	}
	if out := ok(t, "topics", "-dir", two); !strings.Contains(out, "club.member/all     3  no    "+first.Peer) {
		t.Errorf("%s", out)
	}
	if out := ok(t, "completion", "words", "-dir", two, "sync", ""); out != "club.member/all\n" {
		t.Errorf("%q", out)
	}
}
