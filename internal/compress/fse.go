package compress

import "math/bits"

// fseTable encodes the codes of sequences by finite state entropy, RFC 8878 section 4.1.
type fseTable struct {
	log     uint8
	states  []uint16
	symbols []fseSymbol
}

// fseSymbol says how a state moves on when a symbol is written.
type fseSymbol struct {
	deltaBits  uint32
	deltaState int32
}

// newFSETable makes the table of a distribution. The probabilities add up to 1<<log, where -1 stands
// for one that is less than 1.
func newFSETable(log uint8, probabilities []int16) *fseTable {
	size := 1 << log
	t := &fseTable{log: log, states: make([]uint16, size), symbols: make([]fseSymbol, len(probabilities))}
	spread := make([]uint8, size)
	first := make([]int, len(probabilities)+1)
	high := size - 1
	for symbol, p := range probabilities {
		first[symbol+1] = first[symbol] + int(max(p, -p))
		if p < 0 {
			spread[high] = uint8(symbol)
			high--
		}
	}
	step, at := size>>1+size>>3+3, 0
	for symbol, p := range probabilities {
		for range p {
			spread[at] = uint8(symbol)
			for at = (at + step) & (size - 1); at > high; at = (at + step) & (size - 1) {
			}
		}
	}
	next := append([]int(nil), first...)
	for state, symbol := range spread {
		t.states[next[symbol]] = uint16(size + state)
		next[symbol]++
	}
	for symbol, p := range probabilities {
		switch {
		case p == 0: // no sequence has it
		case p == -1 || p == 1:
			t.symbols[symbol] = fseSymbol{uint32(log)<<16 - uint32(size), int32(first[symbol] - 1)}
		default:
			most := uint32(log) - uint32(bits.Len16(uint16(p-1))-1)
			t.symbols[symbol] = fseSymbol{most<<16 - uint32(p)<<most, int32(first[symbol]) - int32(p)}
		}
	}
	return t
}

// start returns the state that ends in symbol, the first one that is written.
func (t *fseTable) start(symbol uint8) uint32 {
	s := t.symbols[symbol]
	n := (s.deltaBits + 1<<15) >> 16
	state := n<<16 - s.deltaBits
	return uint32(t.states[int32(state>>n)+s.deltaState])
}

// The distributions that RFC 8878 section 3.1.1.3.2.2 predefines.
var (
	literalLengths = newFSETable(6, []int16{
		4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1,
		2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
		-1, -1, -1, -1,
	})
	matchLengths = newFSETable(6, []int16{
		1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1,
		-1, -1, -1, -1, -1,
	})
	offsetCodes = newFSETable(5, []int16{
		1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
	})
)
