package record

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Of two numbers that share a place the one that was put last is known, and
// removing the other leaves it.
func TestPeerIDs(t *testing.T) {
	var ids peerIDs
	if id, ok := ids.get(0); ok {
		t.Errorf("nobody has number 0, but %q", string(id))
	}
	const first, second = 7, 7 + knownPeers
	for _, p := range []Peer{{first, "first"}, {first + 1, "next"}, {second, "second"}} {
		ids.put(p)
	}
	ids.remove(first)
	ids.remove(5 * peerPage) // of a page that is not there
	for number, want := range map[PeerNumber]peer.ID{0: "", first: "", first + 1: "next", second: "second"} {
		if id, ok := ids.get(number); id != want || ok != (want != "") {
			t.Errorf("number %d is of %q, %t; want %q", number, string(id), ok, string(want))
		}
	}
	ids.remove(second)
	if id, ok := ids.get(second); ok {
		t.Errorf("number %d has been removed, but is of %q", second, string(id))
	}
}
