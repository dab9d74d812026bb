package compress

import (
	"errors"
	"math/bits"
	"sync"
)

// fseDecoder reads what an fseTable has written. Its index is the state.
type fseDecoder []fseState

// fseState is a state of reading: the symbol that it stands for, which is a number of at least least
// that takes extra bits more, and where it goes on: next plus bits more.
type fseState struct {
	least       uint32
	next        uint16
	extra, bits uint8
}

// decoder returns what reads the symbols that t writes, which all have a probability.
func (t *fseTable) decoder(symbols []code) fseDecoder {
	d := make(fseDecoder, 1<<t.log)
	for symbol, s := range t.symbols {
		for state := uint32(1) << t.log; state < 2<<t.log; state++ {
			n := uint8((state + s.deltaBits) >> 16)
			at := t.states[int32(state>>n)+s.deltaState] - 1<<t.log
			d[at] = fseState{symbols[symbol].least, uint16(state>>n<<n - 1<<t.log), symbols[symbol].extra, n}
		}
	}
	return d
}

var (
	literalDecoder = literalLengths.decoder(literalCodes.all)
	matchDecoder   = matchLengths.decoder(matchCodes.all)
	offsetDecoder  = offsetCodes.decoder(offsetSymbols())
)

// offsetSymbols has the codes of offsets: each has twice as many as the one before.
func offsetSymbols() (symbols []code) {
	for n := range uint8(len(offsetCodes.symbols)) {
		symbols = append(symbols, code{n, n, 1 << n})
	}
	return symbols
}

// maxOffsetBits is how many bits an offset has at most, since none goes back further than the value
// and the dictionary are long. Together with those of both lengths they fit into one take.
const maxOffsetBits = 23

// errOther says that a frame is not as this package writes them.
var errOther = errors.New("not a frame of this package")

// bitReader reads bits from the end of src, behind which lie 8 bytes more in its memory.
type bitReader struct {
	src []byte
	// left is how many bits are left, negative if more have been read than there were.
	left int
}

// take returns 64 bits of which the low n are the next ones. N is at most 56.
func (r *bitReader) take(n uint8) uint64 {
	r.left -= int(n)
	if r.left < 0 {
		return 0
	}
	return load(r.src[:cap(r.src)], r.left>>3) >> (r.left & 7)
}

// read returns the next n bits.
func (r *bitReader) read(n uint8) uint32 { return low(r.take(n), n) }

// low returns the low n bits.
func low(bits uint64, n uint8) uint32 { return uint32(bits & (1<<n - 1)) }

// memory is a copy of a frame, with bytes behind it.
var memory = sync.Pool{New: func() any { return new([]byte) }}

// expandOwn appends the value of a frame that this package has written to value, which has room for
// it. The frame is cut behind its length.
func (d *Dictionary) expandOwn(value, frame []byte) ([]byte, error) {
	padded := memory.Get().(*[]byte)
	defer memory.Put(padded)
	*padded = append(append((*padded)[:0], frame...), 0, 0, 0, 0, 0, 0, 0, 0)
	rest := (*padded)[:len(frame)]
	last := [3]int{1, 4, 8}
	for {
		if len(rest) < 3 {
			return nil, errOther
		}
		header := int(rest[0]) | int(rest[1])<<8 | int(rest[2])<<16
		size := header >> 3
		rest = rest[3:]
		if size > len(rest) || size > maxBlock {
			return nil, errOther
		}
		var ok bool
		switch header >> 1 & 3 {
		case rawBlock:
			if ok = size <= cap(value)-len(value); ok {
				value = append(value, rest[:size]...)
			}
		case compressedBlock:
			value, ok = d.expandBlock(value, rest[:size], &last)
		}
		if rest = rest[size:]; !ok {
			return nil, errOther
		}
		if header&1 != 0 {
			break
		}
	}
	if len(rest) > 0 || len(value) < cap(value) {
		return nil, errOther
	}
	return value, nil
}

