package providers

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Record says that a peer has announced, at some time, that it provides the content of a key.
type Record struct {
	// Key is the multihash of the content.
	Key []byte
	// Peer is the provider.
	Peer peer.ID
	// Received is the time at which kad-dht took the record, zero if Raw is not a time.
	Received time.Time
	// Raw is the value that kad-dht has put, unchanged.
	Raw []byte
}

// Change puts or deletes a provider record.
type Change struct {
	// Key is the multihash of the content, Peer the id of the provider, in bytes. Raw is the
	// value that kad-dht has put, empty if the record is deleted.
	Key, Peer, Raw string
	Delete         bool
}

// Received returns the time of the put, or the zero time if Raw is not a time.
func (c *Change) Received() time.Time { return ParseTime(c.Raw) }

// ParseTime reads a time as kad-dht writes it into provider records: nanoseconds
// since 1970, as a zigzag varint. It returns the zero time for anything else.
func ParseTime[T ~string | ~[]byte](raw T) time.Time {
	nanos, ok := parseNanos(raw)
	if !ok {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

// parseNanos reads a time as kad-dht writes it, if raw is one.
func parseNanos[T ~string | ~[]byte](raw T) (nanos int64, ok bool) {
	rest := raw
	n, ok := cutNumber(&rest)
	return zigzag(n), ok && len(rest) == 0 && len(raw) == uvarintSize(n)
}

// minute is the number of a minute since 1970, from 1 on; 0 is for records without a time.
type minute uint32

func minuteOfNanos(nanos int64) minute { return minute(max(nanos/int64(time.Minute), 1)) }

// minuteOf returns the minute of a time, 0 for the zero time.
func minuteOf(t time.Time) minute {
	switch seconds := t.Unix(); {
	case t.IsZero():
		return 0
	case seconds >= math.MaxInt64/int64(time.Second):
		return minuteOfNanos(math.MaxInt64)
	case seconds < 60:
		return 1
	}
	return minuteOfNanos(t.UnixNano())
}

// end is the instant at which the minute is over.
func (m minute) end() time.Time { return time.Unix(int64(m+1)*60, 0).UTC() }

// provider is a provider record in the row of its key.
type provider struct {
	// Peer is the number of the provider.
	Peer peerNumber
	// Nanos is the time at which kad-dht took the record, in nanoseconds since 1970, if Raw is
	// nil. Otherwise Raw is the value that was put, which is not a time.
	Nanos int64
	Raw   []byte
}

// newProvider returns the provider for the value of a put. It keeps raw only if raw is not a
// time.
func newProvider(p peerNumber, raw string) provider {
	if nanos, ok := parseNanos(raw); ok {
		return provider{Peer: p, Nanos: nanos}
	}
	return provider{Peer: p, Raw: []byte(raw)}
}

// size returns the length of the value that kad-dht has put.
func (p *provider) size() int {
	if p.Raw != nil {
		return len(p.Raw)
	}
	return uvarintSize(uint64(p.Nanos)<<1 ^ uint64(p.Nanos>>63))
}

// appendRaw appends the value that kad-dht has put.
func (p *provider) appendRaw(dst []byte) []byte {
	if p.Raw != nil {
		return append(dst, p.Raw...)
	}
	return binary.AppendVarint(dst, p.Nanos)
}

// record returns the provider record in its exported form.
func (p *provider) record(key []byte, id peer.ID) Record {
	return Record{Key: key, Peer: id, Received: p.received(), Raw: p.appendRaw(nil)}
}

// received is the time at which kad-dht took the record, or zero.
func (p *provider) received() time.Time {
	if p.Raw != nil {
		return time.Time{}
	}
	return time.Unix(0, p.Nanos).UTC()
}

// minute returns the minute in which kad-dht took the record.
func (p *provider) minute() minute {
	if p.Raw != nil {
		return 0
	}
	return minuteOfNanos(p.Nanos)
}
