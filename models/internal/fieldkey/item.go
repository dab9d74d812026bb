package fieldkey

import (
	"fmt"
	"math"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
)

// find sets items to the items of the fields with the given names. It leaves those that the map does
// not have.
func find(value []byte, names []string, items [][]byte) error {
	major, left, rest, err := cbor.Head(value)
	if err != nil {
		return err
	}
	if major != cbor.Map {
		return fmt.Errorf("there is %s in place of a map", cbor.Names[major])
	}
	for ; left > 0; left-- {
		key, after, err := cbor.Cut(rest)
		if err != nil {
			return err
		}
		var item []byte
		if item, rest, err = cbor.Cut(after); err != nil {
			return err
		}
		if key[0]>>5 != cbor.Text {
			return fmt.Errorf("there is %s in place of a name", cbor.Names[key[0]>>5])
		}
		_, size, _, _ := cbor.Head(key) // Cut has read it
		for i, name := range names {
			if string(key[len(key)-int(size):]) == name {
				items[i] = item
			}
		}
	}
	return nil
}

// The functions below read an item of a type. They return the zero value for a nil item.

func boolOf(item []byte) (bool, error) {
	switch {
	case item == nil || item[0] == cbor.False:
		return false, nil
	case item[0] == cbor.True:
		return true, nil
	}
	return false, misplaced(item, "a boolean")
}

// runOf reads a byte string or text. One of a size that is not 0 is not empty if it is missing.
func runOf(item []byte, size int) ([]byte, error) {
	if item == nil {
		return make([]byte, size), nil
	}
	major, n, rest, err := cbor.Head(item)
	if err == nil && major != cbor.Bytes && major != cbor.Text {
		err = misplaced(item, "a byte string or text")
	}
	if err != nil {
		return nil, err
	}
	if size != 0 && n != uint64(size) {
		return nil, fmt.Errorf("there are %d bytes, not %d", n, size)
	}
	return rest, nil
}

func timeOf(item []byte) (at time.Time, err error) {
	if item == nil || item[0] == cbor.Null {
		return at, nil
	}
	text, err := runOf(item, 0)
	if err != nil {
		return at, err
	}
	if at, err = time.Parse(time.RFC3339Nano, string(text)); err != nil {
		return at, fmt.Errorf("%.40q is no time of RFC 3339", text)
	}
	return at.UTC(), nil
}

func floatOf(item []byte) (float64, error) {
	switch {
	case item == nil:
		return 0, nil
	case item[0] != cbor.Float64:
		return 0, misplaced(item, "a float")
	}
	_, bits, _, err := cbor.Head(item)
	return math.Float64frombits(bits), err
}

// integerOf reads an integer. A negative one is -1 less the number.
func integerOf(item []byte) (number uint64, negative bool, err error) {
	if item == nil {
		return 0, false, nil
	}
	major, number, _, err := cbor.Head(item)
	if err == nil && major != cbor.Uint && major != cbor.Neg {
		err = misplaced(item, "an integer")
	}
	return number, major == cbor.Neg, err
}

// listOf reads the head of a list. Elems is nil for the elements of one that is missing, which are zero.
func listOf(item []byte, size int) (n int, elems []byte, err error) {
	if item == nil {
		return size, nil, nil
	}
	major, count, rest, err := cbor.Head(item)
	if err == nil && major != cbor.List {
		err = misplaced(item, "a list")
	}
	return int(count), rest, err
}

func misplaced(item []byte, want string) error {
	return fmt.Errorf("there is %s in place of %s", cbor.Names[item[0]>>5], want)
}

// integer returns an integer as a key of the codec with the given name.
func integer(codec string, number uint64, negative bool) (any, error) {
	unsigned := func(bits int) error {
		if negative || number>>(bits-1)>>1 != 0 {
			return fmt.Errorf("the integer is no %s", codec)
		}
		return nil
	}
	signed := func(bits int) (int64, error) {
		if number>>(bits-1) != 0 {
			return 0, fmt.Errorf("the integer is no %s", codec)
		}
		if negative {
			return -1 - int64(number), nil
		}
		return int64(number), nil
	}
	switch codec {
	case "uint8":
		return uint8(number), unsigned(8)
	case "uint16":
		return uint16(number), unsigned(16)
	case "uint32":
		return uint32(number), unsigned(32)
	case "uint64":
		return number, unsigned(64)
	case "int8":
		v, err := signed(8)
		return int8(v), err
	case "int16":
		v, err := signed(16)
		return int16(v), err
	case "int32":
		v, err := signed(32)
		return int32(v), err
	default:
		v, err := signed(64)
		return v, err
	}
}
