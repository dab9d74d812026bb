//go:build js

package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall/js"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/transport/webrtc/pb"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

const (
	// maxUnread bounds what has come on one data channel and is not read: the browser holds no sender up.
	maxUnread = 4 << 20
	// lingerTime is how long a stream that is closed waits for the other side to say that it has everything.
	lingerTime = 10 * time.Second
)

// channel is a stream on a data channel. Its messages are those of package pb.
type channel struct {
	conn *peerConnection
	js   js.Value
	in   *queue
	// callback is called for the events of the channel, in which alone frames is used.
	callback jsvalue.Func
	frames   frames
	// opened and ended are closed when the channel opens, and when the browser does not call back any more.
	opened, ended  chan struct{}
	opening, close sync.Once

	// writes is held by who writes.
	writes sync.Mutex

	// Its mu guards what follows, too.
	writeSide
	// received says that nothing more comes that is read, and sent that the other side has everything, or wants no
	// more. The channel is closed when both are.
	received, sent bool
	// fin says that the end was sent, and acknowledged that the end of the other side was.
	fin, acknowledged bool
	isEnded           bool
	linger            *time.Timer
}

var _ network.MuxedStream = (*channel)(nil)

// channelEvents are the events of a data channel that are listened to.
var channelEvents = []string{"onopen", "onmessage", "onbufferedamountlow", "onclose"}

func newChannel(of *peerConnection, v js.Value) *channel {
	s := &channel{
		conn: of, js: v, in: newQueue(maxUnread), opened: make(chan struct{}), ended: make(chan struct{}),
		writeSide: writeSide{changed: make(chan struct{})},
	}
	s.in.shared = of.unread
	s.callback = jsvalue.FuncOf(func(_ js.Value, args []js.Value) any {
		s.event(jsvalue.First(args))
		return nil
	})
	v.Set("binaryType", "arraybuffer")
	v.Set("bufferedAmountLowThreshold", maxChunk/2)
	for _, event := range channelEvents {
		v.Set(event, s.callback.Value)
	}
	if v.Get("readyState").String() == "open" {
		s.open()
	}
	return s
}

// event takes what the browser says.
func (s *channel) event(event js.Value) {
	switch event.Get("type").String() {
	case "open":
		s.open()
	case "message":
		switch err := s.receive(event.Get("data")); {
		case err != nil && s == s.conn.first:
			s.conn.end(err)
		case err != nil:
			s.abort(err, network.StreamProtocolViolation)
		}
	case "bufferedamountlow":
		s.mu.Lock()
		s.change()
		s.mu.Unlock()
	case "close":
		if s == s.conn.first {
			s.conn.lost()
			return
		}
		s.lost(&network.StreamError{Remote: true, TransportError: errChannel})
	}
}

// errChannel is the end of a stream whose data channel the other side closes before the stream.
var errChannel = errors.New("the data channel is closed")

// open says that the channel takes messages.
func (s *channel) open() { s.opening.Do(func() { close(s.opened) }) }

func (s *channel) isOpened() bool {
	select {
	case <-s.opened:
		return true
	default:
		return false
	}
}

