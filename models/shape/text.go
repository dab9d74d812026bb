package shape

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
)

// ParseText returns the DAG-CBOR of a value of the type, as tags and people write it: an integer
// or a float as in Go, true or false, text as it is, and a time as RFC 3339. That of an Optional
// is that of its element. Text that is no value of the type, and types of other kinds, give an
// error that matches [ErrInvalid].
func (t Type) ParseText(text string) ([]byte, error) {
	no := func(want string) error { return textError(fmt.Sprintf("%.40q is no %s; write %s", text, t.Kind, want)) }
	switch t.Kind {
	case Optional:
		return t.Elem.ParseText(text)
	case Uint8, Uint16, Uint32, Uint64:
		v, err := strconv.ParseUint(text, 10, t.Kind.bits())
		if err != nil {
			return nil, no(fmt.Sprintf("a number from 0 to %d", uint64(math.MaxUint64)>>(64-t.Kind.bits())))
		}
		return cbor.AppendHead(nil, cbor.Uint, v), nil
	case Int8, Int16, Int32, Int64:
		v, err := strconv.ParseInt(text, 10, t.Kind.bits())
		if err != nil {
			most := int64(math.MaxInt64) >> (64 - t.Kind.bits())
			return nil, no(fmt.Sprintf("a number from %d to %d", -most-1, most))
		}
		if v < 0 {
			return cbor.AppendHead(nil, cbor.Neg, uint64(^v)), nil
		}
		return cbor.AppendHead(nil, cbor.Uint, uint64(v)), nil
	case Float32, Float64:
		v, err := strconv.ParseFloat(text, t.Kind.bits())
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, no("a finite number in its range")
		}
		return binary.BigEndian.AppendUint64([]byte{cbor.Float64}, math.Float64bits(v)), nil
	case Bool:
		switch text {
		case "true":
			return []byte{cbor.True}, nil
		case "false":
			return []byte{cbor.False}, nil
		}
		return nil, no("true or false")
	case String:
		if !utf8.ValidString(text) {
			return nil, no("UTF-8")
		}
		return cbor.AppendText(nil, text), nil
	case Time:
		v, err := time.Parse(time.RFC3339Nano, text)
		if v = v.UTC(); err != nil || v.Year() < 0 || v.Year() > 9999 {
			return nil, no("a time like 2026-11-28T10:00:00Z, of the years 0 to 9999 in UTC")
		}
		if v.IsZero() {
			return []byte{cbor.Null}, nil
		}
		return cbor.AppendText(nil, v.Format(time.RFC3339Nano)), nil
	default:
		return nil, textError(fmt.Sprintf("a value of kind %s cannot be written as text; only numbers, booleans, strings "+
			"and times can", t.Kind))
	}
}

// textError is an error of ParseText. It matches ErrInvalid without saying so, because the text is
// part of a tag or a command in most cases, and no data.
type textError string

func (e textError) Error() string { return string(e) }

func (e textError) Is(target error) bool { return target == ErrInvalid }
