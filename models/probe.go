package models

import (
	"bytes"
	"math/rand/v2"
	"time"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// probes is how many random models a declaration is tried with.
const probes = 32

// prober makes random models of a codec that writes DAG-CBOR. They are the same in every process.
type prober struct {
	types  types
	fields []Field
	random *rand.Rand
	// known has values of each field that the codec reads. It is nil as long as the codec has read every
	// value: a type that marshals itself may refuse some, and the codec does not say which.
	known [][]any
	// left is how many more elements of lists and maps the current model may have.
	left int
}

func newProber(of types, fields []Field) *prober {
	return &prober{types: of, fields: fields, random: rand.New(rand.NewPCG(1, 2))}
}

// model returns a random model and its value. Any field may be missing, and is zero then.
func (p *prober) model() (any, []byte, error) {
	m, value, err := p.decode(p.values())
	if err != nil && p.known == nil {
		p.learn()
		m, value, err = p.decode(p.values())
	}
	if err != nil {
		return nil, nil, err
	}
	// The value of a model that the codec reads and does not write is the one that it was read from.
	if canonical, err := p.types.appendValue(nil, m); err == nil {
		value = canonical
	}
	return m, value, nil
}

func (p *prober) decode(values map[string]any) (any, []byte, error) {
	var value bytes.Buffer
	if err := cborEncoding.MarshalToBuffer(values, &value); err != nil {
		return nil, nil, err
	}
	m := p.types.fresh()
	return m, value.Bytes(), p.types.decodeValue(value.Bytes(), m)
}

// learn finds values of each field that the codec reads.
func (p *prober) learn() {
	const attempts = 16
	p.known = make([][]any, len(p.fields))
	for i, f := range p.fields {
		for range attempts {
			p.left = maxProbed
			v := p.value(f.Type)
			if _, _, err := p.decode(map[string]any{f.Name: v}); err == nil {
				p.known[i] = append(p.known[i], v)
			}
		}
	}
}

// maxProbed is how many elements the lists and maps of a model have at most, but for arrays.
const maxProbed = 64

func (p *prober) values() map[string]any {
	p.left = maxProbed
	values := map[string]any{}
	for i, f := range p.fields {
		switch {
		case p.random.IntN(8) == 0 || least(f.Type) > maxLeast:
		case p.known == nil:
			values[f.Name] = p.value(f.Type)
		case len(p.known[i]) > 0:
			values[f.Name] = p.known[i][p.random.IntN(len(p.known[i]))]
		}
	}
	return values
}

// maxLeast is how large the arrays in a field may be that is ever not zero.
const maxLeast = 4_096

// least returns how many elements and bytes the arrays in every value of a type have, up to a little
// more than maxLeast.
func least(t shape.Type) (n int) {
	switch t.Kind {
	case shape.Bytes:
		n = t.Size
	case shape.List:
		n = min(t.Size, maxLeast+1) * (1 + least(*t.Elem))
	case shape.Map, shape.Optional:
		n = least(*t.Elem)
	case shape.Struct:
		for _, f := range t.Fields {
			n += least(f.Type)
		}
	}
	return min(n, maxLeast+1)
}

// value returns a random value of a type, which is often zero.
func (p *prober) value(t shape.Type) any {
	zero := p.random.IntN(4) == 0
	switch t.Kind {
	case shape.Bool:
		return !zero && p.random.IntN(2) == 0
	case shape.Float32, shape.Float64:
		if zero {
			return 0.0
		}
		return float64(p.random.Int32N(1<<16)-1<<15) / 8
	case shape.String:
		return string(p.letters(zero))
	case shape.Bytes:
		return p.bytes(t.Size, zero)
	case shape.Time:
		if zero {
			return nil
		}
		return time.Unix(p.random.Int64N(4e9)-2e9, p.random.Int64N(1e9)).UTC()
	case shape.Optional:
		if zero {
			return nil
		}
		return p.value(*t.Elem)
	case shape.List:
		n := p.count(zero)
		if t.Size != 0 {
			n = t.Size
		}
		list := make([]any, n)
		for i := range list {
			list[i] = p.value(*t.Elem)
		}
		return list
	case shape.Map:
		entries := map[string]any{}
		for range p.count(zero) {
			entries[string(p.letters(false))] = p.value(*t.Elem)
		}
		return entries
	case shape.Struct:
		fields := make(map[string]any, len(t.Fields))
		for _, f := range t.Fields {
			fields[f.Name] = p.value(f.Type)
		}
		return fields
	default:
		return p.integer(t.Kind, zero)
	}
}

// count returns how many elements a list or map has.
func (p *prober) count(zero bool) int {
	n := min(p.random.IntN(4), p.left)
	if zero {
		n = 0
	}
	p.left -= n
	return n
}

// letters returns text, which is UTF-8.
func (p *prober) letters(zero bool) (text []byte) {
	if zero {
		return nil
	}
	for range 1 + p.random.IntN(6) {
		text = append(text, "ABab01 \x00"[p.random.IntN(8)])
	}
	return text
}

// bytes returns bytes, which a peer id reads at times.
func (p *prober) bytes(size int, zero bool) []byte {
	const multihash = "\x12\x20" // SHA-256 and its size
	switch {
	case zero:
		return make([]byte, size)
	case size == 0 && p.random.IntN(2) == 0:
		return append([]byte(multihash), p.bytes(32, false)...)
	case size == 0:
		return p.letters(false)
	}
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(p.random.Uint32())
	}
	return data
}

// integer returns an integer of a kind, small or large.
func (p *prober) integer(kind shape.Kind, zero bool) any {
	number := p.random.Uint64() >> p.random.IntN(64)
	if zero {
		number = 0
	}
	switch kind {
	case shape.Uint8:
		return uint8(number)
	case shape.Uint16:
		return uint16(number)
	case shape.Uint32:
		return uint32(number)
	case shape.Int8:
		return int8(number)
	case shape.Int16:
		return int16(number)
	case shape.Int32:
		return int32(number)
	case shape.Int64:
		return int64(number)
	default:
		return number
	}
}
