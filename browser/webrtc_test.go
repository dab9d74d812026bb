//go:build js

package browser

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"syscall/js"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/transport/webrtc/pb"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// framed returns a message with its length before it.
func framed(t testing.TB, m *pb.Message) (p []byte) {
	t.Helper()
	all, err := pieces(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range all {
		p = append(p, part...)
	}
	return p
}

// Messages are found whatever the pieces are in which they come.
func TestFrames(t *testing.T) {
	var all []byte
	sizes := []int{0, 1, 100, 127, 128, 5000, maxBody}
	for _, size := range sizes {
		p := framed(t, &pb.Message{Message: make([]byte, size), Flag: pb.Message_FIN.Enum()})
		if len(p) > maxFrame {
			t.Errorf("%d bytes take %d", size, len(p))
		}
		all = append(all, p...)
	}
	for _, piece := range []int{1, 2, 3, 1000, maxFrame, len(all)} {
		var f frames
		var got []int
		for begin := 0; begin < len(all); begin += piece {
			part := append([]byte(nil), all[begin:min(len(all), begin+piece)]...)
			err := f.add(part, func(m *pb.Message) error {
				if m.GetFlag() != pb.Message_FIN || m.Flag == nil {
					t.Errorf("a message has the flag %v", m.Flag)
				}
				got = append(got, len(m.GetMessage()))
				return nil
			})
			if err != nil {
				t.Fatalf("in pieces of %d: %v", piece, err)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(sizes) {
			t.Errorf("in pieces of %d there are messages of %d bytes", piece, got)
		}
	}
}

// faults are pieces that are no messages.
func faults() map[string][]byte {
	return map[string][]byte{
		"length":    binary.AppendUvarint(nil, maxFrame+1),
		"endless":   {0xff, 0xff, 0xff},
		"overflow":  {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"no fields": {3, 0xff, 0xff, 0xff},
		"cut":       {2, 0x12, 100},
	}
}

func TestNoFrames(t *testing.T) {
	for name, p := range faults() {
		var f frames
		err := f.add(p, func(*pb.Message) error { return nil })
		if !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// stranger is the other side of a connection: one of the same page that sends what it likes.
type stranger struct{ js js.Value }

// meetStranger connects both.
func meetStranger(t *testing.T) (*peerConnection, stranger) {
	t.Helper()
	if webtest.InWorker() {
		t.Skip("a worker has no RTCPeerConnection")
	}
	wait := func(promise js.Value) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := jsvalue.Await(ctx, promise); err != nil {
			t.Fatal(err)
		}
	}
	class := js.Global().Get("RTCPeerConnection")
	mine, theirs := class.New(), class.New()
	c := newPeerConnection(mine, ma.StringCast("/ip4/192.0.2.1/udp/4001/webrtc-direct"))
	scope := network.NullScope{}
	c.scope = &scope
	first := map[string]any{"negotiated": true, "id": 0}
	var err error
	if c.first, err = c.add(mine.Call("createDataChannel", "", first)); err != nil {
		t.Fatal(err)
	}
	theirs.Call("createDataChannel", "", first)
	t.Cleanup(func() {
		_ = c.Close() // which has no errors
		theirs.Call("close")
	})
	gathered := func(v js.Value) {
		for v.Get("iceGatheringState").String() != "complete" {
			time.Sleep(5 * time.Millisecond)
		}
	}
	wait(mine.Call("setLocalDescription"))
	gathered(mine)
	wait(theirs.Call("setRemoteDescription", mine.Get("localDescription")))
	wait(theirs.Call("setLocalDescription"))
	gathered(theirs)
	wait(mine.Call("setRemoteDescription", theirs.Get("localDescription")))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.first.opens(ctx); err != nil {
		t.Fatal(err)
	}
	return c, stranger{theirs}
}

// open opens a channel.
func (s stranger) open(t *testing.T) js.Value {
	t.Helper()
	v := s.js.Call("createDataChannel", "")
	waitState(t, v, "open")
	return v
}

// waitState waits for the state of a channel.
func waitState(t *testing.T, v js.Value, state string) {
	t.Helper()
	for begin := time.Now(); v.Get("readyState").String() != state; time.Sleep(2 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("a channel is %s", v.Get("readyState"))
		}
	}
}

// accept takes the stream that the stranger has opened.
func accept(t *testing.T, c *peerConnection) *channel {
	t.Helper()
	s, err := c.AcceptStream()
	if err != nil {
		t.Fatal(err)
	}
	return s.(*channel)
}

// Text, and what is no message, resets a stream, and no other.
func TestStrangeMessages(t *testing.T) {
	before := jsvalue.Funcs()
	c, other := meetStranger(t)
	good := other.open(t)
	spared := accept(t, c)
	check := func(name string, data any, want error) {
		v := other.open(t)
		s := accept(t, c)
		v.Call("send", data)
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, want) {
			t.Errorf("%s: a read ends with %v", name, err)
		}
		if _, err := s.Write([]byte{1}); !errors.Is(err, want) {
			t.Errorf("%s: a write ends with %v", name, err)
		}
		waitState(t, v, "closed")
	}
	for name, p := range faults() {
		check(name, jsvalue.FromBytes(p), errFrame)
	}
	check("text", "text", errText)
	check("size", jsvalue.FromBytes(make([]byte, maxFrame+1)), errFrame)
	good.Call("send", jsvalue.FromBytes(framed(t, &pb.Message{Message: []byte("fine")})))
	if _, err := io.ReadFull(spared, make([]byte, 4)); err != nil {
		t.Error(err)
	}
	// On the channel of the handshake it ends the connection.
	c.first.js.Call("dispatchEvent", js.Global().Get("MessageEvent").New("message", map[string]any{"data": "text"}))
	if _, err := c.AcceptStream(); !errors.Is(err, errText) {
		t.Errorf("the connection ends with %v", err)
	}
	if n := jsvalue.Funcs(); n > before {
		t.Errorf("%d functions are left", n-before)
	}
}

// A stream that is not read ends when much has come, and so do others when all together have much.
func TestStrangeFlood(t *testing.T) {
	c, other := meetStranger(t)
	body := make([]byte, 15<<10)
	p := jsvalue.FromBytes(framed(t, &pb.Message{Message: body}))
	// send sends until the channel is closed, or count times.
	send := func(v js.Value, count int) {
		for i := 0; i < count && v.Get("readyState").String() == "open"; {
			if v.Get("bufferedAmount").Int() > 2<<20 {
				time.Sleep(time.Millisecond)
				continue
			}
			v.Call("send", p)
			i++
		}
	}
	v := other.open(t)
	s := accept(t, c)
	send(v, 2*maxUnread/len(body))
	if n, err := io.Copy(io.Discard, s); n != 0 || !errors.Is(err, errFull) {
		t.Errorf("%d bytes and then %v", n, err)
	}
	if left := c.unread.spent.Load(); left != 0 {
		t.Errorf("%d bytes are counted that nobody has", left)
	}
	const part = maxUnread - maxUnread/8
	var streams []*channel
	full := 0
	for range maxReceived/part + 1 {
		v := other.open(t)
		streams = append(streams, accept(t, c))
		send(v, part/len(body))
		for begin := time.Now(); v.Get("bufferedAmount").Int() > 0 && time.Since(begin) < 10*time.Second; {
			time.Sleep(2 * time.Millisecond)
		}
	}
	time.Sleep(50 * time.Millisecond) // what is on its way
	if held := c.unread.spent.Load(); held > maxReceived {
		t.Errorf("%d bytes are held", held)
	}
	for _, s := range streams {
		if err := s.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, s); errors.Is(err, errFull) {
			full++
		}
	}
	if full != 1 {
		t.Errorf("%d streams of %d have ended since there was too much", full, len(streams))
	}
}

// Streams that nobody accepts are so many and no more.
func TestStrangeStreams(t *testing.T) {
	c, other := meetStranger(t)
	var all []js.Value
	for range maxIncoming + 20 {
		all = append(all, other.js.Call("createDataChannel", ""))
	}
	for _, v := range all[maxIncoming:] {
		waitState(t, v, "closed")
	}
	for range maxIncoming {
		_ = accept(t, c).Reset() // which has no errors
	}
	for _, v := range all {
		waitState(t, v, "closed")
	}
	other.open(t)
	accept(t, c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.channels) != 2 { // the first, and this
		t.Errorf("there are %d channels", len(c.channels))
	}
}

// The end of a stream is acknowledged once, and an acknowledgement of nothing ends nothing.
func TestStrangeEnds(t *testing.T) {
	c, other := meetStranger(t)
	v := other.open(t)
	came := make(chan int, 16)
	callback := jsvalue.FuncOf(func(_ js.Value, args []js.Value) any {
		came <- args[0].Get("data").Get("byteLength").Int()
		return nil
	})
	defer callback.Release()
	v.Set("onmessage", callback.Value)
	s := accept(t, c)
	ack := jsvalue.FromBytes(framed(t, &pb.Message{Flag: pb.Message_FIN_ACK.Enum()}))
	fin := jsvalue.FromBytes(framed(t, &pb.Message{Flag: pb.Message_FIN.Enum()}))
	for range 3 {
		v.Call("send", ack)
		v.Call("send", fin)
	}
	if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes and then %v", n, err)
	}
	time.Sleep(50 * time.Millisecond)
	if len(came) != 1 {
		t.Errorf("there are %d acknowledgements", len(came))
	}
	if n, err := s.Write([]byte{1}); n != 1 || err != nil {
		t.Errorf("%d bytes and then %v", n, err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Error(err)
	}
	v.Call("send", ack)
	waitState(t, v, "closed")
	v.Set("onmessage", js.Null())
}
