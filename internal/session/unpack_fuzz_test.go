package session

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/internal/compress"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// FuzzContainers reads rows as somebody who can change files might have left them: with a right
// checksum, in a store that is encrypted and compressed, and in one that is neither.
func FuzzContainers(f *testing.F) {
	key, err := crypt.NewDataKey(1, make([]byte, crypt.KeySize))
	if err != nil {
		f.Fatal(err)
	}
	dictionary, err := compress.New([]byte("a value that is like others, and a value that is not"))
	if err != nil {
		f.Fatal(err)
	}
	unpackers := map[string]*Unpacker{
		"none": nil,
		"encrypted": NewUnpacker(crypt.NewKeys(map[uint32]*crypt.DataKey{1: key}, false),
			map[uint32]*compress.Dictionary{1: dictionary}),
		"mixed": NewUnpacker(crypt.NewKeys(map[uint32]*crypt.DataKey{1: key}, true), nil),
	}
	at, h := []byte("stored key"), format.Header{Schema: 1}
	value := []byte("a value that is like others, and no other")
	f.Add(at, AppendRow(nil, nil, at, h, value), false)
	f.Add(at, AppendRow(key, nil, at, h, value), false)
	f.Add(at, AppendRow(key, nil, at, format.Header{Schema: 3, Foreign: true, Expiry: 7}, nil), false)
	h.Dictionary = 1
	packed, ok := dictionary.Append(nil, value)
	if !ok {
		f.Fatal("it is not compressed")
	}
	f.Add(at, AppendRow(nil, nil, at, h, packed), false)
	f.Add(at, AppendRow(key, nil, at, h, packed), false)
	f.Add(at, packed, true)
	f.Fuzz(func(t *testing.T, at, body []byte, encrypt bool) {
		if encrypt { // as one who has the key could
			body = AppendRow(key, nil, at, format.Header{Schema: 1, Dictionary: 1}, body)
		}
		stored := format.AppendChecksum(slices.Clone(body), at)
		row, err := format.ParseRow(at, stored)
		if err != nil {
			return
		}
		for name, u := range unpackers {
			var plain format.Row
			alloctest.Bound(t, len(stored)+compress.MaxValue, func() { plain, err = u.Plain(row) })
			if err != nil {
				if errors.Is(err, engine.ErrCorrupt) == errors.Is(err, format.ErrTampered) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if row.Key == 0 && name == "encrypted" || row.Key != 0 && name == "none" {
				t.Errorf("%s: %+v reads as %+v", name, row, plain)
			}
			if size, err := u.Size(row); err != nil || size != len(plain.Value) {
				t.Errorf("%s: a value of %d bytes, not %d, %v", name, size, len(plain.Value), err)
			}
			if again, err := u.Plain(plain); err != nil || !bytes.Equal(again.Value, plain.Value) {
				t.Errorf("%s: read again: %+v, %v", name, again, err)
			}
		}
	})
}
