package journal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

func FuzzBatch(f *testing.F) {
	batch := appendDelete(appendPut(appendPut(nil, []byte("a"), []byte("1")), []byte("b"), nil), []byte("c"))
	f.Add(batch)
	f.Add([]byte{})
	f.Add([]byte{1, 'a'})
	f.Add([]byte{1, 'a', 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Add([]byte{0, 1})
	f.Fuzz(func(t *testing.T, unsealed []byte) {
		if err := parseBatch(unsealed, func(change) error { return nil }); err != nil && !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("%x: %v", unsealed, err)
		}
		var again []byte
		size := 0
		err := parseBatch(seal(bytes.Clone(unsealed)), func(c change) error {
			size += len(c.key) + len(c.value)
			if c.value == nil {
				again = appendDelete(again, c.key)
			} else {
				again = appendPut(again, c.key, c.value)
			}
			return nil
		})
		if size > len(unsealed) {
			t.Errorf("%x has %d bytes of keys and values", unsealed, size)
		}
		if err != nil {
			if !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("%x: %v", unsealed, err)
			}
			return
		}
		// Lengths may have been written with more bytes than they need.
		if len(again) > len(unsealed) {
			t.Errorf("%x is read as %x", unsealed, again)
		}
	})
}

func FuzzState(f *testing.F) {
	f.Add(State{Seq: 4, Before: 3, Generation: 2, Values: 1}.Append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseState(b)
		if err != nil && !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("%x: %v", b, err)
		}
		if again := s.Append(nil); err == nil && !bytes.Equal(b, again) {
			t.Errorf("%x is read as %v, which is %x", b, s, again)
		}
	})
}

// TestDamagedBatch flips each bit of a batch.
func TestDamagedBatch(t *testing.T) {
	batch := seal(appendPut(nil, []byte("key"), []byte("value")))
	for i := range 8 * len(batch) {
		damaged := bytes.Clone(batch)
		damaged[i/8] ^= 1 << (i % 8)
		if err := parseBatch(damaged, func(change) error { return nil }); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("%s: %v", hex.EncodeToString(damaged), err)
		}
	}
}
