package format_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// A feed gives back what was written into it, in any number of parts.
func TestFeedEntries(t *testing.T) {
	for _, size := range []int{0, 1, 127, 128, format.FeedPart - 60, format.FeedPart, 3*format.FeedPart + 1} {
		row := bytes.Repeat([]byte{7}, size)
		changes := []format.FeedChange{
			{Key: []byte("a"), New: row, Origin: 4},
			{Key: []byte("b"), Old: row, New: []byte{}},
			{Key: row[:min(size, 100)], Old: []byte{1}},
		}
		h := format.FeedHead{Time: -5, ChangesBefore: 1 << 40, BytesBefore: 9, Changes: uint64(len(changes))}
		for _, c := range changes {
			h.Bytes += uint64(c.Size())
		}
		prefix := format.FeedPrefix([]byte{64})
		var content []byte
		last := true
		entries := format.NewFeedEntries(prefix, 77, h, func(key, value []byte) error {
			number, _, err := format.CutFeedKey(prefix, key)
			piece, more, parseErr := format.ParseFeedEntry(key, value)
			if err := errors.Join(err, parseErr); err != nil || number != 77 || !last && len(piece) == 0 {
				t.Fatal(number, len(piece), err)
			}
			content, last = append(content, piece...), !more
			return nil
		})
		for _, c := range changes {
			if err := entries.Add(c); err != nil {
				t.Fatal(err)
			}
		}
		got, rest, err := format.CutFeedHead(content)
		if err != nil || got != h || !last {
			t.Fatalf("size %d: %+v, last %t, error %v", size, got, last, err)
		}
		for _, want := range changes {
			var c format.FeedChange
			if c, rest, err = format.CutFeedChange(rest); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(c.Key, want.Key) || !bytes.Equal(c.Old, want.Old) || !bytes.Equal(c.New, want.New) ||
				(c.Old == nil) != (want.Old == nil) || (c.New == nil) != (want.New == nil) || c.Origin != want.Origin {
				t.Errorf("size %d: a change is read as another one", size)
			}
		}
		if len(rest) != 0 {
			t.Errorf("size %d: %d bytes are left", size, len(rest))
		}
	}
}

// No bytes of a feed do more than be refused.
func FuzzFeed(f *testing.F) {
	f.Add(format.AppendFeedHead(nil, format.FeedHead{Changes: 1}))
	f.Fuzz(func(t *testing.T, content []byte) {
		_, rest, err := format.CutFeedHead(content)
		for err == nil && len(rest) > 0 {
			_, rest, err = format.CutFeedChange(rest)
		}
		if err != nil && !errors.Is(err, engine.ErrCorrupt) && !errors.Is(err, format.ErrVersion) {
			t.Error(err)
		}
	})
}
