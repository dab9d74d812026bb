package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unsafe"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// tree reads the bucket in the mapped file, as it is for one transaction: bbolt gets to
// see the writes of a transaction at commit only. bbolt's cursors go to pages that nobody
// has checked, and would not end where these lead in a circle.
//
// Where a page is damaged its functions may panic, as bbolt's do: a slice goes beyond the
// page. Callers guard them.
type tree struct {
	pages      []byte // all pages
	pageSize   uint64
	count      uint64 // of pages
	root       page
	unverified *unverified // nil if all pages have been verified
}

// begin finds the bucket for a transaction.
func (t *tree) begin(db *bbolt.DB, tx *bbolt.Tx, u *unverified) error {
	t.open(db, tx)
	value, err := t.bucket(tx, bucket)
	if err != nil {
		return err
	}
	if value == nil {
		return fmt.Errorf("%w: the file has no bucket %q", engine.ErrCorrupt, bucket)
	}
	var root page
	number := binary.LittleEndian.Uint64(value)
	if number == 0 {
		root, err = newPage(value[bucketHead:])
	} else {
		root, err = t.page(number)
	}
	if err == nil && u != nil {
		err = u.verifyRoot(number, &root)
	}
	t.root, t.unverified = root, u
	return err
}

func (t *tree) open(db *bbolt.DB, tx *bbolt.Tx) {
	info := db.Info()
	start := *(**byte)(unsafe.Pointer(&info.Data))
	size, pageSize := uint64(tx.Size()), uint64(info.PageSize)
	*t = tree{pages: unsafe.Slice(start, size), pageSize: pageSize, count: size / pageSize}
}

// bucket returns the value of a bucket, or nil if there is none of the name. There are few,
// so that one page has all.
func (t *tree) bucket(tx *bbolt.Tx, name []byte) (value []byte, err error) {
	p, err := t.page(uint64(tx.Cursor().Bucket().Root()))
	if err != nil {
		return nil, err
	}
	if p.branch {
		return nil, fmt.Errorf("%w: there is more than a page of buckets", engine.ErrCorrupt)
	}
	if i, found := p.search(name); found {
		_, value = p.row(i)
	}
	return value, nil
}

// leaves returns at what level the leaves are, those under the first elements: the others
// are at the same one.
func (t *tree) leaves() (int, error) {
	p, level := t.root, 0
	for ; p.branch; level++ {
		if level == maxDepth {
			return 0, fmt.Errorf("%w: there are more than %d levels", engine.ErrCorrupt, maxDepth)
		}
		var err error
		if p, err = t.page(p.child(0)); err != nil {
			return 0, err
		}
	}
	return level, nil
}

// page returns a page with those that follow it.
func (t *tree) page(number uint64) (p page, err error) {
	err = t.load(number, &p)
	return p, err
}

func (t *tree) load(number uint64, p *page) error {
	if number < firstPage || number >= t.count {
		return fmt.Errorf("%w: page %d is not in the file", engine.ErrCorrupt, number)
	}
	b := t.pages[number*t.pageSize:]
	return p.set(b[:(following(b)+1)*t.pageSize])
}

// get returns the value of key, when all pages have been verified. It does what find does
// for a place, but to keep the steps would take a fifth of its time.
func (t *tree) get(key []byte) (value []byte, found bool, err error) {
	p := t.root
	for level := 0; p.branch; level++ {
		child := p.child(p.childOf(key))
		if level == maxDepth {
			return nil, false, tooDeep(child)
		}
		if err := t.load(child, &p); err != nil {
			return nil, false, err
		}
	}
	i, found := p.search(key)
	if found {
		_, value = p.row(i)
	}
	return value, found, nil
}

func tooDeep(page uint64) error {
	return fmt.Errorf("%w: page %d is %d levels down", engine.ErrCorrupt, page, maxDepth)
}

// page is a page of a tree.
type page struct {
	// bytes begin with its head, and end with the last page that follows it.
	bytes  []byte
	count  int32
	branch bool
	keyAt  uint8 // where an element tells where its key is
}

func newPage(b []byte) (p page, err error) {
	err = p.set(b)
	return p, err
}

func (p *page) set(b []byte) error {
	p.bytes, p.count = b, int32(binary.LittleEndian.Uint16(b[10:]))
	switch flags := binary.LittleEndian.Uint16(b[8:]); flags {
	case branchPage:
		p.branch, p.keyAt = true, 0
	case leafPage:
		p.branch, p.keyAt = false, 4
	default:
		return fmt.Errorf("%w: flags are %#x", engine.ErrCorrupt, flags)
	}
	return nil
}

