package compress

import "math/bits"

// sequence is some literals, and a match behind them.
type sequence struct {
	literals, length uint32
	// offset is what is written for the offset of the match: 1 to 3 for one of the last offsets,
	// and otherwise the offset plus 3.
	offset uint32
}

// minMatch is the length of the shortest match.
const minMatch = 3

// code is the symbol of a length, with the bits that tell it from others that share the symbol.
type code struct {
	symbol, extra uint8
	least         uint32
}

// The codes of lengths, RFC 8878 section 3.1.1.3.2.1.1.
var (
	literalCodes = newCodes(0, []uint8{16: 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	matchCodes   = newCodes(minMatch, []uint8{32: 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
)

// codes has the codes of lengths: those of short ones by length, those of longer ones by the number
// of bits that the length has.
type codes struct {
	least uint32
	short [256]uint8
	all   []code
}

func newCodes(least uint32, extra []uint8) *codes {
	c := &codes{least: least}
	at := least
	for symbol, n := range extra {
		c.all = append(c.all, code{uint8(symbol), n, at})
		for i := at - least; i < min(at-least+1<<n, uint32(len(c.short))); i++ {
			c.short[i] = uint8(symbol)
		}
		at += 1 << n
	}
	return c
}

func (c *codes) of(length uint32) *code {
	length -= c.least
	if length < uint32(len(c.short)) {
		return &c.all[c.short[length]]
	}
	// Beyond the short ones, each code has twice as many lengths as the one before.
	n := len(c.all) - 1
	for c.all[n].least-c.least > length {
		n--
	}
	return &c.all[n]
}

// bitWriter appends bits, the first ones in the low bits of the first byte.
type bitWriter struct {
	out  []byte
	bits uint64
	n    uint8
}

// add appends the low n bits of value, at most 32.
func (w *bitWriter) add(value uint32, n uint8) {
	w.bits |= uint64(value&(1<<n-1)) << w.n
	w.n += n
	for w.n >= 32 {
		w.out = append(w.out, byte(w.bits), byte(w.bits>>8), byte(w.bits>>16), byte(w.bits>>24))
		w.bits >>= 32
		w.n -= 32
	}
}

// move writes a symbol and returns the state before it.
func (w *bitWriter) move(t *fseTable, state uint32, symbol uint8) uint32 {
	s := t.symbols[symbol]
	n := (state + s.deltaBits) >> 16
	w.add(state, uint8(n))
	return uint32(t.states[int32(state>>n)+s.deltaState])
}

// end appends a one and zeros up to the next byte.
func (w *bitWriter) end() []byte {
	w.add(1, 1)
	for ; w.n > 0; w.n -= min(w.n, 8) {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
	}
	return w.out
}

// appendSequences appends the sequences section of a block, RFC 8878 section 3.1.1.3.2. All three
// tables are the predefined ones.
func appendSequences(dst []byte, sequences []sequence) []byte {
	switch n := len(sequences); {
	case n < 128:
		dst = append(dst, byte(n))
	case n < 0x7F00:
		dst = append(dst, byte(n>>8)+128, byte(n))
	default:
		dst = append(dst, 255, byte(n-0x7F00), byte((n-0x7F00)>>8))
	}
	if len(sequences) == 0 {
		return dst
	}
	w := bitWriter{out: append(dst, 0)}
	var literals, match, offsets uint32
	for i := len(sequences) - 1; i >= 0; i-- {
		s := &sequences[i]
		l, m, o := literalCodes.of(s.literals), matchCodes.of(s.length), uint8(bits.Len32(s.offset)-1)
		if i == len(sequences)-1 {
			match, offsets, literals = matchLengths.start(m.symbol), offsetCodes.start(o), literalLengths.start(l.symbol)
		} else {
			offsets = w.move(offsetCodes, offsets, o)
			match = w.move(matchLengths, match, m.symbol)
			literals = w.move(literalLengths, literals, l.symbol)
		}
		w.add(s.literals-l.least, l.extra)
		w.add(s.length-m.least, m.extra)
		w.add(s.offset, o)
	}
	w.add(match, matchLengths.log)
	w.add(offsets, offsetCodes.log)
	w.add(literals, literalLengths.log)
	return w.end()
}
