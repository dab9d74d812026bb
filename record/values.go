package record

import (
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Value is a DHT record in a namespace that no registered model has: a public
// key or an IPNS record, say.
type Value struct {
	// Key is the whole record key, "/pk/…". So a range that starts with "/pk/" has the
	// records of that namespace.
	Key []byte
	// Data is the record's value, and Received the time at which it came, as kad-dht
	// wrote it. Both, and TTL, are zero if Raw is not a record.
	Data     []byte
	Received time.Time
	// TTL is how long the publisher wants the record kept after it came, 0 if the record
	// does not say. It expires then, or at the age of Options.MaxRecordAge if that is less.
	TTL time.Duration
	// Raw is the record.pb.Record that kad-dht has put, byte for byte.
	Raw []byte
}

// valueTree holds the records in namespaces that no registered model has, by
// record key.
var valueTree = models.NewTree("value", models.Bytes, func(v *Value) []byte { return v.Key },
	models.WithCodec(versioned.Of[Value](valueCodec{})),
	models.WithKey(func(v *Value, key []byte) { v.Key = key }))

// valuesByReceived finds records by the time they came, the oldest first.
var valuesByReceived = models.NewIndex(valueTree, "received", models.Time,
	func(v *Value) time.Time { return v.Received })

// valuesByExpiry finds the records with a TTL by the time at which the TTL ends.
var valuesByExpiry = models.NewIndex(valueTree, "expires", models.Time,
	func(v *Value) time.Time { return v.Received.Add(v.TTL) },
	models.Where(func(v *Value) bool { return v.TTL > 0 }))

// valueCodec writes the bytes that kad-dht has put as they are. So nothing is lost, and
// nothing has to be built again to serve the record.
type valueCodec struct{}

func (valueCodec) Name() string { return "libp2p-record" }

func (valueCodec) Fields() []models.Field { return nil }

func (valueCodec) Append(dst []byte, v *Value) ([]byte, error) { return append(dst, v.Raw...), nil }

func (valueCodec) Decode(src []byte, v *Value) error {
	*v = parseValue(append(make([]byte, 0, len(src)), src...))
	return nil
}

// isSpentValue is isSpent of a record as it is stored.
func isSpentValue(raw []byte) bool {
	r, ok := wire.Parse(raw)
	if !ok || r.TTL == 0 {
		return false
	}
	received, ok := r.Time()
	return ok && isSpent(received, r.TTL)
}

// parseValue returns raw with all that can be read in it. Its key is not among that.
func parseValue(raw []byte) Value {
	if r, ok := wire.Parse(raw); ok {
		if t, ok := r.Time(); ok {
			return Value{Data: r.Value, Received: t, TTL: r.TTL, Raw: raw}
		}
	}
	return Value{Raw: raw}
}