// following returns how many pages follow one, and belong to it.
func following(b []byte) uint64 { return uint64(binary.LittleEndian.Uint32(b[12:])) }

// element returns an element.
func (p *page) element(i int) []byte {
	at := pageHead + elementSize*i
	return p.bytes[at : at+elementSize]
}

// span returns where the key of an element begins and ends.
func (p *page) span(i int) (start, end uint64) {
	at := pageHead + elementSize*i
	where := binary.LittleEndian.Uint64(p.bytes[at+int(p.keyAt):])
	start = uint64(at) + where&(1<<32-1)
	return start, start + where>>32
}

func (p *page) key(i int) []byte {
	start, end := p.span(i)
	return p.bytes[start:end:end]
}

// row returns what an element of a leaf has.
func (p *page) row(i int) (key, value []byte) {
	start, end := p.span(i)
	valueEnd := end + uint64(binary.LittleEndian.Uint32(p.element(i)[12:]))
	return p.bytes[start:end:end], p.bytes[end:valueEnd:valueEnd]
}

// child returns the page that an element of a branch leads to.
func (p *page) child(i int) uint64 { return binary.LittleEndian.Uint64(p.element(i)[8:]) }

// childOf returns the element of a branch that leads to key.
func (p *page) childOf(key []byte) int {
	low, high := 1, int(p.count)
	for low < high {
		middle := int(uint(low+high) / 2)
		if bytes.Compare(p.key(middle), key) <= 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low - 1
}

// search returns the first element whose key is not below key, and whether it is key.
func (p *page) search(key []byte) (i int, found bool) {
	low, high := 0, int(p.count)
	for low < high {
		middle := int(uint(low+high) / 2)
		if bytes.Compare(p.key(middle), key) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < int(p.count) && bytes.Equal(p.key(low), key)
}

// place is a place in a tree: the pages from the root down to a leaf, with the element of
// each, or none if it is beyond the last row. It must not be copied.
type place struct {
	tree  *tree
	steps []step
	room  [4]step
	err   error // why it stopped
}

type step struct {
	page page
	at   int32
}

func (p *place) start(at int32) {
	if p.steps == nil {
		p.steps = p.room[:0]
	}
	p.err = nil
	p.steps = append(p.steps[:0], step{p.tree.root, at})
}

// down goes to the child that the last step is at, and to its element at. It reports
// whether it could.
func (p *place) down(at int32) bool {
	above := len(p.steps)
	last := &p.steps[above-1]
	child := last.page.child(int(last.at))
	p.steps = append(p.steps, step{at: at})
	next := &p.steps[above].page
	err := p.tree.load(child, next)
	if err == nil && p.tree.unverified != nil {
		err = p.tree.unverified.verify(p.tree, p.steps[:above], child, next)
	}
	if err == nil && above == maxDepth {
		err = tooDeep(child)
	}
	if err != nil {
		p.steps, p.err = p.steps[:0], err
		return false
	}
	return true
}

// find goes to the first element of a leaf whose key is not below key, which may be
// behind its last one. It reports whether it is key.
func (p *place) find(key []byte) bool {
	for p.start(0); ; {
		last := &p.steps[len(p.steps)-1]
		if !last.page.branch {
			i, found := last.page.search(key)
			last.at = int32(i)
			return found
		}
		last.at = int32(last.page.childOf(key))
		if !p.down(0) {
			return false
		}
	}
}

// move goes on by one row, in the direction by, which is 1 or -1.
func (p *place) move(by int32) {
	for len(p.steps) > 0 {
		last := &p.steps[len(p.steps)-1]
		last.at += by
		switch {
		case last.at < 0 || last.at >= last.page.count:
			p.steps = p.steps[:len(p.steps)-1]
		case !last.page.branch:
			return
		case !p.down(-1):
			return
		case by < 0:
			last = &p.steps[len(p.steps)-1]
			last.at = last.page.count
		}
	}
}

func (p *place) first() {
	p.start(-1)
	p.move(1)
}

func (p *place) last() {
	p.start(p.tree.root.count)
	p.move(-1)
}

// seek goes to the first row whose key is not below key.
func (p *place) seek(key []byte) {
	p.find(key)
	if len(p.steps) == 0 {
		return
	}
	if last := &p.steps[len(p.steps)-1]; last.at == last.page.count {
		p.move(1)
	}
}

// seekBelow goes to the last row whose key is below key.
func (p *place) seekBelow(key []byte) {
	p.find(key)
	p.move(-1)
}

// row returns the row of the place, or nil where there is none.
func (p *place) row() (key, value []byte) {
	if len(p.steps) == 0 {
		return nil, nil
	}
	last := &p.steps[len(p.steps)-1]
	return last.page.row(int(last.at))
}
