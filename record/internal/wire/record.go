// Package wire reads and writes the two forms in which records travel: kad-dht's
// record.pb.Record, and the signed envelope, which is the value of a record of a signed tree.
package wire

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/newsnet-africa/netabase-go/models"
)

// The fields of record.pb.Record that are in use.
const (
	fieldKey      protowire.Number = 1
	fieldValue    protowire.Number = 2
	fieldReceived protowire.Number = 5
)

// fieldTTL is rust-libp2p's: how many seconds the record is to be kept.
const fieldTTL protowire.Number = 777

// Record is a record.pb.Record.
type Record struct {
	Key, Value []byte
	// Received is the time of receipt as kad-dht writes it: RFC 3339 in UTC.
	Received []byte
	// More has all other fields, in the form and order in which they came. Parse leaves it empty.
	More []byte
	// TTL is how long the publisher wants the record kept after it came, 0 if it does not say.
	// It is one of the fields in More.
	TTL time.Duration
}

// Parse reads the protocol buffer in data, and reports whether data is one. If a field is
// repeated, the last one counts. The fields of More are skipped but for TTL. The result shares data's memory.
func Parse(data []byte) (r Record, ok bool) {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return Record{}, false
		}
		data = data[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
				return Record{}, false
			}
			if number == fieldTTL && kind == protowire.VarintType {
				r.TTL = ttl(data)
			}
			data = data[n:]
			continue
		}
		field, n := protowire.ConsumeBytes(data)
		if n < 0 {
			return Record{}, false
		}
		data = data[n:]
		switch number {
		case fieldKey:
			r.Key = field
		case fieldValue:
			r.Value = field
		case fieldReceived:
			r.Received = field
		}
	}
	return r, true
}

// ttl reads the value of a TTL. The field has 32 bits; a larger number is none.
func ttl(data []byte) time.Duration {
	seconds, _ := protowire.ConsumeVarint(data)
	if seconds > math.MaxUint32 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// Append appends r exactly as kad-dht encodes it: the fields that it does not know come last.
func (r Record) Append(dst []byte) []byte {
	dst = appendField(dst, fieldKey, r.Key)
	dst = appendField(dst, fieldValue, r.Value)
	return append(appendField(dst, fieldReceived, r.Received), r.More...)
}

// Size is the length of what Append appends, or a little more.
func (r Record) Size() int { return len(r.Key) + len(r.Value) + len(r.Received) + len(r.More) + 16 }

func appendField(dst []byte, number protowire.Number, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	return protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), value)
}

// Time returns the time of receipt, or false if there is none in the form that kad-dht writes.
func (r Record) Time() (time.Time, bool) {
	var t time.Time
	if t.UnmarshalText(r.Received) != nil {
		return time.Time{}, false
	}
	t = t.UTC()
	var room [len(time.RFC3339Nano)]byte
	return t, bytes.Equal(AppendTime(room[:0], t), r.Received)
}

// AppendTime appends a time of receipt.
func AppendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, time.RFC3339Nano)
}

// WithTime returns a record.pb.Record with another time of receipt. It changes nothing else.
func WithTime(raw []byte, received time.Time) []byte {
	rest := raw
	stamped := make([]byte, 0, len(raw)+16)
	for len(rest) > 0 {
		number, _, n := protowire.ConsumeField(rest)
		if n < 0 {
			return raw // raw has no time either
		}
		if number != fieldReceived {
			stamped = append(stamped, rest[:n]...)
		}
		rest = rest[n:]
	}
	return appendField(stamped, fieldReceived, AppendTime(nil, received))
}

// ParseExact reads a record in the form that kad-dht writes, so that Append can write the same
// bytes again. The record must belong under key. The error matches models.ErrInvalid.
func ParseExact(key string, data []byte) (r Record, received time.Time, err error) {
	r, ok := Parse(data)
	if !ok {
		return r, time.Time{}, fmt.Errorf("%w: not a record", models.ErrInvalid)
	}
	if string(r.Key) != key {
		return r, time.Time{}, fmt.Errorf("%w: the record has the key %.100q", models.ErrInvalid, r.Key)
	}
	received, ok = r.Time()
	if !ok {
		return r, time.Time{}, fmt.Errorf("%w: the record's time of receipt is %.40q", models.ErrInvalid, r.Received)
	}
	more, ok := bytes.CutPrefix(data, r.Append(make([]byte, 0, len(data))))
	if !ok || hasKnown(more) {
		return r, time.Time{}, fmt.Errorf("%w: the record's key, value and time of receipt are not its first fields, "+
			"or not there once, in this order and in their shortest form", models.ErrInvalid)
	}
	r.More = more
	return r, received, nil
}

// hasKnown reports whether one of the fields in data is a record's key, value or time of receipt.
func hasKnown(data []byte) bool {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeField(data)
		if n < 0 {
			return true
		}
		if kind == protowire.BytesType && (number == fieldKey || number == fieldValue || number == fieldReceived) {
			return true
		}
		data = data[n:]
	}
	return false
}

// TTLOf returns the TTL in the further fields of a record, which must not have its key, value or
// time of receipt. The error matches models.ErrInvalid.
func TTLOf(more []byte) (time.Duration, error) {
	if hasKnown(more) {
		return 0, fmt.Errorf("%w: the record's further fields are none", models.ErrInvalid)
	}
	fields, _ := Parse(more)
	return fields.TTL, nil
}
