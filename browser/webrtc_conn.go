//go:build js

package browser

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall/js"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// peerConnection is a connection by webrtc-direct. Each of its data channels but the first is a stream.
type peerConnection struct {
	network.ConnSecurity
	js        js.Value
	remote    ma.Multiaddr
	transport *webRTC
	scope     network.ConnManagementScope
	// first is the data channel of the handshake. It closes when the connection does.
	first *channel
	// callback is called for the events of the connection.
	callback jsvalue.Func
	// incoming are streams that the other side has opened.
	incoming chan *channel
	// unread bounds what has come on all channels and is not read.
	unread *budget
	// done ends with the connection, whoever ends it.
	done  context.Context
	over  context.CancelFunc
	close sync.Once

	// mu is never held while anything waits or while JavaScript is called.
	mu sync.Mutex
	// channels are those that the browser may yet call back for. It is nil after the end.
	channels map[*channel]struct{}
	// why is the reason of the end.
	why error
}

var _ transport.CapableConn = (*peerConnection)(nil)

// localPeerConnection stands for the address of this side, which the browser does not tell.
var localPeerConnection = ma.StringCast("/ip4/0.0.0.0/udp/0/webrtc-direct")

// maxIncoming is how many streams may wait to be accepted. Those that come then are reset.
const maxIncoming = 256

// connectionEvents are the events of a connection that are listened to.
var connectionEvents = []string{"onconnectionstatechange", "ondatachannel"}

func newPeerConnection(v js.Value, remote ma.Multiaddr) *peerConnection {
	c := &peerConnection{
		js: v, remote: remote, incoming: make(chan *channel, maxIncoming), unread: &budget{most: maxReceived},
		channels: map[*channel]struct{}{},
	}
	c.done, c.over = context.WithCancel(context.Background())
	c.callback = jsvalue.FuncOf(func(_ js.Value, args []js.Value) any {
		event := jsvalue.First(args)
		if event.Get("type").String() == "datachannel" {
			c.offered(event.Get("channel"))
		} else if state := v.Get("connectionState").String(); state == "failed" || state == "closed" {
			c.lost()
		}
		return nil
	})
	for _, event := range connectionEvents {
		v.Set(event, c.callback.Value)
	}
	return c
}

// errLost is the end of a connection that this side has not closed.
var errLost = errors.New("the connection is lost")

// lost ends a connection that the browser has given up, or that the other side has closed.
func (c *peerConnection) lost() {
	if c.first.isOpened() {
		c.end(errLost)
	} else {
		c.end(errNoPeer)
	}
}

// end ends the connection of the browser, and all channels. The first reason counts.
func (c *peerConnection) end(why error) {
	c.mu.Lock()
	channels := c.channels
	if channels == nil {
		c.mu.Unlock()
		return
	}
	c.channels, c.why = nil, why
	c.mu.Unlock()
	c.over()
	for s := range channels {
		s.lost(why)
	}
	for _, event := range connectionEvents {
		c.js.Set(event, js.Null())
	}
	c.callback.Release()
	c.js.Call("close")
}

// add takes a channel of the browser. It fails if the connection has ended.
func (c *peerConnection) add(v js.Value) (*channel, error) {
	s := newChannel(c, v)
	c.mu.Lock()
	why := c.why
	if why == nil {
		c.channels[s] = struct{}{}
	}
	c.mu.Unlock()
	if why != nil {
		s.lost(why)
		return nil, why
	}
	return s, nil
}

// remove says that the browser does not call back for a channel any more.
func (c *peerConnection) remove(s *channel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.channels, s)
}

// offered takes a channel that the other side has opened.
func (c *peerConnection) offered(v js.Value) {
	s, err := c.add(v)
	if err != nil {
		return
	}
	select {
	case c.incoming <- s:
	default:
		_ = s.ResetWithError(network.StreamRateLimited) // which has no errors
	}
}

// OpenStream is part of network.MuxedConn.
func (c *peerConnection) OpenStream(ctx context.Context) (_ network.MuxedStream, err error) {
	if c.IsClosed() {
		return nil, c.why
	}
	defer jsvalue.Caught(&err)
	s, err := c.add(c.js.Call("createDataChannel", ""))
	if err != nil {
		return nil, err
	}
	if err := s.opens(ctx); err != nil {
		_ = s.Reset() // which has no errors
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	return s, nil
}

// AcceptStream is part of network.MuxedConn.
func (c *peerConnection) AcceptStream() (network.MuxedStream, error) {
	for {
		select {
		case s := <-c.incoming:
			if s.opens(c.done) == nil {
				return s, nil
			}
		case <-c.done.Done():
			return nil, c.why
		}
	}
}

// Close is part of network.MuxedConn.
func (c *peerConnection) Close() error {
	c.close.Do(func() {
		c.end(net.ErrClosed)
		c.scope.Done()
	})
	return nil
}

// CloseWithError is Close: webrtc-direct has no codes for connections.
func (c *peerConnection) CloseWithError(network.ConnErrorCode) error { return c.Close() }

// IsClosed is part of network.MuxedConn.
func (c *peerConnection) IsClosed() bool { return c.done.Err() != nil }

// As is part of network.MuxedConn.
func (c *peerConnection) As(any) bool { return false }

// Scope is part of network.ConnScoper.
func (c *peerConnection) Scope() network.ConnScope { return c.scope }

// Transport is part of transport.CapableConn.
func (c *peerConnection) Transport() transport.Transport { return c.transport }

// LocalMultiaddr is part of network.ConnMultiaddrs.
func (c *peerConnection) LocalMultiaddr() ma.Multiaddr { return localPeerConnection }

// RemoteMultiaddr is part of network.ConnMultiaddrs.
func (c *peerConnection) RemoteMultiaddr() ma.Multiaddr { return c.remote }

// ConnState is part of network.ConnSecurity.
func (c *peerConnection) ConnState() network.ConnectionState {
	return network.ConnectionState{Transport: "webrtc-direct"}
}
