package compress

import (
	"math/bits"
	"sync"
)

// maxBlock is the most bytes of a value in one block of a frame.
const maxBlock = 128 << 10

// encoder is the memory that compressing a value takes.
type encoder struct {
	d   *Dictionary
	src []byte
	// last are the last three offsets, which are written in few bits.
	last [3]int
	// own finds the last place in src of a hash of short bytes, plus 1.
	own     []uint32
	ownBits uint8
	// A block is its sequences and literals, which are the bytes outside of matches.
	sequences []sequence
	literals  []byte
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func (e *encoder) appendFrame(dst []byte, d *Dictionary, value []byte) []byte {
	e.d, e.src, e.last = d, value, [3]int{1, 4, 8} // as RFC 8878 has it for a dictionary without tables
	e.ownBits = uint8(min(max(bits.Len(uint(len(value))), 8), 16))
	if size := 1 << e.ownBits; size > cap(e.own) {
		e.own = make([]uint32, size)
	} else {
		e.own = e.own[:size]
		clear(e.own)
	}
	dst = appendSize(dst, len(value))
	for start := 0; start < len(value); start += maxBlock {
		dst = e.appendBlock(dst, start, min(start+maxBlock, len(value)))
	}
	e.d, e.src = nil, nil
	return dst
}

// The kinds of blocks, as their headers have them.
const (
	rawBlock        = 0
	compressedBlock = 2
)

// appendBlock appends src[start:end].
func (e *encoder) appendBlock(dst []byte, start, end int) []byte {
	last := e.last
	e.parse(start, end)
	at := len(dst)
	dst = append(dst, 0, 0, 0)
	dst = appendSequences(appendLiterals(dst, e.literals), e.sequences)
	size, kind := len(dst)-at-3, compressedBlock
	if size >= end-start {
		e.last = last // a raw block leaves the offsets alone
		dst = append(dst[:at+3], e.src[start:end]...)
		size, kind = end-start, rawBlock
	}
	header := size<<3 | kind<<1
	if end == len(e.src) {
		header |= 1
	}
	dst[at], dst[at+1], dst[at+2] = byte(header), byte(header>>8), byte(header>>16)
	return dst
}

// appendLiterals appends the literals section of a block, RFC 8878 section 3.1.1.3.1, as they are:
// a code for so few bytes would take about what it saves.
func appendLiterals(dst, literals []byte) []byte {
	switch n := len(literals); {
	case n < 1<<5:
		dst = append(dst, byte(n<<3))
	case n < 1<<12:
		dst = append(dst, byte(n<<4)|1<<2, byte(n>>4))
	default:
		dst = append(dst, byte(n<<4)|3<<2, byte(n>>4), byte(n>>12))
	}
	return append(dst, literals...)
}

// match is bytes of src that are also offset before.
type match struct {
	start, length, offset int
	// gain is about how many bits it saves.
	gain int
}

// The cost of a sequence in bits beside its offset, and the cost of one with the last offset.
const (
	sequenceCost = 15
	repeatCost   = 13
)

const (
	// lookahead is how many places behind one with a match are searched for a better one.
	lookahead = 2
	// enough is the length of a match that is taken without.
	enough = 16
	// waiting is what a match has to gain more for each place that it is further on, and waitingOff
	// is taken off.
	waiting, waitingOff = 8, 4
)

// parse finds the sequences and literals of src[start:end].
func (e *encoder) parse(start, end int) {
	e.sequences, e.literals = e.sequences[:0], e.literals[:0]
	anchor := start
	limit := min(end, len(e.src)-longBytes+1)
	for i := start; i < limit; {
		m := e.find(i, anchor, end)
		if m.gain <= 0 {
			i += 1 + (i-anchor)>>8 // faster where nothing matches
			continue
		}
		at := i
		for next := at + 1; m.length < enough && next <= min(at+lookahead, limit-1); next++ {
			if n := e.find(next, anchor, end); n.gain > m.gain+waiting*(next-at)-waitingOff {
				m, at = n, next
			}
			i = next
		}
		literals := e.src[anchor:m.start]
		e.literals = append(e.literals, literals...)
		e.sequences = append(e.sequences, sequence{
			literals: uint32(len(literals)), length: uint32(m.length), offset: e.offset(m.offset, len(literals) == 0),
		})
		anchor = m.start + m.length
		for i++; i < min(anchor, limit); i++ {
			e.own[shortHash(load(e.src, i), e.ownBits)] = uint32(i + 1)
		}
		i = anchor
	}
	e.literals = append(e.literals, e.src[anchor:end]...)
}

// find returns the best match at i. It may begin before, but not before anchor.
func (e *encoder) find(i, anchor, end int) (best match) {
	content, next := e.d.content, load(e.src, i)
	if from := i - e.last[0]; from >= 0 {
		e.repeat(&best, e.src[from:], i, end)
	} else if from += len(content); from >= 0 {
		e.repeat(&best, content[from:], i, end)
	}
	if at := int(e.d.index.long[longHash(next)]); at > 0 {
		e.extend(&best, content, at-1, i+len(content)-at+1, i, anchor, end)
	}
	if best.length >= longBytes {
		e.own[shortHash(next, e.ownBits)] = uint32(i + 1)
		return best
	}
	if at := int(e.d.index.short[shortHash(next, indexBits)]); at > 0 {
		e.extend(&best, content, at-1, i+len(content)-at+1, i, anchor, end)
	}
	own := &e.own[shortHash(next, e.ownBits)]
	if at := int(*own); at > 0 && at <= i {
		e.extend(&best, e.src, at-1, i-at+1, i, anchor, end)
	}
	*own = uint32(i + 1)
	return best
}

// repeat looks at the match at i with the last offset.
func (e *encoder) repeat(best *match, from []byte, i, end int) {
	if n := common(from, e.src[i:end]); n >= minMatch {
		*best = match{i, n, e.last[0], n*8 - repeatCost}
	}
}

// extend looks at the match at i with content[from:], and with what is before both.
func (e *encoder) extend(best *match, content []byte, from, offset, i, anchor, end int) {
	n := common(content[from:], e.src[i:end])
	if n < minMatch {
		return
	}
	for i > anchor && from > 0 && content[from-1] == e.src[i-1] {
		i--
		from--
		n++
	}
	if gain := n*8 - sequenceCost - bits.Len(uint(offset)); gain > best.gain {
		*best = match{i, n, offset, gain}
	}
}

// offset returns what is written for an offset, RFC 8878 section 3.1.1.5, and remembers it. Adjacent
// says that no literals come before the match.
func (e *encoder) offset(offset int, adjacent bool) uint32 {
	l := e.last
	switch {
	case offset == l[0] && !adjacent:
		return 1
	case offset == l[1]:
		e.last = [3]int{offset, l[0], l[2]}
		if adjacent {
			return 1
		}
		return 2
	case offset == l[2]:
		e.last = [3]int{offset, l[0], l[1]}
		if adjacent {
			return 2
		}
		return 3
	}
	e.last = [3]int{offset, l[0], l[1]}
	return uint32(offset) + 3
}
