package signed

import "github.com/libp2p/go-libp2p/core/peer"

//netabase:policy signed
type Note struct {
	Owner  peer.ID `netabase:"primary,1"`
	Number uint64  `netabase:"primary,2"`
	To     peer.ID `netabase:"index,optional"`
}
