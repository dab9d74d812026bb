package kad

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/models"
)

const someone = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

func low(text string) string {
	return lower.EncodeToString([]byte(text))
}

func up(text string) string { return strings.ToUpper(low(text)) }

// Each key of JavaScript has one key in Go, which has that name again.
func TestKeys(t *testing.T) {
	keys := In("/dht")
	for _, test := range []struct {
		name, path string
		kind       Kind
	}{
		{"/dht/record/" + low("/shop.item/1"), "/shop.item/" + up("/shop.item/1"), Record},
		{"/dht/record/" + low("/pk/x/y"), "/pk/" + up("/pk/x/y"), Record},
		{"/dht/record/" + low("/providers/x"), "/OBZG65TJMRSXE4Y/" + up("/providers/x"), Record},
		{"/dht/record/" + low("/js/x"), "/js/dht/record/" + low("/js/x"), Other}, // which would be among the others
		{"/dht/record/" + low("shop.item/1"), "/js/dht/record/" + low("shop.item/1"), Other},
		{"/dht/record/" + up("/shop.item/1"), "/js/dht/record/" + up("/shop.item/1"), Other},
		{"/dht-lan/record/" + low("/shop.item/1"), "/js/dht-lan/record/" + low("/shop.item/1"), Other},
		{"/dht/record", "/js/dht/record", Other},
		{"/dht/provider/third/bafyyyyy", "/js/dht/provider/third/bafyyyyy", Other},
		{"/dht/provider/" + low("a key") + "/x", "/js/dht/provider/" + low("a key") + "/x", Other},
		{"/shop.item/" + up("/shop.item/1"), "/js/shop.item/" + up("/shop.item/1"), Other},
		{"/js/x", "/js/js/x", Other},
		{"/a//b", "/js/a//b", Other},
	} {
		path, kind, err := keys.Path(test.name)
		if path != test.path || kind != test.kind || err != nil {
			t.Errorf("%s is %s (%d), %v; want %s (%d)", test.name, path, kind, err, test.path, test.kind)
		}
		if name, kind, ok := keys.Name(path); name != test.name || kind != test.kind || !ok {
			t.Errorf("%s is named %s (%d), %t", path, name, kind, ok)
		}
		covered(t, keys, test.name, path)
	}
	name := "/dht/provider/" + low("a key") + "/" + someone
	path, kind, err := keys.Path(name)
	if kind != Provider || err != nil || !strings.HasPrefix(path, "/providers/"+up("a key")+"/") {
		t.Errorf("a provider record is %s (%d), %v", path, kind, err)
	}
	if again, kind, ok := keys.Name(path); again != name || kind != Provider || !ok {
		t.Errorf("%s is named %s (%d), %t", path, again, kind, ok)
	}
	covered(t, keys, name, path)
	for _, name := range []string{"", "/", "x", "/x/"} {
		if _, _, err := keys.Path(name); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("the key %q gives %v", name, err)
		}
	}
	for _, path := range []string{"/", "/x", "/providers/x/y", "/pk/" + up("/shop.item/1"), "/js"} {
		if name, _, ok := keys.Name(path); ok {
			t.Errorf("%s is named %s", path, name)
		}
	}
}

// covered fails the test if a query by some prefix of name misses it.
func covered(t interface{ Errorf(string, ...any) }, keys Keys, name, path string) {
	for n := range len(name) + 1 {
		found := 0
		for _, prefix := range keys.Prefixes(name[:n]) {
			if strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/") && strings.TrimSuffix(prefix, "/") != path {
				found++
			}
		}
		if found != 1 {
			t.Errorf("a query of %q finds %s %d times, by %q", name[:n], name, found, keys.Prefixes(name[:n]))
		}
	}
}

func TestAnyKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := In(rapid.SampledFrom([]string{"/dht", "/dht/lan", "/x"}).Draw(t, "prefix"))
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{
			"dht", "lan", "record", "provider", "providers", "js", "x", low("/x/y"), up("/x/y"), low("/providers/"), someone,
		}), 1, 5).Draw(t, "parts")
		name := "/" + strings.Join(parts, "/")
		path, kind, err := keys.Path(name)
		if err != nil {
			t.Fatal(err)
		}
		if again, of, ok := keys.Name(path); again != name || of != kind || !ok {
			t.Errorf("%s is %s, which is named %s, %t", name, path, again, ok)
		}
		covered(t, keys, name, path)
	})
}

func TestValues(t *testing.T) {
	record := func(received string) (b []byte) {
		b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), "/x/1")
		b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), "value")
		b = protowire.AppendString(protowire.AppendTag(b, 5, protowire.BytesType), received)
		return protowire.AppendVarint(protowire.AppendTag(b, 777, protowire.VarintType), 60)
	}
	now := time.Date(2026, 11, 30, 8, 0, 0, 120e6, time.UTC)
	for _, test := range []struct {
		kind   Kind
		js, in []byte
	}{
		{Other, []byte("value"), []byte("value")},
		{Record, record("2026-11-30T08:00:00.120000000Z"), record("2026-11-30T08:00:00.12Z")},
		{Record, record("2026-11-30T08:00:00.000000000Z"), record("2026-11-30T08:00:00Z")},
		{Record, record("yesterday"), record("yesterday")},
		{Record, []byte{8}, []byte{8}},
		{Provider, binary.AppendUvarint(nil, uint64(now.UnixMilli())), binary.AppendVarint(nil, now.UnixNano())},
	} {
		if in, err := test.kind.ToGo(test.js); !bytes.Equal(in, test.in) || err != nil {
			t.Errorf("%q in Go is %q, %v; want %q", test.js, in, err, test.in)
		}
		if js, err := test.kind.ToJS(test.in); !bytes.Equal(js, test.js) || err != nil {
			t.Errorf("%q in JavaScript is %q, %v; want %q", test.in, js, err, test.js)
		}
	}
	for _, value := range [][]byte{nil, {0x80}, {1, 1}, binary.AppendUvarint(nil, 1<<63)} {
		if _, err := Provider.ToGo(value); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%x gives %v", value, err)
		}
		if _, err := Provider.ToJS(value[:min(len(value), 1)]); len(value) < 2 && !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%x gives %v", value, err)
		}
	}
}
