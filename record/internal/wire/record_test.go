package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	recpb "github.com/libp2p/go-libp2p-record/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/models"
)

func marshal(t testing.TB, key, value, received string) []byte {
	t.Helper()
	data, err := proto.Marshal(&recpb.Record{Key: []byte(key), Value: []byte(value), TimeReceived: received})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseExact(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(2026, 11, 23, 13, 58, 1, 123456789, time.UTC),
		time.Date(2026, 11, 23, 13, 58, 1, 120000000, time.UTC),
		time.Date(2026, 11, 23, 13, 58, 1, 0, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	} {
		data := marshal(t, "/pk/a", "value", at.Format(time.RFC3339Nano))
		value, received, err := ParseExact("/pk/a", data)
		if err != nil || string(value) != "value" || !received.Equal(at) {
			t.Errorf("%v: ParseExact = %q, %v, %v", at, value, received, err)
		}
		w := Record{Key: []byte("/pk/a"), Value: value, Received: AppendTime(nil, received)}
		if again := w.Append(nil); !bytes.Equal(again, data) {
			t.Errorf("%v: written again %x, want %x", at, again, data)
		}
	}
}

func TestParseExactRefuses(t *testing.T) {
	const now = "2026-11-23T13:58:01.5Z"
	good := marshal(t, "/pk/a", "value", now)
	for name, data := range map[string][]byte{
		"nothing":            nil,
		"no protocol buffer": []byte("value"),
		"cut short":          good[:len(good)-1],
		"another key":        marshal(t, "/pk/b", "value", now),
		"no key":             marshal(t, "", "value", now),
		"no time":            marshal(t, "/pk/a", "value", ""),
		"no such time":       marshal(t, "/pk/a", "value", "yesterday"),
		"time with zeros":    marshal(t, "/pk/a", "value", "2026-11-23T13:58:01.50Z"),
		"time elsewhere":     marshal(t, "/pk/a", "value", "2026-11-23T13:58:01.5+01:00"),
		"time with a comma":  marshal(t, "/pk/a", "value", "2026-11-23T13:58:01,5Z"),
		"unknown field":      protowire.AppendBytes(protowire.AppendTag(bytes.Clone(good), 3, protowire.BytesType), []byte("author")),
		"unknown number":     protowire.AppendVarint(protowire.AppendTag(bytes.Clone(good), 9, protowire.VarintType), 1),
		"value twice":        protowire.AppendBytes(protowire.AppendTag(bytes.Clone(good), 2, protowire.BytesType), []byte("value")),
		"other order":        append(marshal(t, "", "", now), marshal(t, "/pk/a", "value", "")...),
		"overlong length":    append([]byte{0x0A, 0x85, 0x00}, good[2:]...),
		"trailing byte":      append(bytes.Clone(good), 0),
	} {
		if value, _, err := ParseExact("/pk/a", data); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s: ParseExact = %q, %v; want ErrInvalid", name, value, err)
		}
	}
}

// FuzzWire compares the reader with that of the protocol buffer library.
func FuzzWire(f *testing.F) {
	f.Add(marshal(f, "/pk/a", "value", "2026-11-23T13:58:01.5Z"))
	f.Add(marshal(f, "/pk/a", strings.Repeat("a", 20_000), "2026-11-23T13:58:01.5Z"))
	f.Add(bytes.Repeat([]byte{0x0A, 0}, 10_000))
	f.Add([]byte{0x0A})
	f.Add([]byte{0x1B, 0x0A, 0x00, 0x1C})
	f.Fuzz(func(t *testing.T, data []byte) {
		var got Record
		var ok bool
		alloctest.Bound(t, len(data), func() {
			got, ok = Parse(data)
			_, _, _ = ParseExact(string(got.Key), data)
		})
		var want recpb.Record
		if err := proto.Unmarshal(data, &want); err != nil {
			return // it also refuses text that is not UTF-8
		}
		if !ok {
			t.Fatalf("refused %x, which is a record", data)
		}
		if !bytes.Equal(got.Key, want.Key) || !bytes.Equal(got.Value, want.Value) ||
			string(got.Received) != want.TimeReceived {
			t.Fatalf(
				"read %q, %q, %q; want %q, %q, %q",
				got.Key,
				got.Value,
				got.Received,
				want.Key,
				want.Value,
				want.TimeReceived,
			)
		}
	})
}
