//go:build js

package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall/js"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// webSocket is the transport on the browser's WebSocket.
type webSocket struct {
	dialer
	upgrader  transport.Upgrader
	resources network.ResourceManager
}

var _ transport.Transport = (*webSocket)(nil)

// CanDial is part of transport.Transport.
func (t *webSocket) CanDial(a ma.Multiaddr) bool {
	_, ok := webSocketAddress(a)
	return ok
}

// Protocols is part of transport.Transport.
func (t *webSocket) Protocols() []int { return []int{ma.P_WS, ma.P_WSS} }

// Dial is part of transport.Transport.
func (t *webSocket) Dial(ctx context.Context, a ma.Multiaddr, p peer.ID) (transport.CapableConn, error) {
	scope, err := t.resources.OpenConnection(network.DirOutbound, true, a)
	if err != nil {
		return nil, err
	}
	socket, err := dialSocket(ctx, a)
	if err != nil {
		scope.Done()
		return nil, err
	}
	c, err := t.upgrader.Upgrade(ctx, t, socket, network.DirOutbound, p, scope) // it ends the scope if it fails
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return webSocketConn{c}, nil
}

// webSocketConn says what the connection is made on: the upgrader takes everything for TCP.
type webSocketConn struct{ transport.CapableConn }

// ConnState is part of network.ConnSecurity.
func (c webSocketConn) ConnState() network.ConnectionState {
	state := c.CapableConn.ConnState()
	state.Transport = "websocket"
	return state
}

const (
	// maxReceived bounds what has come on a WebSocket and is not read, since nothing can slow it down.
	// Yamux reads whatever comes at once, so more is a fault of the peer.
	maxReceived = 16 << 20
	// maxBuffered is how much the browser may have to send before writes wait.
	maxBuffered = 1 << 20
	// maxMessage is how much goes out in one message.
	maxMessage = 64 << 10
	// drainWait is how long a write waits before it asks the browser again.
	drainWait = 2 * time.Millisecond
)

// localSocket stands for the address of this side, which the browser does not tell.
var localSocket = ma.StringCast("/ip4/0.0.0.0/tcp/0/ws")

// socket is a WebSocket as a stream of bytes.
type socket struct {
	js     js.Value
	url    string
	remote ma.Multiaddr
	in     *queue
	// callbacks are those of the events, by name.
	callbacks map[string]jsvalue.Func
	// opened gets the outcome of the dial.
	opened chan error
	closed chan struct{}
	close  sync.Once

	// writing is held by who writes.
	writing  sync.Mutex
	mu       sync.Mutex
	deadline time.Time
	// moved is closed, and replaced, when the deadline of writes is set.
	moved chan struct{}
}

var _ manet.Conn = (*socket)(nil)

// dialSocket opens a WebSocket.
func dialSocket(ctx context.Context, a ma.Multiaddr) (_ *socket, err error) {
	parsed, ok := webSocketAddress(a)
	if !ok {
		return nil, fmt.Errorf("%s is no address of a WebSocket", a)
	}
	s := &socket{
		url: parsed.url, remote: a, in: newQueue(maxReceived), callbacks: map[string]jsvalue.Func{},
		opened: make(chan error, 1), closed: make(chan struct{}), moved: make(chan struct{}),
	}
	if s.js, err = construct("WebSocket", parsed.url); err != nil {
		return nil, fmt.Errorf("dial %s: %w", parsed.url, err)
	}
	s.js.Set("binaryType", "arraybuffer")
	s.listen()
	select {
	case err = <-s.opened:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("dial %s: %w", parsed.url, err), s.Close())
	}
	return s, nil
}

// construct makes an object of a class of the browser.
func construct(class string, args ...any) (v js.Value, err error) {
	defer jsvalue.Caught(&err)
	constructor := js.Global().Get(class)
	if !constructor.Truthy() {
		return js.Undefined(), fmt.Errorf("there is no %s here", class)
	}
	return constructor.New(args...), nil
}

