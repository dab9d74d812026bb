// Package kad names what js-libp2p's kad-dht keeps in its datastore as go-libp2p-kad-dht does, which
// package record takes apart:
//
//	js-libp2p                                       go-libp2p-kad-dht
//	/dht/record/<base32(record key)>                /<namespace>/<BASE32(record key)>
//	/dht/provider/<base32(key)>/<peer id as text>   /providers/<BASE32(key)>/<BASE32(peer id)>
//
// A record is a record.pb.Record in both; js-libp2p writes its time of receipt with nine digits behind the
// point, and Go with as many as there have to be. The value of a provider record is when it came:
// milliseconds as an unsigned varint in js-libp2p, nanoseconds as a signed one in Go. All other keys lie below
// [Others] in Go, so that no two keys of JavaScript have one in Go, and their values are the same.
package kad

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/newsnet-africa/netabase-go/models"
)

// Others is the key in Go below which lie all keys but those of records and provider records.
const Others = "/js"

const (
	records   = "/record/"
	providers = "/provider/"
	// goProviders is the key in Go of all provider records. A record in the namespace "providers" has
	// goEscaped in its place.
	goProviders = "/providers"
	goEscaped   = "OBZG65TJMRSXE4Y"
)

var (
	lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	upper = base32.StdEncoding.WithPadding(base32.NoPadding)
)

// Keys are the keys of one DHT of js-libp2p.
type Keys struct{ prefix string }

// In returns the keys of a DHT with a datastorePrefix, which is "/dht" unless the program sets another.
func In(prefix string) Keys { return Keys{prefix} }

// Kind is what a key is of.
type Kind uint8

const (
	// Other is the kind of keys that are the program's own.
	Other Kind = iota
	// Record is the kind of keys of records.
	Record
	// Provider is the kind of keys of provider records.
	Provider
)

// Path returns the key in Go for a key of JavaScript. The error matches models.ErrInvalid if no
// go-datastore can have it.
func (k Keys) Path(name string) (path string, kind Kind, err error) {
	if !strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") {
		return "", 0, fmt.Errorf("%w: the key %.100q does not begin with a slash, or ends with one", models.ErrInvalid, name)
	}
	if text, ok := strings.CutPrefix(name, k.prefix+records); ok {
		if recordKey, ok := decode(lower, text); ok {
			if path, ok := RecordPath(string(recordKey)); ok {
				return path, Record, nil
			}
		}
	}
	if text, ok := strings.CutPrefix(name, k.prefix+providers); ok {
		of, id, _ := strings.Cut(text, "/")
		provided, ok := decode(lower, of)
		p, err := peer.Decode(id)
		if ok && err == nil && p.String() == id {
			path := goProviders + "/" + upper.EncodeToString(provided) + "/" + upper.EncodeToString([]byte(p))
			return path, Provider, nil
		}
	}
	return Others + name, Other, nil
}

// RecordPath returns the key in Go of a record. It is false for a record key without a namespace.
func RecordPath(recordKey string) (string, bool) {
	namespace, ok := namespaceOf(recordKey)
	return "/" + namespace + "/" + upper.EncodeToString([]byte(recordKey)), ok
}

// namespaceOf returns the namespace of a record key, as keys in Go have it.
func namespaceOf(recordKey string) (string, bool) {
	rest, ok := strings.CutPrefix(recordKey, "/")
	namespace, _, more := strings.Cut(rest, "/")
	if "/"+namespace == goProviders {
		namespace = goEscaped
	}
	return namespace, ok && more && namespace != "" && "/"+namespace != Others
}

// decode reads base 32 that is spelled as it is written.
func decode(encoding *base32.Encoding, text string) ([]byte, bool) {
	b, err := encoding.DecodeString(text)
	return b, err == nil && len(b) > 0 && encoding.EncodeToString(b) == text
}