// opens waits until the channel takes messages.
func (s *channel) opens(ctx context.Context) error {
	select {
	case <-s.opened:
		return nil
	case <-s.ended:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.failed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lost ends a channel that the browser or the other side has closed.
func (s *channel) lost(err error) {
	s.in.end(err)
	s.fail(err)
	s.end()
}

// abort resets the stream, and forgets what has come.
func (s *channel) abort(err error, code network.StreamErrorCode) {
	s.in.drop(err)
	s.fail(err)
	s.control(pb.Message_RESET, code)
	s.end()
}

// end closes the channel. The browser sends what was written before.
func (s *channel) end() {
	s.mu.Lock()
	if s.isEnded {
		s.mu.Unlock()
		return
	}
	s.isEnded = true
	if s.linger != nil {
		s.linger.Stop()
	}
	s.mu.Unlock()
	close(s.ended)
	s.conn.remove(s)
	for _, event := range channelEvents {
		s.js.Set(event, js.Null())
	}
	s.callback.Release()
	s.js.Call("close")
}

// done says that nothing more comes, or that nothing more is to be sent.
func (s *channel) done(received, sent bool) {
	s.mu.Lock()
	s.received, s.sent = s.received || received, s.sent || sent
	both := s.received && s.sent
	s.mu.Unlock()
	if both && s != s.conn.first {
		s.end()
	}
}

// receive takes what has come. It fails if that is not what it should be, or too much.
func (s *channel) receive(data js.Value) error {
	if data.Type() != js.TypeObject { // an ArrayBuffer otherwise
		return errText
	}
	size := data.Get("byteLength").Int()
	if size > maxFrame {
		return fmt.Errorf("%w: %d bytes", errFrame, size)
	}
	p := make([]byte, size)
	js.CopyBytesToGo(p, uint8Array.New(data))
	return s.frames.add(p, s.message)
}

// message takes a message.
func (s *channel) message(m *pb.Message) error {
	if !s.in.push(m.GetMessage()) {
		return errFull
	}
	if m.Flag == nil {
		return nil
	}
	theirs := &network.StreamError{Remote: true, ErrorCode: network.StreamErrorCode(m.GetErrorCode())}
	switch m.GetFlag() {
	case pb.Message_FIN:
		s.in.end(io.EOF)
		s.acknowledge()
		s.done(true, false)
	case pb.Message_FIN_ACK:
		s.mu.Lock()
		fin := s.fin
		s.mu.Unlock()
		s.done(false, fin)
	case pb.Message_STOP_SENDING:
		s.fail(theirs)
		s.done(false, true)
	case pb.Message_RESET:
		s.in.end(theirs)
		s.fail(theirs)
		s.done(true, true)
	}
	return nil
}

// acknowledge says once that all of the stream has come.
func (s *channel) acknowledge() {
	s.mu.Lock()
	before := s.acknowledged
	s.acknowledged = true
	s.mu.Unlock()
	if !before {
		s.control(pb.Message_FIN_ACK, 0)
	}
}

// control sends a flag. It is not sent if the channel is closed.
func (s *channel) control(flag pb.Message_Flag, code network.StreamErrorCode) {
	m := &pb.Message{Flag: flag.Enum()}
	if code != 0 {
		m.ErrorCode = (*uint32)(&code)
	}
	_ = s.send(m)
}

// send gives a message to the browser.
func (s *channel) send(m *pb.Message) (err error) {
	defer jsvalue.Caught(&err)
	all, err := pieces(m)
	for _, p := range all {
		s.js.Call("send", jsvalue.FromBytes(p))
	}
	return err
}

// Read is part of network.MuxedStream.
func (s *channel) Read(p []byte) (int, error) { return s.in.read(p, func() {}) }

// Write is part of network.MuxedStream. It waits while the browser has much to send.
func (s *channel) Write(p []byte) (n int, err error) {
	s.writes.Lock()
	defer s.writes.Unlock()
	for {
		if err := s.await(); err != nil || n == len(p) {
			return n, err
		}
		chunk := p[n:min(len(p), n+maxBody)]
		if err := s.send(&pb.Message{Message: chunk}); err != nil {
			return n, fmt.Errorf("write to a data channel: %w", err)
		}
		if n += len(chunk); n == len(p) {
			return n, nil
		}
	}
}

// await waits until the browser takes more.
func (s *channel) await() error {
	for {
		s.mu.Lock()
		failed, deadline, changed := s.failed, s.deadline, s.changed
		s.mu.Unlock()
		switch {
		case failed != nil:
			return failed
		case past(deadline):
			return os.ErrDeadlineExceeded
		case s.js.Get("bufferedAmount").Int() <= maxChunk:
			return nil
		}
		wait(changed, deadline)
	}
}

// CloseWrite is part of network.MuxedStream.
func (s *channel) CloseWrite() error {
	if s.fail(errWriteClosed) {
		s.mu.Lock()
		s.fin = true
		s.mu.Unlock()
		s.control(pb.Message_FIN, 0)
	}
	return nil
}

// CloseRead is part of network.MuxedStream.
func (s *channel) CloseRead() error {
	s.mu.Lock()
	before := s.received
	s.mu.Unlock()
	s.in.drop(errReset)
	if !before {
		s.control(pb.Message_STOP_SENDING, 0)
		s.done(true, false)
	}
	return nil
}

// Close is part of network.MuxedStream.
func (s *channel) Close() error {
	s.close.Do(func() {
		_, _ = s.CloseWrite(), s.CloseRead() // they have no errors
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.isEnded {
			s.linger = time.AfterFunc(lingerTime, s.end)
		}
	})
	return nil
}

// Reset is part of network.MuxedStream.
func (s *channel) Reset() error { return s.ResetWithError(0) }

// ResetWithError is part of network.MuxedStream.
func (s *channel) ResetWithError(code network.StreamErrorCode) error {
	s.close.Do(func() { s.abort(&network.StreamError{ErrorCode: code}, code) })
	return nil
}

// SetDeadline is part of network.MuxedStream.
func (s *channel) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline is part of network.MuxedStream.
func (s *channel) SetReadDeadline(t time.Time) error {
	s.in.setDeadline(t)
	return nil
}
