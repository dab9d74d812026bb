package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var _ engine.Checker = (*db)(nil)

// Check goes over all pages of the file as of one commit: each has to be in the
// tree once, or free; and keys have to be in order, everywhere. bbolt's own check
// does the same, but trusts what pages say of themselves.
//
// It reads the file rather than the mapping, of which a page that the disk does not
// deliver would end the process.
func (d *db) Check(ctx context.Context) error {
	txn, err := d.View(ctx)
	if err != nil {
		return err
	}
	defer func() { txn.Discard() }()
	for {
		t := txn.(*readTxn)
		c := d.checker(ctx)
		m, err := c.meta(uint64(t.tx.ID()))
		if err != nil {
			return t.corrupt(err)
		}
		if m != nil {
			if err := c.check(m); err != nil && ctx.Err() == nil {
				return t.corrupt(err)
			}
			return ctx.Err()
		}
		// Two commits have been made since the transaction began, and written over
		// what it began with.
		txn.Discard()
		if txn, err = d.View(ctx); err != nil {
			return err
		}
	}
}

// checkFreelist refuses a file whose list of free pages makes no sense by itself.
// bbolt reads the list on opening to write, trusts the count, and ends the process
// where there is not as much memory.
func checkFreelist(path string, options Options) (err error) {
	options.ReadOnly = true
	d, err := openFile(path, 0, options)
	if errors.Is(err, engine.ErrMissing) { // a file without the bucket has next to nothing
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.release()) }()
	txn, err := d.View(context.Background())
	if err != nil {
		return err
	}
	defer txn.Discard()
	c := d.checker(context.Background())
	m, err := c.meta(uint64(txn.(*readTxn).tx.ID()))
	if err == nil && m != nil { // nobody writes meanwhile
		if err = c.begin(m); err == nil {
			err = c.freelist(m.freelist)
		}
	}
	return err
}

// The file as bbolt v1.5.0 writes it, little-endian: see its internal/common. A
// page has a head of 16 bytes (number, flags, count of elements, pages that
// follow), then 16 bytes for each element, then what these point to.
const (
	pageHead    = 16
	elementSize = 16

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	// bucketHead is what the value of a bucket begins with: its root page and its
	// sequence. A bucket whose root is 0 has its page right behind that.
	bucketHead = 16
	bucketFlag = 0x01

	metaSize  = 64
	metaMagic = 0xED0CDAED
	// firstPage comes after the two meta pages.
	firstPage = 2
	// manyFree in place of a count says that it is the first of the list.
	manyFree = 0xFFFF
	// noFreelist is the number of a free list that is not kept in the file.
	noFreelist = 1<<64 - 1

	// maxDepth is far more than a tree can have.
	maxDepth = 64
)

type checker struct {
	ctx      context.Context
	file     *os.File
	pageSize int64
	pages    uint64
	// seen has a bit for each page.
	seen []uint64
	// levels are the readers of the pages from the root down.
	levels []*level
}

func (d *db) checker(ctx context.Context) *checker {
	return &checker{ctx: ctx, file: d.file, pageSize: int64(d.bolt.Info().PageSize)}
}

// metaPage is where the file is as of a commit.
type metaPage struct{ root, freelist, pages uint64 }

// meta returns the meta page of a commit, or nil if there is none any more.
func (c *checker) meta(commit uint64) (*metaPage, error) {
	for page := range int64(firstPage) {
		var b [metaSize]byte
		if _, err := c.file.ReadAt(b[:], page*c.pageSize+pageHead); err != nil {
			return nil, damaged(err)
		}
		sum := fnv.New64a()
		sum.Write(b[:56])
		if binary.LittleEndian.Uint32(b[:]) == metaMagic && binary.LittleEndian.Uint64(b[48:]) == commit && binary.LittleEndian.Uint64(b[56:]) == sum.Sum64() {
			return &metaPage{binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[32:]), binary.LittleEndian.Uint64(b[40:])}, nil
		}
	}
	return nil, nil
}

func (c *checker) check(m *metaPage) error {
	if err := c.begin(m); err != nil {
		return err
	}
	if err := c.tree(m.root, 0, nil, nil); err != nil {
		return err
	}
	if err := c.freelist(m.freelist); err != nil || m.freelist == noFreelist {
		return err
	}
	for page := uint64(firstPage); page < c.pages; page++ {
		if c.seen[page/64]&(1<<(page%64)) == 0 {
			return fmt.Errorf("%w: page %d is neither used nor free", engine.ErrCorrupt, page)
		}
	}
	return nil
}

// begin makes room to note pages.
func (c *checker) begin(m *metaPage) error {
	info, err := c.file.Stat()
	if err != nil {
		return err
	}
	if c.pages = m.pages; c.pages < firstPage || c.pages > uint64(info.Size()/c.pageSize) {
		return fmt.Errorf("%w: the file of %d bytes has %d pages", engine.ErrCorrupt, info.Size(), c.pages)
	}
	c.seen = make([]uint64, c.pages/64+1)
	return nil
}

// see notes that a page is used, or free, which it can be once.
func (c *checker) see(page uint64, as string) error {
	if page < firstPage || page >= c.pages {
		return fmt.Errorf("%w: page %d, %s, is not in the file of %d", engine.ErrCorrupt, page, as, c.pages)
	}
	bit := uint64(1) << (page % 64)
	if c.seen[page/64]&bit != 0 {
		return fmt.Errorf("%w: page %d, %s, is so already, or something else", engine.ErrCorrupt, page, as)
	}
	c.seen[page/64] |= bit
	return nil
}

