package wide_test

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// How many bytes of memory one byte of what is decoded can take. An element of a
// list can be one byte, and an Address of 64 and the pointer to it in memory; one of
// a map four with its key, and a URL of 128 with key, pointer and its place in the
// map, half of which may be empty. The reflected codec goes on behind an element that
// it refuses, and makes an error of each; that of a time has much to say.
const (
	generatedFactor = 96
	reflectedFactor = 400
)

func boundBytes[M any](t *testing.T, p pair[M], src []byte) {
	t.Helper()
	alloctest.BoundBy(t, generatedFactor, len(src), func() { _ = p.generated.Decode(src, new(M)) })
	alloctest.BoundBy(t, reflectedFactor, len(src), func() { _ = p.reflected.Decode(src, new(M)) })
}

// TestAllocations decodes models with a very large number of elements in one list or map, for
// each list and map in turn.
func TestAllocations(t *testing.T) {
	eachCrowd(t, things)
	eachCrowd(t, optionals)
	eachCrowd(t, items)
}

func eachCrowd[M any](t *testing.T, p pair[M]) {
	// The shortest elements: 0, bytes, text, an empty list, an empty map, null; and a few that
	// are longer. Most have the wrong type for most fields.
	elements := []string{"\x00", "\x40", "\x60", "\x80", "\xA0", "\xF6", "\x81\x60", "\xA1\x61a\x60", "\x61a", "\x41a"}
	for _, f := range p.generated.Fields() {
		within := f.Type
		if within.Kind == shape.Optional {
			within = *within.Elem
		}
		isMap := within.Kind == shape.Map
		if !isMap && within.Kind != shape.List {
			continue
		}
		for _, element := range elements {
			t.Run(fmt.Sprintf("%s.%s/%x", reflect.TypeFor[M]().Name(), f.Name, element), func(t *testing.T) {
				boundBytes(t, p, crowd(f.Name, isMap, element))
			})
		}
	}
}

// crowd encodes a model in which one field has very many elements.
func crowd(field string, isMap bool, element string) []byte {
	const many = 10_000
	src := append([]byte{0xA1, 0x60 + byte(len(field))}, field...) // no name is longer than 23 bytes
	if !isMap {
		return append(binary.BigEndian.AppendUint16(append(src, 0x99), many), strings.Repeat(element, many)...)
	}
	src = binary.BigEndian.AppendUint16(append(src, 0xB9), many)
	for i := range many {
		src = append(append(src, 0x62, byte(i/100), byte(i%100)), element...) // keys of two bytes
	}
	return src
}
