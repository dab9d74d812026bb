//go:build js

package browser

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall/js"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// session is a connection by WebTransport. Each of its streams is one of libp2p.
type session struct {
	network.ConnSecurity
	js        js.Value
	remote    ma.Multiaddr
	transport *webTransport
	scope     network.ConnManagementScope
	// incoming reads the streams that the other side opens.
	incoming js.Value
	// done ends with the session, whoever ends it.
	done  context.Context
	over  context.CancelFunc
	close sync.Once

	mu sync.Mutex
	// aborts are the streams whose end the browser has not confirmed yet. Ended says that the session is to
	// be closed when there are none.
	aborts int
	ended  bool
}

var _ transport.CapableConn = (*session)(nil)

// localSession stands for the address of this side, which the browser does not tell.
var localSession = ma.StringCast("/ip4/0.0.0.0/udp/0/quic-v1/webtransport")

func newSession(v js.Value, remote ma.Multiaddr) *session {
	s := &session{js: v, remote: remote}
	s.done, s.over = context.WithCancel(context.Background())
	var closed jsvalue.Func
	closed = jsvalue.FuncOf(func(js.Value, []js.Value) any {
		s.over()
		closed.Release() // it is called once
		return nil
	})
	v.Get("closed").Call("then", closed.Value, closed.Value)
	s.incoming = v.Get("incomingBidirectionalStreams").Call("getReader")
	return s
}

// ignore is called by the browser with errors that are of no interest: a function of its own, which does
// nothing. A promise that fails without one is reported as a fault of the page.
var ignore = js.Global().Get("Boolean")

// OpenStream is part of network.MuxedConn.
func (s *session) OpenStream(ctx context.Context) (network.MuxedStream, error) {
	opened, err := s.openStream(ctx)
	if err != nil {
		return nil, err
	}
	return opened, nil
}

func (s *session) openStream(ctx context.Context) (_ *stream, err error) {
	defer jsvalue.Caught(&err)
	type result struct {
		stream *stream
		err    error
	}
	promise := s.js.Call("createBidirectionalStream")
	opened := make(chan result, 1)
	go func() {
		v, err := jsvalue.Await(context.Background(), promise) // it fails when the session ends
		if err != nil {
			opened <- result{err: fmt.Errorf("open a stream: %w", err)}
			return
		}
		opened <- result{stream: newStream(s, v)}
	}()
	select {
	case r := <-opened:
		return r.stream, r.err
	case <-ctx.Done():
		go func() {
			if r := <-opened; r.err == nil {
				_ = r.stream.Reset() // which has no errors
			}
		}()
		return nil, ctx.Err()
	}
}

// AcceptStream is part of network.MuxedConn.
func (s *session) AcceptStream() (_ network.MuxedStream, err error) {
	defer jsvalue.Caught(&err)
	result, err := jsvalue.Await(s.done, s.incoming.Call("read"))
	switch {
	case s.IsClosed(), err == nil && result.Get("done").Bool():
		return nil, net.ErrClosed
	case err != nil:
		return nil, err
	}
	return newStream(s, result.Get("value")), nil
}

// Close is part of network.MuxedConn.
func (s *session) Close() error {
	s.close.Do(func() {
		s.end()
		s.scope.Done()
	})
	return nil
}

// end ends the session of the browser.
func (s *session) end() {
	s.over()
	s.mu.Lock()
	s.ended = true
	now := s.aborts == 0
	s.mu.Unlock()
	if now {
		s.js.Call("close")
	}
}

// abort has the browser end a stream at once. Chromium 156 crashes if its session is closed before it has
// done so: end waits for that.
func (s *session) abort(writer js.Value) {
	s.mu.Lock()
	if s.ended || s.IsClosed() { // the stream ends with the session
		s.mu.Unlock()
		return
	}
	s.aborts++
	s.mu.Unlock()
	promise := writer.Call("abort")
	go func() {
		_, _ = jsvalue.Await(context.Background(), promise) // an error says that the stream has ended already
		s.mu.Lock()
		s.aborts--
		last := s.ended && s.aborts == 0
		s.mu.Unlock()
		if last {
			s.js.Call("close")
		}
	}()
}

// CloseWithError is Close: browsers send no codes that go-libp2p knows.
func (s *session) CloseWithError(network.ConnErrorCode) error { return s.Close() }

// IsClosed is part of network.MuxedConn.
func (s *session) IsClosed() bool { return s.done.Err() != nil }

// As is part of network.MuxedConn.
func (s *session) As(any) bool { return false }

// Scope is part of network.ConnScoper.
func (s *session) Scope() network.ConnScope { return s.scope }

// Transport is part of transport.CapableConn.
func (s *session) Transport() transport.Transport { return s.transport }

// LocalMultiaddr is part of network.ConnMultiaddrs.
func (s *session) LocalMultiaddr() ma.Multiaddr { return localSession }

// RemoteMultiaddr is part of network.ConnMultiaddrs.
func (s *session) RemoteMultiaddr() ma.Multiaddr { return s.remote }

// ConnState is part of network.ConnSecurity.
func (s *session) ConnState() network.ConnectionState {
	return network.ConnectionState{Transport: "webtransport"}
}
