// Package wire reads and writes the two forms in which records travel: kad-dht's
// record.pb.Record, and the signed envelope, which is the value of a record of a signed tree.
package wire

import (
	"bytes"
	"fmt"
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

// Record is a record.pb.Record.
type Record struct {
	Key, Value []byte
	// Received is the time of receipt as kad-dht writes it: RFC 3339 in UTC.
	Received []byte
}

// Parse reads the protocol buffer in data, and reports whether data is one. If a field is
// repeated, the last one counts. Unknown fields are skipped. The result shares data's memory.
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

// Append appends r exactly as kad-dht encodes it.
func (r Record) Append(dst []byte) []byte {
	dst = appendField(dst, fieldKey, r.Key)
	dst = appendField(dst, fieldValue, r.Value)
	return appendField(dst, fieldReceived, r.Received)
}

func appendField(dst []byte, number protowire.Number, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	return protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), value)
}

// Time returns the time of receipt, or false if there is none in the form that kad-dht writes.
func (r Record) Time() (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, string(r.Received))
	if err != nil {
		return time.Time{}, false
	}
	t = t.UTC()
	return t, bytes.Equal(AppendTime(nil, t), r.Received)
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

// ParseExact reads a record that has only its three fields, in the form that kad-dht writes, so
// that Append can write the same bytes again. The record must belong under key. The error
// matches models.ErrInvalid.
func ParseExact(key string, data []byte) (value []byte, received time.Time, err error) {
	r, ok := Parse(data)
	if !ok {
		return nil, time.Time{}, fmt.Errorf("%w: not a record", models.ErrInvalid)
	}
	if string(r.Key) != key {
		return nil, time.Time{}, fmt.Errorf("%w: the record has the key %.100q", models.ErrInvalid, r.Key)
	}
	received, ok = r.Time()
	if !ok {
		return nil, time.Time{}, fmt.Errorf("%w: the record's time of receipt is %.40q", models.ErrInvalid, r.Received)
	}
	if exact := r.Append(make([]byte, 0, len(data))); !bytes.Equal(exact, data) {
		return nil, time.Time{}, fmt.Errorf("%w: the record has more in its %d bytes than key, value and "+
			"time of receipt, which take %d", models.ErrInvalid, len(data), len(exact))
	}
	return r.Value, received, nil
}
