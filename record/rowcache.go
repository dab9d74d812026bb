package record

import "sync"

// rowCache keeps rows of provider records in memory, those that were last read or
// written. A row is what the codec writes of shard 0 of a key.
//
// There are two halves. A row goes into the young one, and when that is full it
// becomes the old one, and what was old is dropped: so all of a half is freed at
// once, and neither has a pointer for the garbage collector to follow.
type rowCache struct {
	// limit is the most bytes of a half; without a positive one nothing is kept.
	limit int

	mu         sync.Mutex
	young, old rowHalf
	// epoch is how often rows have been changed. Who reads a row to keep it here
	// says in which epoch, so that none is kept that was changed meanwhile.
	epoch uint64
}

// rowHalf is one of the halves.
type rowHalf struct {
	// at has of each row the number of its block, where in that it begins and how
	// long it is.
	at     map[uint64]rowPlace
	blocks [][]byte
}

type rowPlace struct{ block, start, size uint32 }

const (
	// rowBlock is how much memory a half grows by. It starts with an eighth of
	// that, for the many peers of which one process simulates thousands.
	rowBlock = 64 << 10
	// rowOverhead is about what a row takes besides its bytes.
	rowOverhead = 40
)

func (h *rowHalf) get(hash uint64) ([]byte, bool) {
	p, ok := h.at[hash]
	if !ok {
		return nil, false
	}
	return h.blocks[p.block][p.start : p.start+p.size], true
}

func (h *rowHalf) put(hash uint64, row []byte) {
	if p, ok := h.at[hash]; ok && int(p.size) >= len(row) {
		copy(h.blocks[p.block][p.start:], row)
		p.size = uint32(len(row))
		h.at[hash] = p
		return
	}
	last := len(h.blocks) - 1
	if last < 0 || cap(h.blocks[last])-len(h.blocks[last]) < len(row) {
		size := rowBlock
		if last < 0 {
			size /= 8
		}
		h.blocks = append(h.blocks, make([]byte, 0, max(size, len(row))))
		last++
	}
	if h.at == nil {
		h.at = map[uint64]rowPlace{}
	}
	start := len(h.blocks[last])
	h.blocks[last] = append(h.blocks[last], row...)
	h.at[hash] = rowPlace{uint32(last), uint32(start), uint32(len(row))}
}

func (h *rowHalf) size() int { return len(h.blocks)*rowBlock + len(h.at)*rowOverhead }

// get returns a copy of a row.
func (c *rowCache) get(hash uint64) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if row, ok := c.young.get(hash); ok {
		return append([]byte(nil), row...), true
	}
	row, ok := c.old.get(hash)
	if !ok {
		return nil, false
	}
	row = append([]byte(nil), row...)
	c.put(hash, row)
	return row, true
}

func (c *rowCache) put(hash uint64, row []byte) {
	if c.young.size() >= c.limit {
		c.young, c.old = rowHalf{}, c.young
	}
	c.young.put(hash, row)
}

// now returns the epoch in which what is read next is read.
func (c *rowCache) now() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// fill keeps a row that was read, in epoch or later.
func (c *rowCache) fill(epoch, hash uint64, row []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch == c.epoch && c.limit > 0 {
		c.put(hash, row)
	}
}

// changed tells what a transaction has made of rows, nil where it has deleted one.
// It has read them in epoch or later: if others have changed any since, none is
// kept.
func (c *rowCache) changed(epoch uint64, rows map[uint64][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keep := epoch == c.epoch && c.limit > 0
	c.epoch++
	for hash, row := range rows {
		if keep && row != nil {
			c.put(hash, row)
			continue
		}
		delete(c.young.at, hash)
		delete(c.old.at, hash)
	}
}