// listen sets the callbacks.
func (s *socket) listen() {
	on := func(event string, do func(event js.Value)) {
		f := jsvalue.FuncOf(func(_ js.Value, args []js.Value) any {
			do(jsvalue.First(args))
			return nil
		})
		s.callbacks[event] = f
		s.js.Set(event, f.Value)
	}
	on("onopen", func(js.Value) { s.settle(nil) })
	on("onclose", func(event js.Value) {
		code := event.Get("code").Int()
		s.settle(fmt.Errorf("the connection was refused or lost (code %d)", code))
		if code == 1000 || code == 1005 { // as it should be, with a code and without
			s.in.end(io.EOF)
		} else {
			s.in.end(fmt.Errorf("the connection to %s is lost (code %d): %w", s.url, code, io.ErrUnexpectedEOF))
		}
	})
	on("onmessage", func(event js.Value) {
		if err := s.receive(event.Get("data")); err != nil {
			s.in.drop(err)
			go s.Close() // it calls JavaScript
		}
	})
}

// settle says how the dial has ended. Only the first word counts.
func (s *socket) settle(err error) {
	select {
	case s.opened <- err:
	default:
	}
}

// errText is what a connection ends with whose other side sends text.
var errText = errors.New("the peer sends text")

// receive takes a message. It fails if it is too much, or not one of bytes.
func (s *socket) receive(data js.Value) error {
	if data.Type() != js.TypeObject { // an ArrayBuffer otherwise
		return errText
	}
	size := data.Get("byteLength").Int()
	if size > maxReceived {
		return errFull
	}
	message := make([]byte, size)
	js.CopyBytesToGo(message, uint8Array.New(data))
	if !s.in.push(message) {
		return errFull
	}
	return nil
}

var uint8Array = js.Global().Get("Uint8Array")

// Read is part of net.Conn.
func (s *socket) Read(p []byte) (int, error) { return s.in.read(p, func() {}) }

// Write is part of net.Conn. It waits while the browser has much to send.
func (s *socket) Write(p []byte) (n int, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	for {
		if err := s.drained(); err != nil {
			return n, err
		}
		if n == len(p) {
			return n, nil
		}
		part := p[n:min(len(p), n+maxMessage)]
		if err := s.send(part); err != nil {
			return n, err
		}
		n += len(part)
	}
}

func (s *socket) send(p []byte) (err error) {
	defer jsvalue.Caught(&err)
	s.js.Call("send", jsvalue.FromBytes(p))
	return nil
}

// drained waits until the browser can take more.
func (s *socket) drained() error {
	for {
		s.mu.Lock()
		deadline, moved := s.deadline, s.moved
		s.mu.Unlock()
		switch {
		case s.isClosed():
			return net.ErrClosed
		case s.js.Get("readyState").Int() != open:
			return io.ErrClosedPipe
		case past(deadline):
			return os.ErrDeadlineExceeded
		case s.js.Get("bufferedAmount").Int() <= maxBuffered:
			return nil
		}
		timer := time.NewTimer(drainWait)
		select {
		case <-timer.C:
		case <-moved:
		case <-s.closed:
		}
		timer.Stop()
	}
}

// open is the readyState of a WebSocket that is open.
const open = 1

func (s *socket) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// Close is part of net.Conn. The browser sends what was written before.
func (s *socket) Close() error {
	s.close.Do(func() {
		close(s.closed)
		s.in.end(net.ErrClosed)
		for event, f := range s.callbacks {
			s.js.Set(event, js.Null())
			f.Release()
		}
		s.js.Call("close")
	})
	return nil
}

// LocalAddr is part of net.Conn.
func (s *socket) LocalAddr() net.Addr { return netAddr{"websocket", "browser"} }

// RemoteAddr is part of net.Conn.
func (s *socket) RemoteAddr() net.Addr { return netAddr{"websocket", s.url} }

// LocalMultiaddr is part of manet.Conn.
func (s *socket) LocalMultiaddr() ma.Multiaddr { return localSocket }

// RemoteMultiaddr is part of manet.Conn.
func (s *socket) RemoteMultiaddr() ma.Multiaddr { return s.remote }

// SetDeadline is part of net.Conn.
func (s *socket) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline is part of net.Conn.
func (s *socket) SetReadDeadline(t time.Time) error {
	s.in.setDeadline(t)
	return nil
}

// SetWriteDeadline is part of net.Conn.
func (s *socket) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	close(s.moved)
	s.moved = make(chan struct{})
	return nil
}
