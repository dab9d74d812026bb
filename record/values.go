package record

import (
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Value is a DHT record in a namespace that no registered model has: a public
// key or an IPNS record, say.
type Value struct {
	// Key is the whole record key, "/pk/…". So a range that starts with "/pk/" has the
	// records of that namespace.
	Key []byte
	// Data is the record's value, and Received the time at which it came, as kad-dht
	// wrote it. Both are zero if Raw is not a record.
	Data     []byte
	Received time.Time
	// Raw is the record.pb.Record that kad-dht has put, byte for byte.
	Raw []byte
}

// valueTree holds the records in namespaces that no registered model has, by
// record key.
var valueTree = models.NewTree("value", models.Bytes, func(v *Value) []byte { return v.Key },
	models.WithCodec(models.Codec[Value](valueCodec{})),
	models.WithKey(func(v *Value, key []byte) { v.Key = key }))

// valuesByReceived finds records by the time they came, the oldest first.
var valuesByReceived = models.NewIndex(valueTree, "received", models.Time,
	func(v *Value) time.Time { return v.Received })

// valueCodec writes the bytes that kad-dht has put as they are. So nothing is lost, and
// nothing has to be built again to serve the record.
type valueCodec struct{}

func (valueCodec) Name() string { return "libp2p-record" }

func (valueCodec) Fields() []models.Field { return nil }

func (valueCodec) Append(dst []byte, v *Value) ([]byte, error) { return append(dst, v.Raw...), nil }

func (valueCodec) Decode(src []byte, v *Value) error {
	*v = Value{Raw: append(make([]byte, 0, len(src)), src...)}
	v.Data, v.Received = parseValue(v.Raw)
	return nil
}

// parseValue reads a record, whose value may be anything. It returns the zero time if
// raw is not a record.
func parseValue(raw []byte) (data []byte, received time.Time) {
	if r, ok := wire.Parse(raw); ok {
		if t, ok := r.Time(); ok {
			return r.Value, t
		}
	}
	return nil, time.Time{}
}
