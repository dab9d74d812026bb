package writes

import (
	"bytes"

	"github.com/tidwall/btree"
)

// place is a place in a set that has writes. After the set changes it must be sought
// anew.
type place struct {
	iter    btree.IterG[*Write]
	reverse bool
	placed  bool // iter is at a write
}

func newPlace(s *Set, reverse bool) *place {
	p := &place{reverse: reverse}
	p.iter.Init(s.whole(), false)
	return p
}

// start moves to the first write at or beyond bound, in reverse to the last one before
// it. A nil bound is open.
func (p *place) start(bound []byte) {
	switch {
	case bound != nil:
		p.seek(bound, !p.reverse)
	case p.reverse:
		p.placed = p.iter.Last()
	default:
		p.placed = p.iter.First()
	}
}

// seek moves to the first write beyond key in the direction, or at it.
func (p *place) seek(key []byte, orAt bool) {
	p.placed = p.iter.Seek(&Write{Key: key})
	at := p.placed && bytes.Equal(p.iter.Item().Key, key)
	switch {
	case at && orAt:
	case at, p.placed && p.reverse:
		p.next()
	case p.reverse:
		p.placed = p.iter.Last()
	}
}

func (p *place) next() {
	if p.reverse {
		p.placed = p.iter.Prev()
	} else {
		p.placed = p.iter.Next()
	}
}

// current returns the write that p is at. It is another's once the set has changed.
func (p *place) current() *Write { return p.iter.Item() }
