package format

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/alloctest"
)

func TestSpacesKeepTheirOrder(t *testing.T) {
	numbers := []Space{0, 1, 63, 64, 239, 240, 241, 255, 256, 65535, 65536, 1 << 24, math.MaxUint32}
	var last []byte
	for _, n := range numbers {
		encoded := n.Append(nil)
		if bytes.Compare(last, encoded) >= 0 && last != nil {
			t.Errorf("%d does not sort after the number before", n)
		}
		if last != nil && bytes.HasPrefix(encoded, last) {
			t.Errorf("the form of %d begins with that of another", n)
		}
		got, rest, err := CutSpace(append(slices.Clone(encoded), "rest"...))
		if got != n || string(rest) != "rest" || err != nil {
			t.Errorf("%d reads as %d, %q, %v", n, got, rest, err)
		}
		last = encoded
	}
	for _, bad := range [][]byte{nil, {0xF0}, {0xF0, 0}, {0xF0, 0, 0xEF}, {0xF1, 0, 0, 0xFF, 0xFF}, {0xF1, 0, 1, 0}, {0xF2, 0, 0, 0, 0}, {0xFF}} {
		if n, _, err := CutSpace(bad); !errors.Is(err, ErrSpace) {
			t.Errorf("%x reads as %d", bad, n)
		}
	}
}

func TestPrefixEnd(t *testing.T) {
	for prefix, want := range map[string]string{"a": "b", "a\xff": "b", "a\x00": "a\x01", "\xfe\xff\xff": "\xff"} {
		if got := PrefixEnd([]byte(prefix)); string(got) != want {
			t.Errorf("%q ends at %q, want %q", prefix, got, want)
		}
	}
	for _, endless := range []string{"", "\xff", "\xff\xff"} {
		if got := PrefixEnd([]byte(endless)); got != nil {
			t.Errorf("%q ends at %q", endless, got)
		}
	}
}

func seal(key string, h Header, value string) []byte {
	return AppendChecksum(append(AppendRowHeader(nil, h), value...), []byte(key))
}

func TestRows(t *testing.T) {
	for _, want := range []Row{
		{Header: Header{Schema: 1}, Value: []byte("value")},
		{Header: Header{Schema: 0}, Value: []byte{}},
		{Header: Header{Schema: 1, Foreign: true}, Value: []byte("value")},
		{Header: Header{Schema: math.MaxUint32, Expiry: math.MinInt64}, Value: []byte{}},
		{Header: Header{Schema: 128, Foreign: true, Expiry: 1}, Value: bytes.Repeat([]byte{0xFF}, 1000)},
		{Header: Header{Schema: 1, Dictionary: 1}, Value: []byte("frame")},
		{Header: Header{Schema: 300, Foreign: true, Dictionary: math.MaxUint32, Expiry: 7}, Value: []byte{}},
		{Header: Header{Schema: 1, Key: 1}, Value: make([]byte, NonceSize+TagSize)},
		{
			Header: Header{Schema: 2, Foreign: true, Dictionary: 3, Key: math.MaxUint32, Expiry: -1},
			Value:  make([]byte, NonceSize+TagSize+9),
		},
	} {
		stored := seal("key", want.Header, string(want.Value))
		got, err := ParseRow([]byte("key"), stored)
		if want.Dictionary == 0 && want.Key == 0 && len(stored) > MaxRowHeader+len(want.Value)+ChecksumSize {
			t.Errorf("%+v has a header of more than %d bytes", want, MaxRowHeader)
		}
		if err != nil || got.Header != want.Header || !bytes.Equal(got.Value, want.Value) {
			t.Errorf("%+v reads as %+v, %v", want, got, err)
		}
		if encrypted := want.Key != 0; encrypted != (string(got.At) == "key") {
			t.Errorf("%+v is encrypted at %q", want, got.At)
		}
	}
}