// open reads the head of a page and notes it and those that follow it.
func (c *checker) open(page uint64, as string, depth int) (*level, error) {
	if err := c.see(page, as); err != nil {
		return nil, err
	}
	for depth >= len(c.levels) {
		c.levels = append(c.levels, &level{})
	}
	l := c.levels[depth]
	l.begin(io.NewSectionReader(c.file, int64(page)*c.pageSize, c.pageSize), c.pageSize)
	head, err := l.elements.at(0, pageHead)
	if err != nil {
		return nil, err
	}
	if number := binary.LittleEndian.Uint64(head); number != page {
		return nil, fmt.Errorf("%w: page %d says that it is page %d", engine.ErrCorrupt, page, number)
	}
	l.parse(head)
	following := uint64(binary.LittleEndian.Uint32(head[12:]))
	if following >= c.pages-page {
		return nil, fmt.Errorf("%w: page %d and %d more are not in the file of %d", engine.ErrCorrupt, page, following, c.pages)
	}
	for i := range following {
		if err := c.see(page+1+i, as); err != nil {
			return nil, err
		}
	}
	size := int64(following+1) * c.pageSize
	l.begin(io.NewSectionReader(c.file, int64(page)*c.pageSize, size), size)
	return l, nil
}

// tree checks what hangs from a page, whose keys are at least lower and below
// upper, where that is not nil.
func (c *checker) tree(page uint64, depth int, lower, upper []byte) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if depth == maxDepth {
		return fmt.Errorf("%w: page %d is %d levels down", engine.ErrCorrupt, page, depth)
	}
	l, err := c.open(page, "in use", depth)
	if err == nil {
		err = c.elements(l, depth, lower, upper)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", page, err)
	}
	return nil
}

// elements checks the elements of a page, and what hangs from them.
func (c *checker) elements(l *level, depth int, lower, upper []byte) error {
	if l.flags != branchPage && l.flags != leafPage {
		return fmt.Errorf("%w: flags are %#x", engine.ErrCorrupt, l.flags)
	}
	if l.flags == branchPage && l.count == 0 {
		return fmt.Errorf("%w: it leads nowhere", engine.ErrCorrupt)
	}
	var child branch // the last one, of which the next key is the upper bound
	for i := range l.count {
		e, err := l.element(i)
		if err != nil {
			return err
		}
		key, err := l.key(e)
		if err != nil {
			return err
		}
		if order := bytes.Compare(key, lower); order < 0 || order == 0 && i > 0 || upper != nil && bytes.Compare(key, upper) >= 0 {
			return fmt.Errorf("%w: key %d, %.32x, is out of order", engine.ErrCorrupt, i, key)
		}
		lower = bytes.Clone(key)
		if l.flags == branchPage {
			if i > 0 {
				if err := c.tree(child.page, depth+1, child.key, lower); err != nil {
					return err
				}
			}
			child = branch{lower, e.page}
			continue
		}
		if e.flags&bucketFlag != 0 {
			err = c.bucket(l, e, depth)
		} else {
			err = l.within(e.value, e.valueSize)
		}
		if err != nil {
			return fmt.Errorf("value %d: %w", i, err)
		}
	}
	if l.flags == branchPage {
		return c.tree(child.page, depth+1, child.key, upper)
	}
	return nil
}

type branch struct {
	key  []byte
	page uint64
}

// bucket checks what is in a bucket.
func (c *checker) bucket(l *level, e element, depth int) error {
	head, err := l.keys.at(e.value, bucketHead)
	if err != nil || e.valueSize < bucketHead {
		return fmt.Errorf("%w: a bucket of %d bytes", engine.ErrCorrupt, e.valueSize)
	}
	if root := binary.LittleEndian.Uint64(head); root != 0 {
		return c.tree(root, depth+1, nil, nil)
	}
	inline := &level{}
	size := e.valueSize - bucketHead
	inline.begin(io.NewSectionReader(l.keys.file, e.value+bucketHead, size), size)
	if head, err = inline.elements.at(0, pageHead); err != nil {
		return err
	}
	inline.parse(head)
	return c.elements(inline, depth, nil, nil)
}

func (c *checker) freelist(page uint64) error {
	if page == noFreelist {
		return nil
	}
	l, err := c.open(page, "the free list", 0)
	if err != nil {
		return err
	}
	if l.flags != freelistPage {
		return fmt.Errorf("%w: the free list is a page with flags %#x", engine.ErrCorrupt, l.flags)
	}
	first, count := int64(0), uint64(l.count)
	if count == manyFree {
		number, err := l.keys.at(pageHead, 8)
		if err != nil {
			return err
		}
		first, count = 1, binary.LittleEndian.Uint64(number)
	}
	if count > c.pages {
		return fmt.Errorf("%w: of %d pages %d are free", engine.ErrCorrupt, c.pages, count)
	}
	for i := range int64(count) {
		number, err := l.keys.at(pageHead+8*(first+i), 8)
		if err != nil {
			return err
		}
		if err := c.see(binary.LittleEndian.Uint64(number), "free"); err != nil {
			return err
		}
	}
	return nil
}
