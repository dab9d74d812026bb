package models

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Time is the codec of instants. The zone and the monotonic clock reading are
// not part of the key: a decoded time is in UTC, and [time.Time.Equal] to the
// one written.
//
// Keys sort by [time.Time.Unix] and then by nanosecond. That is the order of
// [time.Time.Compare] for all times whose Unix seconds fit an int64. It is not
// for the first two thousand of the 584 billion years that package time spans,
// whose Unix seconds wrap around, as those of time.Unix(math.MaxInt64, 0) do:
// they sort last. Even there no two instants share a key.
var Time KeyCodec[time.Time] = timeCodec{}

const timeSize = 12

type timeCodec struct{}

func (timeCodec) Name() string { return "time" }

func (timeCodec) Append(dst []byte, key time.Time) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(key.Unix())+1<<63)
	return binary.BigEndian.AppendUint32(dst, uint32(key.Nanosecond()))
}

func (c timeCodec) Decode(src []byte) (time.Time, []byte, error) {
	if len(src) < timeSize {
		return time.Time{}, nil, badKey(c.Name(), fmt.Sprintf("%d bytes, not %d", len(src), timeSize))
	}
	seconds := int64(binary.BigEndian.Uint64(src) - 1<<63)
	nanos := binary.BigEndian.Uint32(src[8:])
	if nanos >= 1e9 {
		return time.Time{}, nil, badKey(c.Name(), fmt.Sprintf("%d nanoseconds", nanos))
	}
	return time.Unix(seconds, int64(nanos)).UTC(), src[timeSize:], nil
}

func (c timeCodec) AppendLast(dst []byte, key time.Time) []byte { return c.Append(dst, key) }

func (c timeCodec) DecodeLast(src []byte) (time.Time, error) { return decodeOnly(c, src) }

func (c timeCodec) AppendText(dst []byte, key time.Time) []byte { return appendHexText(c, dst, key) }

func (c timeCodec) ParseText(text string) (time.Time, error) {
	return parseHexText(c, text, timeSize)
}