// Name returns the key of JavaScript for a key in Go. It is false for one that Path does not return.
func (k Keys) Name(path string) (name string, kind Kind, ok bool) {
	if name, ok := strings.CutPrefix(path, Others+"/"); ok {
		return "/" + name, Other, true
	}
	if rest, ok := strings.CutPrefix(path, goProviders+"/"); ok {
		of, id, _ := strings.Cut(rest, "/")
		provided, isKey := decode(upper, of)
		raw, isPeer := decode(upper, id)
		p, err := peer.IDFromBytes(raw)
		if !isKey || !isPeer || err != nil {
			return "", 0, false
		}
		return k.prefix + providers + lower.EncodeToString(provided) + "/" + p.String(), Provider, true
	}
	_, text, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	recordKey, ok := decode(upper, text)
	if !ok {
		return "", 0, false
	}
	namespace, ok := namespaceOf(string(recordKey))
	if !ok || !strings.HasPrefix(path, "/"+namespace+"/") {
		return "", 0, false
	}
	return k.prefix + records + lower.EncodeToString(recordKey), Record, true
}

// Prefixes returns the prefixes in Go of all keys that begin with prefix in JavaScript. There may be
// others below them.
func (k Keys) Prefixes(prefix string) []string {
	if len(prefix) <= len(k.prefix) && strings.HasPrefix(k.prefix, prefix) || prefix == k.prefix+"/" {
		return []string{"/"}
	}
	below := Others + prefix[:strings.LastIndexByte(prefix, '/')+1]
	rest, ok := strings.CutPrefix(prefix, k.prefix)
	switch {
	case !ok:
		return []string{below}
	case strings.HasPrefix(rest, providers):
		of, _, whole := strings.Cut(rest[len(providers):], "/")
		provided, ok := decode(lower, of)
		if !whole { // which js-libp2p asks for; no multihash is the beginning of another key that is one
			_, err := multihash.Cast(provided)
			whole = err == nil
		}
		if ok && whole {
			return []string{goProviders + "/" + upper.EncodeToString(provided), below}
		}
		return []string{goProviders, below}
	case strings.HasPrefix(providers, rest):
		return []string{goProviders, below}
	case strings.HasPrefix(rest, records), strings.HasPrefix(records, rest):
		return []string{"/"} // since their namespaces are not known
	}
	return []string{below}
}

// errTime is the error of a provider record.
var errTime = fmt.Errorf("%w: the value of a provider record is not a time", models.ErrInvalid)

// ToGo returns the value in Go for one of JavaScript. The error matches models.ErrInvalid.
func (k Kind) ToGo(value []byte) ([]byte, error) {
	switch k {
	case Record:
		return withTime(value, time.RFC3339Nano), nil
	case Provider:
		millis, n := binary.Uvarint(value)
		if n <= 0 || n != len(value) || millis > math.MaxInt64/uint64(time.Millisecond) {
			return nil, errTime
		}
		return binary.AppendVarint(nil, int64(millis)*int64(time.Millisecond)), nil
	default:
		return value, nil
	}
}

// ToJS returns the value in JavaScript for one of Go. The error matches models.ErrInvalid.
func (k Kind) ToJS(value []byte) ([]byte, error) {
	switch k {
	case Record:
		return withTime(value, "2006-01-02T15:04:05.000000000Z07:00"), nil
	case Provider:
		nanos, n := binary.Varint(value)
		if n <= 0 || n != len(value) || nanos < 0 {
			return nil, errTime
		}
		return binary.AppendUvarint(nil, uint64(nanos/int64(time.Millisecond))), nil
	default:
		return value, nil
	}
}

// fieldReceived is the time of receipt of a record.pb.Record.
const fieldReceived protowire.Number = 5

// withTime returns a record with its time of receipt in another layout. Other bytes stay as they are:
// package record refuses it.
func withTime(value []byte, layout string) []byte {
	var dst []byte
	for rest := value; len(rest) > 0; {
		number, kind, n := protowire.ConsumeField(rest)
		if n < 0 {
			return value
		}
		field := rest[:n]
		rest = rest[n:]
		if number == fieldReceived && kind == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(field)
			text, _ := protowire.ConsumeBytes(field[tag:])
			received, err := time.Parse(time.RFC3339, string(text))
			if err != nil {
				return value
			}
			field = protowire.AppendTag(nil, fieldReceived, protowire.BytesType)
			field = protowire.AppendString(field, received.UTC().Format(layout))
		}
		dst = append(dst, field...)
	}
	return dst
}
