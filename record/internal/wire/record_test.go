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
		for _, more := range [][]byte{nil, {0x18, 1}, []byte("\x1A\x06author\x48\x81\x00\x0B\x0C")} {
			data := append(bytes.Clone(data), more...)
			w, received, err := ParseExact("/pk/a", data)
			if err != nil || string(w.Value) != "value" || !received.Equal(at) || !bytes.Equal(w.More, more) {
				t.Errorf("%v: ParseExact = %q, %v, %v", at, w, received, err)
			}
			w = Record{Key: []byte("/pk/a"), Value: w.Value, Received: AppendTime(nil, received), More: w.More}
			if again := w.Append(nil); !bytes.Equal(again, data) {
				t.Errorf("%v: written again %x, want %x", at, again, data)
			}
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
		"unknown field":      append([]byte{0x18, 1}, good...), // kad-dht writes them last
		"unclosed group":     append(bytes.Clone(good), 0x0B),
		"key after others":   append(bytes.Clone(good), append([]byte{0x18, 1}, marshal(t, "/pk/a", "", "")...)...),
		"value twice":        protowire.AppendBytes(protowire.AppendTag(bytes.Clone(good), 2, protowire.BytesType), []byte("value")),
		"other order":        append(marshal(t, "", "", now), marshal(t, "/pk/a", "value", "")...),
		"overlong length":    append([]byte{0x0A, 0x85, 0x00}, good[2:]...),
		"trailing byte":      append(bytes.Clone(good), 0),
	} {
		if w, _, err := ParseExact("/pk/a", data); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s: ParseExact = %q, %v; want ErrInvalid", name, w.Value, err)
		}
	}
}

func TestTTL(t *testing.T) {
	seconds := func(n uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, 777, protowire.VarintType), n)
	}
	for name, c := range map[string]struct {
		fields []byte
		want   time.Duration
	}{
		"none":        {nil, 0},
		"a minute":    {seconds(60), time.Minute},
		"zero":        {seconds(0), 0},
		"the longest": {seconds(1<<32 - 1), (1<<32 - 1) * time.Second},
		"too long":    {seconds(1 << 32), 0},
		"absurd":      {seconds(1<<64 - 1), 0},
		"twice":       {append(seconds(60), seconds(2)...), 2 * time.Second},
		"as text":     {protowire.AppendString(protowire.AppendTag(nil, 777, protowire.BytesType), "<"), 0},
		"among others": {
			append(protowire.AppendString(protowire.AppendTag(nil, 666, protowire.BytesType), "peer"), seconds(1)...),
			time.Second,
		},
	} {
		if w, ok := Parse(append(marshal(t, "/pk/a", "value", ""), c.fields...)); !ok || w.TTL != c.want {
			t.Errorf("%s: %v, %v; want %v", name, w.TTL, ok, c.want)
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

// Time takes the form that kad-dht writes and no other, and allocates nothing: each record that
// is put or served is read so.
func TestTime(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-11-23T13:58:01.5Z":          time.Date(2026, 11, 23, 13, 58, 1, 5e8, time.UTC),
		"2026-11-23T13:58:01Z":            time.Date(2026, 11, 23, 13, 58, 1, 0, time.UTC),
		"9999-12-31T23:59:59.999999999Z":  time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		"":                                {},
		"yesterday":                       {},
		"2026-11-23T13:58:01.50Z":         {},
		"2026-11-23T13:58:01,5Z":          {},
		"2026-11-23T13:58:01z":            {},
		"2026-11-23t13:58:01Z":            {},
		"2026-11-23T13:58:01+00:00":       {},
		"2026-11-23T14:58:01+01:00":       {},
		"2026-11-23T24:00:00Z":            {},
		"2026-11-23T3:58:01Z":             {},
		"2026-02-30T13:58:01Z":            {},
		"2026-11-23T13:58:01.5Z ":         {},
		"12026-11-23T13:58:01Z":           {},
		"2026-11-23T13:58:01.1234567891Z": {},
	} {
		r := Record{Received: []byte(text)}
		if got, ok := r.Time(); ok != !want.IsZero() || ok && got != want {
			t.Errorf("%q: Time = %v, %v, want %v", text, got, ok, want)
		}
	}
	r := Record{Received: []byte("2026-11-23T13:58:01.123456789Z")}
	if n := testing.AllocsPerRun(100, func() { _, _ = r.Time() }); n > 0 {
		t.Errorf("Time allocates %v times", n)
	}
}