func TestRowsThatAreNone(t *testing.T) {
	stored := func(body ...byte) []byte { return AppendChecksum(body, []byte("key")) }
	encrypted := func(header ...byte) []byte { return stored(append(header, make([]byte, NonceSize+TagSize)...)...) }
	good := seal("key", Header{Schema: 1}, "value")
	flipped := slices.Clone(good)
	flipped[3] ^= 0x10
	for name, row := range map[string][]byte{
		"nothing":                      nil,
		"too short for a checksum":     good[:3],
		"cut short":                    good[:len(good)-1],
		"longer":                       append(slices.Clone(good), 0),
		"a flipped bit":                flipped,
		"no header":                    stored(),
		"half a header":                stored(0),
		"a schema version too long":    stored(0, 0x81, 0x00),
		"a schema version without end": stored(0, 0x80),
		"a schema version too large":   stored(0, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F),
		"half an expiry":               stored(1, 1, 0, 0, 0),
		"no dictionary":                stored(4, 1),
		"dictionary zero":              stored(4, 1, 0, 7),
		"half a dictionary":            stored(5, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x80),
		"a dictionary too long":        stored(4, 1, 0x81, 0x00, 7),
		"a dictionary too large":       stored(4, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 7),
		"key zero":                     encrypted(8, 1, 0),
		"half a number of a key":       stored(8, 1, 0x80),
		"a key too long":               encrypted(8, 1, 0x81, 0x00),
		"a key too large":              encrypted(8, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F),
		"half a tag":                   stored(append([]byte{8, 1, 1}, make([]byte, NonceSize+TagSize-1)...)...),
		"an expiry of zero":            stored(1, 1, 0, 0, 0, 0, 0, 0, 0, 0),
	} {
		if got, err := ParseRow([]byte("key"), row); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("%s: reads as %+v, %v", name, got, err)
		}
	}
	if _, err := ParseRow([]byte("kez"), good); !errors.Is(err, engine.ErrCorrupt) {
		t.Error("a row under another key:", err)
	}
}

// A row with a bit that this version does not know is not damaged, unless its checksum is wrong.
func TestRowsOfNewerVersions(t *testing.T) {
	key := []byte("key")
	for bit := 4; bit < 8; bit++ {
		for known := range byte(16) {
			row := AppendChecksum([]byte{1<<bit | known, 1}, key)
			if got, err := ParseRow(key, row); !errors.Is(err, ErrVersion) || errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("container %#02x: reads as %+v, %v", row[0], got, err)
			}
			row[1]++
			if got, err := ParseRow(key, row); !errors.Is(err, engine.ErrCorrupt) || errors.Is(err, ErrVersion) {
				t.Errorf("container %#02x, damaged: reads as %+v, %v", row[0], got, err)
			}
		}
	}
}

func TestEntries(t *testing.T) {
	space, index, primary := []byte{70}, []byte("index\x00\x01"), []byte("primary")
	for _, unique := range []bool{false, true} {
		entry, value := Entry(space, index, primary, unique)
		if got := EntryKey(space, index, primary, unique); !bytes.Equal(got, entry) {
			t.Errorf("%q and %q", got, entry)
		}
		holds, err := CutChecksum(entry, value)
		if err != nil {
			t.Error(err)
		}
		if unique != bytes.Equal(holds, primary) || unique == bytes.HasSuffix(entry, primary) {
			t.Errorf("unique %t: %q holds %q", unique, entry, holds)
		}
	}
}

func TestExpiryKeysSortByTime(t *testing.T) {
	var last []byte
	for _, expiry := range []int64{math.MinInt64, -1, 1, 1 << 60, math.MaxInt64} {
		key := AppendExpiryKey(nil, expiry, []byte("row"))
		if last != nil && bytes.Compare(last, key) >= 0 {
			t.Error(expiry)
		}
		if got, row, ok := CutExpiryKey(key); got != expiry || string(row) != "row" || !ok {
			t.Error(got, row, ok)
		}
		last = key
	}
	if _, _, ok := CutExpiryKey([]byte{byte(Expiry), 1, 2}); ok {
		t.Error("a key that is too short is taken apart")
	}
}

// FuzzParseRow reads rows as a damaged disk might return them. It also tries them with a
// correct checksum, to reach the checks behind it.
func FuzzParseRow(f *testing.F) {
	f.Add([]byte("key"), seal("key", Header{Schema: 1}, "value"), false)
	f.Add([]byte("key"), AppendRowHeader(nil, Header{Schema: 300, Foreign: true, Expiry: 7}), true)
	f.Add([]byte("key"), AppendRowHeader(nil, Header{Schema: 1, Dictionary: 300}), true)
	f.Add([]byte("key"), append(AppendRowHeader(nil, Header{Schema: 1, Key: 300}), make([]byte, 50)...), true)
	f.Add([]byte("key"), []byte{16, 1}, true)
	f.Fuzz(func(t *testing.T, key, row []byte, sealIt bool) {
		if sealIt {
			row = AppendChecksum(slices.Clone(row), key)
		}
		var got Row
		var err error
		alloctest.Bound(t, len(key)+len(row), func() { got, err = ParseRow(key, row) })
		if err != nil {
			if errors.Is(err, engine.ErrCorrupt) == errors.Is(err, ErrVersion) {
				t.Error(err)
			}
			return
		}
		again := AppendChecksum(append(AppendRowHeader(nil, got.Header), got.Value...), key)
		if !bytes.Equal(again, row) {
			t.Errorf("%x reads as %+v, which is written %x", row, got, again)
		}
	})
}
