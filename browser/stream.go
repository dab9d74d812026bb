//go:build js

package browser

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall/js"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// maxChunk is how much goes to the browser in one write, and waits there at most.
const maxChunk = 64 << 10

// stream is a stream of a WebTransport session. It has at most one chunk that has come and is not read, and
// one that is written and not sent yet: the browser holds the other side up.
type stream struct {
	session        *session
	reader, writer js.Value
	in             *queue
	callbacks      callbacks
	close          sync.Once

	// writes is held by who writes.
	writes sync.Mutex

	// Its mu guards what follows, too.
	writeSide
	// users are what may yet use the callbacks: the stream until it is closed, and promises.
	users int
	// reading and writing say that the browser has yet to answer. unreadable says that nobody reads any more.
	reading, writing, unreadable bool
}

var _ network.MuxedStream = (*stream)(nil)

// callbacks are called when a read or a write is done or has failed.
type callbacks struct{ read, unread, wrote, unwritten jsvalue.Func }

func newStream(of *session, v js.Value) *stream {
	s := &stream{
		session: of,
		reader:  v.Get("readable").Call("getReader"), writer: v.Get("writable").Call("getWriter"),
		// The browser hands over what has come in pieces, none of which is larger than it lets a peer send at once.
		in: newQueue(maxReceived), users: 1, writeSide: writeSide{changed: make(chan struct{})},
	}
	callback := func(do func(v js.Value)) jsvalue.Func {
		return jsvalue.FuncOf(func(_ js.Value, args []js.Value) any {
			do(jsvalue.First(args))
			s.leave()
			return nil
		})
	}
	s.callbacks = callbacks{
		read: callback(s.read), unread: callback(s.unread), wrote: callback(func(js.Value) { s.wrote(nil) }),
		unwritten: callback(func(v js.Value) { s.wrote(streamError(v)) }),
	}
	return s
}

// leave says that one user less needs the callbacks.
func (s *stream) leave() {
	s.mu.Lock()
	s.users--
	last := s.users == 0
	s.mu.Unlock()
	if last {
		for _, f := range []jsvalue.Func{s.callbacks.read, s.callbacks.unread, s.callbacks.wrote, s.callbacks.unwritten} {
			f.Release()
		}
	}
}

// streamError returns the error for what the browser says of a stream.
func streamError(v js.Value) error {
	err := jsvalue.Error(v)
	if v.Type() != js.TypeObject || v.Get("source").Type() != js.TypeString || v.Get("source").String() != "stream" {
		return fmt.Errorf("the connection has ended: %w", err)
	}
	reset := &network.StreamError{Remote: true, TransportError: err}
	if code := v.Get("streamErrorCode"); code.Type() == js.TypeNumber {
		reset.ErrorCode = network.StreamErrorCode(code.Float())
	}
	return reset
}

// errReset is what the side that resets a stream, or that reads no more, has from reads and writes.
var errReset = &network.StreamError{}

// errWriteClosed is what writes after CloseWrite return.
var errWriteClosed = errors.New("the stream is closed for writing")

// Read is part of network.MuxedStream.
func (s *stream) Read(p []byte) (int, error) { return s.in.read(p, s.pull) }

// pull asks the browser for what comes next.
func (s *stream) pull() {
	s.mu.Lock()
	if s.reading || s.unreadable {
		s.mu.Unlock()
		return
	}
	s.reading = true
	s.users++
	s.mu.Unlock()
	s.reader.Call("read").Call("then", s.callbacks.read.Value, s.callbacks.unread.Value)
}

// pulled says that the browser has answered.
func (s *stream) pulled() {
	s.mu.Lock()
	s.reading = false
	s.mu.Unlock()
}

// read takes what has come.
func (s *stream) read(result js.Value) {
	s.pulled()
	if result.Get("done").Bool() {
		s.in.end(io.EOF)
		return
	}
	chunk, ok := jsvalue.Bytes(result.Get("value"))
	if !ok || !s.in.push(chunk) {
		s.in.drop(errFull)
	}
}

func (s *stream) unread(reason js.Value) {
	s.pulled()
	s.in.end(streamError(reason))
}

// Write is part of network.MuxedStream. It returns when the browser has taken all bytes, and has yet to send the
// last of them.
func (s *stream) Write(p []byte) (n int, err error) {
	s.writes.Lock()
	defer s.writes.Unlock()
	for {
		if err := s.await(); err != nil || n == len(p) {
			return n, err
		}
		chunk := p[n:min(len(p), n+maxChunk)]
		if s.write(chunk) {
			n += len(chunk)
		}
		if n == len(p) {
			return n, nil
		}
	}
}

// await waits until the browser has sent what was written last.
func (s *stream) await() error {
	for {
		s.mu.Lock()
		failed, deadline, writing, changed := s.failed, s.deadline, s.writing, s.changed
		s.mu.Unlock()
		switch {
		case failed != nil:
			return failed
		case past(deadline):
			return os.ErrDeadlineExceeded
		case !writing:
			return nil
		}
		wait(changed, deadline)
	}
}

// write gives a chunk to the browser. It is false if the stream has been closed meanwhile.
func (s *stream) write(chunk []byte) bool {
	s.mu.Lock()
	if s.failed != nil {
		s.mu.Unlock()
		return false
	}
	s.writing = true
	s.users++
	s.mu.Unlock()
	s.writer.Call("write", jsvalue.FromBytes(chunk)).
		Call("then", s.callbacks.wrote.Value, s.callbacks.unwritten.Value)
	return true
}

// wrote says how the last write has ended.
func (s *stream) wrote(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = false
	if s.failed == nil {
		s.failed = err
	}
	s.change()
}

// CloseWrite is part of network.MuxedStream. It sends the bytes that were written before.
func (s *stream) CloseWrite() error {
	if s.fail(errWriteClosed) {
		s.writer.Call("close").Call("catch", ignore)
	}
	return nil
}

// CloseRead is part of network.MuxedStream.
func (s *stream) CloseRead() error {
	s.mu.Lock()
	before := s.unreadable
	s.unreadable = true
	s.mu.Unlock()
	if !before {
		s.in.drop(errReset)
		s.reader.Call("cancel").Call("catch", ignore)
	}
	return nil
}

// Close is part of network.MuxedStream.
func (s *stream) Close() error {
	s.close.Do(func() {
		_, _ = s.CloseWrite(), s.CloseRead() // they have no errors
		s.leave()
	})
	return nil
}

// Reset is part of network.MuxedStream.
func (s *stream) Reset() error {
	s.close.Do(func() {
		s.fail(errReset)
		s.session.abort(s.writer) // also if it is closed and not all is sent
		_ = s.CloseRead()         // it has no errors
		s.leave()
	})
	return nil
}

// ResetWithError is Reset: go-libp2p sends and reads no codes on WebTransport.
func (s *stream) ResetWithError(network.StreamErrorCode) error { return s.Reset() }

// SetDeadline is part of network.MuxedStream.
func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline is part of network.MuxedStream.
func (s *stream) SetReadDeadline(t time.Time) error {
	s.in.setDeadline(t)
	return nil
}
