package providers

import (
	"bytes"
	"testing"

	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/models"
)

// rowsFactor is how many bytes of memory one byte of a row can take. A provider record has two
// bytes or more and takes 40 in memory, a change three or more and 56. The memory they refer to
// is copied.
const rowsFactor = 24

// FuzzRows decodes bytes as rows of the trees of provider records. If a row is accepted, it
// means the same after it has been written again.
func FuzzRows(f *testing.F) {
	f.Add([]byte{1, 'k', 0, 2, 1, 0, 1, 3, 0x80})
	f.Add([]byte{3, 0, 1, 0, 200, 1})
	f.Add([]byte{7, 2, 1, 9, 2, 0, 5, 1, 200, 1, 3, 2})
	// Rows of the greatest length in a damaged file, with as many elements as possible.
	f.Add(append([]byte{0, 0}, make([]byte, 30_000)...))                       // changes of references
	f.Add(append([]byte{1, 'k', 0, 0}, bytes.Repeat([]byte{1, 0}, 10_000)...)) // providers
	f.Add(append([]byte{1, 'k', 0}, bytes.Repeat([]byte{0, 1}, 10_000)...))    // the last one is cut off
	f.Add(append([]byte{3, 0}, make([]byte, 20_000)...))                       // references
	f.Fuzz(func(t *testing.T, data []byte) {
		again(t, data, rowCodec{})
		again(t, data, refCodec{})
		again(t, data, logCodec{})
		again(t, data, seedCodec{})
		again(t, data, totalCodec{})
	})
}

func again[M any](t *testing.T, data []byte, codec models.Codec[M]) {
	t.Helper()
	kept := bytes.Clone(data)
	var m, back M
	var err error
	alloctest.BoundBy(t, rowsFactor, len(data), func() {
		m = *new(M)
		err = codec.Decode(data, &m)
	})
	if !bytes.Equal(data, kept) {
		t.Fatalf("%s: decoding has changed the bytes", codec.Name())
	}
	if err != nil {
		return
	}
	once, err := codec.Append(nil, &m)
	if err != nil {
		t.Fatalf("%s: what was decoded is not encoded: %v", codec.Name(), err)
	}
	if err := codec.Decode(once, &back); err != nil {
		t.Fatalf("%s: what was encoded is not decoded: %v", codec.Name(), err)
	}
	if twice, err := codec.Append(nil, &back); err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%s: %x is written as %x, and then as %x, %v", codec.Name(), data, once, twice, err)
	}
}
