package models

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
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

// KeySize implements [SizedCodec].
func (timeCodec) KeySize() int { return timeSize }

func (c timeCodec) AppendLast(dst []byte, key time.Time) []byte { return c.Append(dst, key) }

func (c timeCodec) DecodeLast(src []byte) (time.Time, error) { return decodeOnly(c, src) }

func (c timeCodec) AppendText(dst []byte, key time.Time) []byte { return appendHexText(c, dst, key) }

func (c timeCodec) ParseText(text string) (time.Time, error) {
	return parseHexText(c, text, timeSize)
}

// Format writes years from 0 to 9999 by RFC 3339, in UTC, and other instants as
// '@' and the seconds since 1970-01-01T00:00:00Z, as the command date takes them.
func (timeCodec) Format(key time.Time) string {
	if utc := key.UTC(); utc.Year() >= 0 && utc.Year() <= 9999 {
		return utc.Format(time.RFC3339Nano)
	}
	seconds, nanos, sign := key.Unix(), key.Nanosecond(), ""
	if seconds < 0 {
		sign = "-"
		if nanos > 0 {
			seconds, nanos = seconds+1, 1e9-nanos
		}
	}
	text := "@" + sign + strconv.FormatUint(magnitude(seconds), 10)
	if nanos > 0 {
		text += strings.TrimRight(fmt.Sprintf(".%09d", nanos), "0")
	}
	return text
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func (c timeCodec) Parse(text string) (time.Time, error) {
	var key time.Time
	var err error
	if seconds, ok := strings.CutPrefix(text, "@"); ok {
		key, err = parseUnix(seconds)
	} else if key, err = time.Parse(time.RFC3339Nano, text); err != nil {
		err = errors.New("a time is written as 2006-01-02T15:04:05Z, or as @ and the seconds since 1970")
	}
	if err != nil {
		return time.Time{}, badText(c.Name(), text, err)
	}
	return key.UTC(), nil
}

// parseUnix reads seconds since 1970 with up to nine decimals.
func parseUnix(text string) (time.Time, error) {
	whole, decimals, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	if len(decimals) > 9 {
		return time.Time{}, errors.New("seconds have nine decimals at most")
	}
	nanos, err := strconv.ParseUint((decimals + "000000000")[:9], 10, 32)
	if err != nil {
		return time.Time{}, err
	}
	if whole[0] == '-' && nanos > 0 {
		return time.Unix(seconds, -int64(nanos)), nil
	}
	return time.Unix(seconds, int64(nanos)), nil
}
