//go:build js

package browser

import (
	"errors"
	"io"
	"testing"
)

// A queue ends with an error where more comes than it holds, behind the bytes that it had before.
func TestQueue(t *testing.T) {
	starved := func() { t.Error("a read waits for what has come") }
	q := newQueue(maxReceived)
	part := make([]byte, maxReceived/16)
	for i := range 40 { // what is read makes room
		if !q.push(part) {
			t.Fatalf("%d times %d bytes are too many", i+1, len(part))
		}
		if n, err := io.ReadFull(reader{q, starved}, make([]byte, len(part))); err != nil {
			t.Fatalf("%d bytes and then %v", n, err)
		}
	}
	for q.push(part) {
	}
	if held := q.size; held <= maxReceived-len(part)*2 || held > maxReceived {
		t.Errorf("the queue holds %d bytes when it is full", held)
	}
	if !q.push(part) || q.size > maxReceived {
		t.Errorf("a queue that has ended takes bytes: it holds %d", q.size)
	}
	q.end(io.EOF) // the first end counts
	n, err := io.Copy(io.Discard, reader{q, starved})
	if n < maxReceived-int64(len(part))*2 || n > maxReceived || !errors.Is(err, errFull) {
		t.Errorf("%d bytes and then %v", n, err)
	}

	small := newQueue(maxReceived)
	count := 0
	for ; small.push([]byte{1}); count++ {
		if count > maxReceived/chunkCost {
			t.Fatal("the queue counts nothing for the pieces that it holds")
		}
	}
	small.drop(errFull)
	if n, err := small.read(make([]byte, 1), starved); n != 0 || !errors.Is(err, errFull) || small.size != 0 {
		t.Errorf("%d bytes and then %v, and %d are held", n, err, small.size)
	}
}

// reader reads from a queue.
type reader struct {
	q       *queue
	starved func()
}

func (r reader) Read(p []byte) (int, error) { return r.q.read(p, r.starved) }