// cutLiterals cuts the literals section off a block, if it has them as they are.
func cutLiterals(block []byte) (literals, rest []byte, ok bool) {
	if len(block) == 0 || block[0]&3 != 0 {
		return nil, nil, false
	}
	size, head := int(block[0]>>3), 1
	switch block[0] >> 2 & 3 {
	case 1:
		head = 2
	case 3:
		head = 3
	}
	if len(block) < head {
		return nil, nil, false
	}
	if head > 1 {
		size = int(block[0]>>4) | int(block[1])<<4
	}
	if head > 2 {
		size |= int(block[2]) << 12
	}
	if len(block) < head+size {
		return nil, nil, false
	}
	return block[head : head+size], block[head+size:], true
}

// cutCount cuts the number of sequences off, and what says that their tables are predefined.
func cutCount(src []byte) (count int, rest []byte, ok bool) {
	switch {
	case len(src) == 1 && src[0] == 0:
		return 0, nil, true
	case len(src) > 2 && src[0] < 128:
		count, rest = int(src[0]), src[1:]
	case len(src) > 3 && src[0] < 255:
		count, rest = int(src[0]-128)<<8|int(src[1]), src[2:]
	case len(src) > 4:
		count, rest = (int(src[1])|int(src[2])<<8)+0x7F00, src[3:]
	default:
		return 0, nil, false
	}
	return count, rest[1:], count > 0 && rest[0] == 0
}

// expandBlock appends what a compressed block holds to value, but never more than there is room.
func (d *Dictionary) expandBlock(value, block []byte, last *[3]int) (_ []byte, ok bool) {
	literals, rest, ok := cutLiterals(block)
	if !ok {
		return nil, false
	}
	count, rest, ok := cutCount(rest)
	if !ok {
		return nil, false
	}
	if count > 0 {
		end := rest[len(rest)-1]
		if end == 0 {
			return nil, false
		}
		r := bitReader{rest, len(rest)*8 - 9 + bits.Len8(end)}
		l := literalDecoder[r.read(literalLengths.log)]
		o := offsetDecoder[r.read(offsetCodes.log)]
		m := matchDecoder[r.read(matchLengths.log)]
		for {
			if o.extra > maxOffsetBits {
				return nil, false
			}
			more := r.take(o.extra + m.extra + l.extra)
			n := int(l.least + low(more, l.extra))
			length := int(m.least + low(more>>l.extra, m.extra))
			offset := o.least + low(more>>(l.extra+m.extra), o.extra)
			if n > len(literals) || n+length > cap(value)-len(value) || r.left < 0 {
				return nil, false
			}
			value = append(value, literals[:n]...)
			literals = literals[n:]
			if value, ok = d.copyMatch(value, move(last, offset, n == 0), length); !ok {
				return nil, false
			}
			if count--; count == 0 {
				break
			}
			more = r.take(l.bits + m.bits + o.bits)
			l = literalDecoder[uint32(l.next)+low(more>>(o.bits+m.bits), l.bits)]
			m = matchDecoder[uint32(m.next)+low(more>>o.bits, m.bits)]
			o = offsetDecoder[uint32(o.next)+low(more, o.bits)]
		}
		if r.left != 0 {
			return nil, false
		}
	}
	if len(literals) > cap(value)-len(value) {
		return nil, false
	}
	return append(value, literals...), true
}

// move returns the offset that is written as an offset, RFC 8878 section 3.1.1.5, and remembers it.
func move(last *[3]int, written uint32, adjacent bool) int {
	if written > 3 {
		*last = [3]int{int(written) - 3, last[0], last[1]}
		return last[0]
	}
	if adjacent {
		written++
	}
	switch written {
	case 2:
		*last = [3]int{last[1], last[0], last[2]}
	case 3:
		*last = [3]int{last[2], last[0], last[1]}
	case 4:
		*last = [3]int{last[0] - 1, last[0], last[1]}
	}
	return last[0]
}

// copyMatch appends the bytes that lie offset before, in value or in the dictionary before it.
func (d *Dictionary) copyMatch(value []byte, offset, length int) ([]byte, bool) {
	if before := offset - len(value); before > 0 {
		if before > len(d.content) {
			return nil, false
		}
		from := d.content[len(d.content)-before:]
		n := min(length, len(from))
		value = append(value, from[:n]...)
		length -= n
	}
	if offset <= 0 {
		return nil, false
	}
	for length > 0 { // a match may go on into itself
		n := min(length, offset)
		value = append(value, value[len(value)-offset:][:n]...)
		length -= n
	}
	return value, true
}
