//go:build js

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"syscall/js"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	libp2p "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/browser"
	"github.com/newsnet-africa/netabase-go/examples/browser/board"
	"github.com/newsnet-africa/netabase-go/record"
)

// network is the peer of the page, while it is online.
type network struct {
	records *record.Records
	turned  chan bool

	mu     sync.Mutex
	status status
}

// turn makes it go online or offline. Of several turns in a row the last one counts.
func (n *network) turn(on bool) {
	select {
	case <-n.turned:
	default:
	}
	n.turned <- on
}

// run is online until the user turns it off, and again when it is turned on, until ctx ends.
func (n *network) run(ctx context.Context) {
	on := true
	for ctx.Err() == nil {
		n.tell(func(s *status) { s.Online, s.Peers = on, 0 })
		if !on {
			on = <-n.turned
			continue
		}
		online, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- n.online(online) }()
		select {
		case on = <-n.turned:
			stop()
			<-ended
		case err := <-ended:
			stop()
			tell(news{Error: fmt.Sprintf("Offline: %v. Trying again.", err)})
			time.Sleep(5 * time.Second)
		}
	}
}

func (n *network) tell(change func(*status)) {
	n.mu.Lock()
	change(&n.status)
	now := n.status
	n.mu.Unlock()
	tell(news{Status: &now})
}

// online is a peer that keeps the notes in sync with others until ctx ends.
func (n *network) online(ctx context.Context) (err error) {
	peers, err := addresses()
	if err != nil {
		return err
	}
	key, release, err := browser.Identity(ctx, "board")
	if err != nil {
		return err
	}
	defer release()
	h, err := browser.New(browser.Options{Key: key})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	h.Network().Notify(&libp2p.NotifyBundle{
		ConnectedF:    func(of libp2p.Network, _ libp2p.Conn) { n.tell(func(s *status) { s.Peers = len(of.Peers()) }) },
		DisconnectedF: func(of libp2p.Network, _ libp2p.Conn) { n.tell(func(s *status) { s.Peers = len(of.Peers()) }) },
	})
	d, err := dht.New(h, append(n.records.DHTOptions(), dht.Mode(dht.ModeClient))...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	node, err := record.Join(n.records, d)
	if err != nil {
		return err
	}
	gossip, err := record.NewPubSub(ctx, h)
	if err != nil {
		return err
	}
	how := record.KeepSynced{Topics: []string{board.All.Name()}, PubSub: gossip}
	for _, p := range peers {
		how.Peers = append(how.Peers, p.ID)
	}
	ctx, leave := context.WithCancelCause(ctx)
	go func() { leave(stayConnected(ctx, h, peers)) }()
	err = node.KeepSynced(ctx, how)
	return errors.Join(context.Cause(ctx), err)
}

// errAlone says that none of the peers is there. They may be at other addresses by now.
var errAlone = errors.New("no peer answers")

// stayConnected keeps connections to the peers until ctx ends or none of them is there.
func stayConnected(ctx context.Context, h host.Host, peers []peer.AddrInfo) error {
	for {
		reached := 0
		for _, p := range peers {
			if h.Connect(ctx, p) == nil {
				reached++
			}
		}
		if reached == 0 {
			return errAlone
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second):
		}
	}
}

// addresses asks the server of the page for its peers, by the browser: a client of net/http would make the
// program a tenth larger.
func addresses() (peers []peer.AddrInfo, err error) {
	answer := make(chan string, 1)
	take := js.FuncOf(func(_ js.Value, args []js.Value) any {
		answer <- args[0].String()
		return nil
	})
	defer take.Release()
	js.Global().Call("fetchPeers", take)
	text := <-answer
	if text == "" {
		return nil, errors.New("the server of the page does not answer")
	}
	return peers, json.Unmarshal([]byte(text), &peers)
}
