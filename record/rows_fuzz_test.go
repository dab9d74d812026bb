package record

import (
	"bytes"
	"testing"

	"github.com/newsnet-africa/netabase-go/models"
)

// FuzzRows decodes bytes as rows of the trees of provider records. What is taken
// means the same once it has been written again.
func FuzzRows(f *testing.F) {
	f.Add([]byte{1, 'k', 0, 2, 1, 0, 1, 3, 0x80})
	f.Add([]byte{1, 'k', 1, 'p', 2, 9, 0, 1, 'q', 0})
	f.Add([]byte{3, 0, 1, 0, 200, 1})
	f.Add(make([]byte, movedBytes))
	f.Fuzz(func(t *testing.T, data []byte) {
		again(t, data, providerCodec{})
		again(t, data, journalCodec{})
		again(t, data, refCodec{})
		again(t, data, movedCodec{})
		again(t, data, seedCodec{})
		again(t, data, totalCodec{})
	})
}

func again[M any](t *testing.T, data []byte, codec models.Codec[M]) {
	t.Helper()
	kept := bytes.Clone(data)
	var m, back M
	err := codec.Decode(data, &m)
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
