package record

import (
	"strings"
	"testing"

	ds "github.com/ipfs/go-datastore"
	kadrecord "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-base32"

	"github.com/newsnet-africa/netabase-go/internal/alloctest"
)

// kadValueKey is valueDsKey of kad-dht's records package.
func kadValueKey(key string) string {
	ns, _, _ := kadrecord.SplitKey(key)
	if ns == "providers" {
		ns = base32.RawStdEncoding.EncodeToString([]byte(ns))
	}
	return ds.NewKey("/" + ns + "/" + base32.RawStdEncoding.EncodeToString([]byte(key))).String()
}

func TestValueKeys(t *testing.T) {
	for _, key := range []string{
		"/pk/abc", "/ipns/\x00\xff/x//y", "/blog.user/00000000000000000001", "/providers/x", "/OBZG65TJMRSXE4Y/x",
		"/pk/", "/ns\n/a", "/Ünï/x", "/a/" + strings.Repeat("x", 5000),
	} {
		path := kadValueKey(key)
		got, ok := parseValueKey(path)
		if !ok || got != key {
			t.Errorf("record key %q: parseValueKey(%q) = %q, %v", key, path, got, ok)
		}
		namespace, _, _ := splitRecordKey(key)
		if back := valueKey(namespace, []byte(key)); back != path {
			t.Errorf("record key %q: valueKey is %q, kad-dht has %q", key, back, path)
		}
	}
}

func TestKeysThatAreNoValues(t *testing.T) {
	b32 := base32.RawStdEncoding.EncodeToString
	for name, path := range map[string]string{
		"no namespace in the record key":  kadValueKey("abc"),
		"empty record key":                kadValueKey(""),
		"dot namespace, which is cleaned": kadValueKey("/./x"),
		"lower case":                      "/pk/" + strings.ToLower(b32([]byte("/pk/abc"))),
		"padding":                         "/pk/" + base32.StdEncoding.EncodeToString([]byte("/pk/abcd")),
		"line break":                      "/pk/" + b32([]byte("/pk/abc")) + "\n",
		"line break inside":               "/pk/\n" + b32([]byte("/pk/abc")),
		"bits beyond the end":             "/pk/" + "F5YGWL3BMJR", // "/pk/abc" ends in D…, last character has spare bits
		"another namespace":               "/pk/" + b32([]byte("/ipns/abc")),
		"providers unescaped":             "/providers/" + b32([]byte("/providers/abc")),
		"three parts":                     "/pk/" + b32([]byte("/pk/abc")) + "/x",
		"plain":                           "/peers/addrs/x",
		"root":                            "/",
		"one part":                        "/pk",
	} {
		if key, ok := parseValueKey(path); ok {
			t.Errorf("%s: parseValueKey(%q) = %q", name, path, key)
		}
	}
}

func TestProviderKeys(t *testing.T) {
	b32 := base32.RawStdEncoding.EncodeToString
	key, peer := "\x12\x20some multihash", "\x00\x24some peer"
	path := "/providers/" + b32([]byte(key)) + "/" + b32([]byte(peer))
	gotKey, gotPeer, ok := parseProviderKey(path)
	if !ok || string(gotKey) != key || string(gotPeer) != peer {
		t.Errorf("parseProviderKey(%q) = %q, %q, %v", path, gotKey, gotPeer, ok)
	}
	if back := providerKey([]byte(gotKey), []byte(gotPeer)); back != path {
		t.Errorf("providerKey is %q, want %q", back, path)
	}
	for name, path := range map[string]string{
		"key only":    "/providers/" + b32([]byte(key)),
		"no key":      "/providers//" + b32([]byte(peer)),
		"lower case":  strings.ToLower(path),
		"four parts":  path + "/AA",
		"no base 32":  "/providers/somecid/someprovider",
		"other space": "/provider/" + b32([]byte(key)) + "/" + b32([]byte(peer)),
	} {
		if key, peer, ok := parseProviderKey(path); ok {
			t.Errorf("%s: parseProviderKey(%q) = %q, %q", name, path, key, peer)
		}
	}
}

// FuzzKeys checks that each path has at most one meaning, and is spelled again
// from it.
func FuzzKeys(f *testing.F) {
	f.Add(kadValueKey("/pk/abc"))
	f.Add(providerKey([]byte("key"), []byte("peer")))
	f.Add("/peers/addrs/x")
	f.Add(kadValueKey("/pk/" + strings.Repeat("a", 10_000)))
	f.Add(providerKey(make([]byte, 10_000), make([]byte, 10_000)))
	f.Fuzz(func(t *testing.T, path string) {
		var recordKey, key string
		var p peer.ID
		var isValue, isProvider bool
		alloctest.Bound(t, len(path), func() {
			recordKey, isValue = parseValueKey(path)
			key, p, isProvider = parseProviderKey(path)
		})
		if isValue && isProvider {
			t.Fatalf("%q is both", path)
		}
		if isValue {
			namespace, _, _ := splitRecordKey(recordKey)
			if back := valueKey(namespace, []byte(recordKey)); back != path {
				t.Fatalf("%q is spelled again as %q", path, back)
			}
		}
		if isProvider {
			if back := providerKey([]byte(key), []byte(p)); back != path {
				t.Fatalf("%q is spelled again as %q", path, back)
			}
		}
	})
}
