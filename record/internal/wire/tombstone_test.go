package wire_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Each clock has one tombstone, and no other bytes are one.
func FuzzTombstone(f *testing.F) {
	for _, clock := range []uint64{0, 23, 24, 255, 256, 65_535, 65_536, math.MaxUint32, math.MaxUint32 + 1, math.MaxUint64} {
		data := wire.AppendTombstone(nil, clock)
		if got, err := wire.ParseTombstone(data); got != clock || err != nil || !wire.IsTombstone(data) {
			f.Errorf("the tombstone of %d is read as %d, error %v", clock, got, err)
		}
		f.Add(data)
		f.Add(append(data, 0))
		f.Add(data[:len(data)-1])
	}
	f.Add([]byte{0x82, 0x01, 0x18, 0x05})
	f.Add([]byte{0x82, 0x01, 0x1F})
	f.Add([]byte{0x82, 0x02, 0x05})
	f.Add([]byte{0x82, 0x01, 0x20})
	f.Fuzz(func(t *testing.T, data []byte) {
		clock, err := wire.ParseTombstone(data)
		if err != nil {
			if !errors.Is(err, models.ErrInvalid) {
				t.Error(err)
			}
			return
		}
		if again := wire.AppendTombstone(nil, clock); !bytes.Equal(again, data) {
			t.Errorf("%x is read as %d, which is %x", data, clock, again)
		}
	})
}
