//go:build js

package browser_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/browser"
)

// Reads and writes end at their deadlines, and go on behind them.
func TestDeadlines(t *testing.T) {
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		h := newHost(t, browser.Options{})
		server := to(natives(t)[0])
		connect(t, h, server)
		s := open(t, h, server.ID, silentProtocol)
		if err := s.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(make([]byte, 1)); !timedOut(err) {
			t.Errorf("a read ends with %v", err)
		}
		// Nobody reads: sooner or later a write has to wait.
		if err := s.SetWriteDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := s.Write(make([]byte, 64<<20))
		if !timedOut(err) || n >= 64<<20 {
			t.Errorf("a write ends after %d bytes with %v", n, err)
		}
		// A deadline that is set later counts for a read that waits already.
		if err := s.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(50*time.Millisecond, func() { _ = s.SetReadDeadline(time.Now()) }) // the read tells
		if _, err := s.Read(make([]byte, 1)); !timedOut(err) {
			t.Errorf("a read ends with %v", err)
		}
		if t.Name() == "TestDeadlines/"+direct {
			// A stream that the server does not read holds up all others of the connection, and its own reset.
			if err := h.Network().ClosePeer(server.ID); err != nil {
				t.Error(err)
			}
			connect(t, h, server)
		}
		// The deadline of one stream is none of the others.
		if err := visit(t.Context(), h, server.ID); err != nil {
			t.Error(err)
		}
		if t.Name() == "TestDeadlines/websocket" {
			return // a deadline that comes while yamux sends a new window takes it, and the stream stops
		}
		// Data that comes between two deadlines is not lost.
		source := open(t, h, server.ID, sourceProtocol)
		if _, err := io.ReadFull(source, make([]byte, 1)); err != nil { // the protocol is agreed on
			t.Fatal(err)
		}
		got := 1
		for buffer := make([]byte, 64<<10); ; {
			if err := source.SetReadDeadline(time.Now().Add(2 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			n, err := source.Read(buffer)
			got += n
			if err != nil && !timedOut(err) {
				if err != io.EOF || got != sourceBytes {
					t.Errorf("%d bytes came: %v", got, err)
				}
				return
			}
		}
	})
}

// timedOut reports whether a deadline has ended a read or a write: by an error of yamux, or one of package os.
func timedOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// Streams end as those of go-libp2p do.
func TestEnds(t *testing.T) {
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		h := newHost(t, browser.Options{})
		server := to(natives(t)[0])
		connect(t, h, server)

		remote := open(t, h, server.ID, resetProtocol)
		if _, err := remote.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		_, err := remote.Read(make([]byte, 1))
		reset, ok := errors.AsType[*network.StreamError](err)
		if !ok || !reset.Remote || !errors.Is(err, network.ErrReset) {
			t.Errorf("a stream that the other side resets is read with %v", err)
		} else if t.Name() != "TestEnds/webtransport" && reset.ErrorCode != resetCode {
			t.Errorf("the code is %x", reset.ErrorCode)
		}

		local := open(t, h, server.ID, silentProtocol)
		waiting := make(chan error)
		go func() {
			_, err := local.Read(make([]byte, 1))
			waiting <- err
		}()
		time.Sleep(20 * time.Millisecond)
		if err := local.Reset(); err != nil {
			t.Error(err)
		}
		if err := <-waiting; !errors.Is(err, network.ErrReset) {
			t.Errorf("a read of a stream that this side resets ends with %v", err)
		}
		if _, err := local.Write([]byte{1}); err == nil {
			t.Error("a stream that is reset takes bytes")
		}

		half := open(t, h, server.ID, sinkProtocol)
		if err := half.CloseWrite(); err != nil {
			t.Error(err)
		}
		if _, err := half.Write([]byte{1}); err == nil {
			t.Error("a stream that is closed for writing takes bytes")
		}
		if _, err := io.ReadFull(half, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		if err := half.Close(); err != nil {
			t.Error(err)
		}
		if _, err := half.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("a stream that is closed is read with %v", err)
		}
	})
}

// A connection that the other side closes is noticed at once, and another one can be made.
func TestDrop(t *testing.T) {
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		h := newHost(t, browser.Options{})
		server := to(natives(t)[0])
		gone := make(chan bool, 1)
		h.Network().Notify(&network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { gone <- true }})
		for range 3 {
			connect(t, h, server)
			s := open(t, h, server.ID, silentProtocol)
			waiting := make(chan error)
			go func() {
				_, err := s.Read(make([]byte, 1))
				waiting <- err
			}()
			ask(t, h, server.ID, question{Do: "drop"})
			if err := <-waiting; err == nil || err == io.EOF {
				t.Errorf("a read of a stream whose connection is closed ends with %v", err)
			}
			<-gone
			if _, err := s.Write([]byte{1}); err == nil {
				t.Error("a stream whose connection is closed takes bytes")
			}
		}
	})
}

// Resetting streams while connections are closed, by either side, is no trouble.
func TestResets(t *testing.T) {
	eachTransport(t, func(t *testing.T, to func(native) peer.AddrInfo) {
		h := newHost(t, browser.Options{})
		server := to(natives(t)[0])
		for round := range 10 {
			connect(t, h, server)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan bool)
			for range 8 {
				go func() {
					for ctx.Err() == nil {
						s, err := h.NewStream(ctx, server.ID, silentProtocol)
						if err != nil {
							break
						}
						_, _ = s.Write([]byte{1}) // the connection may be closed
						_ = s.Reset()
					}
					ended <- true
				}()
			}
			if round%2 == 0 {
				_, _ = try(ctx, h, server.ID, question{Do: "drop"}) // the answer may come too late
			} else {
				time.Sleep(20 * time.Millisecond)
				_ = h.Network().ClosePeer(server.ID)
			}
			cancel()
			for range 8 {
				<-ended
			}
		}
	})
}
