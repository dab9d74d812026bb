package bolt

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var _ engine.Verifier = (*db)(nil)

// Verify goes over all pages of the file as of one commit: each has to be in the
// tree once, or free; and keys have to be in order, everywhere. bbolt's own check
// does the same, but trusts what pages say of themselves.
//
// It reads the file rather than the mapping: a page of the mapping that the disk does
// not deliver would end the process.
func (d *db) Verify(ctx context.Context) error {
	txn, err := d.View(ctx)
	if err != nil {
		return err
	}
	defer func() { txn.Discard() }()
	for {
		t := txn.(*readTxn)
		c := d.checker(ctx)
		commits, err := c.commits()
		if err != nil {
			return t.corrupt(err)
		}
		for _, m := range commits {
			if m.number != uint64(t.tx.ID()) {
				continue
			}
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

// verify checks a file before bbolt does more than look at its beginning. For a file
// that is only read, it checks that the pages above the leaves make a tree: reads would
// come to the same rows again and again where they lead in a circle. For a file that is
// written to, it checks everything, because bbolt trusts it all. It follows pages that lead
// in a circle until the process ends, keys out of order make a circle in the end, and pages
// that are both free and in use are written over. bbolt also believes the length of the
// list of free pages, and the process ends if that takes more memory than there is.
//
// If the file was closed only the list of free pages is checked, and the rest later: see
// unverified. Otherwise verify returns the number of the commit that it has checked.
func verify(ctx context.Context, path string, options Options) (checked uint64, err error) {
	d := &db{path: path, options: options}
	d.options.ReadOnly = true
	if err := d.openBolt(0); err != nil {
		if d.file != nil { // bbolt has closed it, unless it panicked
			d.file.Close()
		}
		return 0, err
	}
	defer func() { err = errors.Join(err, d.bolt.Close()) }()
	c := d.checker(ctx)
	last, err := c.last()
	if err != nil {
		return 0, err
	}
	if options.SkipVerify && (options.ReadOnly || last.freelist != noFreelist) {
		return 0, nil
	}
	if !options.ReadOnly {
		noted, err := d.closedAt(last)
		if err != nil {
			return 0, err
		}
		if noted != nil {
			_, err := newUnverified(c, last, *noted)
			return 0, err
		}
	}
	c.branchesOnly = options.ReadOnly
	return last.number, c.check(last)
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
	// noFreelist is the number of a free list that is not in the file: pages that are
	// not used are free.
	noFreelist = 1<<64 - 1

	// maxDepth is far more than a tree can have.
	maxDepth = 64
)

type checker struct {
	ctx      context.Context
	file     *os.File
	pageSize int64
	// branchesOnly leaves out pages of leaves, and the list of free pages.
	branchesOnly bool

	pages uint64
	// seen has a bit for each page.
	seen []uint64
	// levels are the readers of the pages from the root down.
	levels []*level
}

func (d *db) checker(ctx context.Context) *checker {
	return &checker{ctx: ctx, file: d.file, pageSize: int64(d.bolt.Info().PageSize)}
}

// commit is where the file is as of one.
type commit struct{ number, root, freelist, pages uint64 }

// commits returns the last two, or one, in no order.
func (c *checker) commits() (found []commit, err error) {
	for page := range int64(firstPage) {
		var b [metaSize]byte
		if _, err := c.file.ReadAt(b[:], page*c.pageSize+pageHead); err != nil {
			return nil, damaged(err)
		}
		sum := fnv.New64a()
		sum.Write(b[:56])
		word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
		if uint32(word(0)) == metaMagic && word(7) == sum.Sum64() {
			found = append(found, commit{word(6), word(2), word(4), word(5)})
		}
	}
	return found, nil
}

// last returns the last commit.
func (c *checker) last() (last commit, err error) {
	found, err := c.commits()
	if err != nil {
		return commit{}, err
	}
	if len(found) == 0 { // bbolt would not have opened it
		return commit{}, fmt.Errorf("%w: neither of the first two pages is whole", engine.ErrCorrupt)
	}
	return slices.MaxFunc(found, func(a, b commit) int { return cmp.Compare(a.number, b.number) }), nil
}

func (c *checker) check(m commit) error {
	if err := c.begin(m); err != nil {
		return err
	}
	if err := c.tree(m.root, 0, maxDepth+1, nil, nil); err != nil {
		return err
	}
	if c.branchesOnly || m.freelist == noFreelist {
		return nil
	}
	if err := c.freelist(m.freelist); err != nil {
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
func (c *checker) begin(m commit) error {
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

// see notes that a page is in the tree or in the free list. A page is in one of them, once.
func (c *checker) see(page uint64, as string) error {
	if page < firstPage || page >= c.pages {
		return fmt.Errorf("%w: page %d, %s, is not in the file of %d", engine.ErrCorrupt, page, as, c.pages)
	}
	bit := uint64(1) << (page % 64)
	if c.seen[page/64]&bit != 0 {
		return fmt.Errorf("%w: page %d, %s, occurs more than once in the tree and the free list", engine.ErrCorrupt, page, as)
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
	l.begin(c.file, int64(page)*c.pageSize, c.pageSize)
	number, following, err := l.head()
	if err != nil {
		return nil, err
	}
	if number != page {
		return nil, fmt.Errorf("%w: page %d says that it is page %d", engine.ErrCorrupt, page, number)
	}
	if uint64(following) >= c.pages-page {
		return nil, fmt.Errorf("%w: page %d and %d more are not in the file of %d",
			engine.ErrCorrupt, page, following, c.pages)
	}
	for i := range uint64(following) {
		if err := c.see(page+1+i, as); err != nil {
			return nil, err
		}
	}
	l.size += int64(following) * c.pageSize
	return l, nil
}

// tree checks what hangs from a page, whose first key is lower and whose others are
// below upper, where these are not nil. Pages at the depth of leaves are not read.
func (c *checker) tree(page uint64, depth, leaves int, lower, upper []byte) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if depth == leaves {
		return c.see(page, "in use")
	}
	if depth == maxDepth {
		return fmt.Errorf("%w: page %d is %d levels down", engine.ErrCorrupt, page, depth)
	}
	l, err := c.open(page, "in use", depth)
	if err == nil {
		err = c.elements(l, depth, leaves, lower, upper)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", page, err)
	}
	return nil
}

// elements checks the elements of a page, and what hangs from them.
func (c *checker) elements(l *level, depth, leaves int, lower, upper []byte) error {
	if l.flags != branchPage && l.flags != leafPage {
		return fmt.Errorf("%w: flags are %#x", engine.ErrCorrupt, l.flags)
	}
	if l.flags == branchPage && l.count == 0 {
		return fmt.Errorf("%w: it leads nowhere", engine.ErrCorrupt)
	}
	if l.count == 0 && lower != nil {
		return fmt.Errorf("%w: it is empty", engine.ErrCorrupt)
	}
	var child uint64 // the last one, of which the next key is the upper bound
	next := pageHead + elementSize*int64(l.count)
	for i := range l.count {
		e, err := l.element(i)
		if err != nil {
			return err
		}
		if e.key != next && !c.branchesOnly {
			return misplaced(int(i), uint64(e.key), uint64(next))
		}
		next = e.value + e.valueSize
		key, err := l.key(e)
		if err != nil {
			return err
		}
		if err := ordered(int(i), key, lower, upper); err != nil {
			return err
		}
		switch {
		case l.flags == branchPage:
			if i > 0 {
				err = c.tree(child, depth+1, leaves, lower, key)
			}
			child = e.page
		case e.flags&bucketFlag != 0:
			err = c.bucket(l, e, depth)
		default:
			err = l.within(e.value, e.valueSize)
		}
		if err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
		lower = key
	}
	if l.flags == branchPage {
		return c.tree(child, depth+1, leaves, lower, upper)
	}
	return nil
}

// ordered returns an error unless the keys of a page are in order, each below upper. For
// the first one lower is the key by which the page is known above, which it has to be:
// bbolt finds the page by it when it writes, and leaves the old one in the tree if it does
// not. For the others lower is the one before.
func ordered(i int, key, lower, upper []byte) error {
	order := bytes.Compare(key, lower)
	if i > 0 && order <= 0 || i == 0 && lower != nil && order != 0 ||
		upper != nil && bytes.Compare(key, upper) >= 0 {
		return fmt.Errorf("%w: key %d, %.32x, is out of order", engine.ErrCorrupt, i, key)
	}
	return nil
}

// misplaced is the error for an element that does not lie right behind the one before, or
// behind all heads of elements. So it shows as well if the count of elements is wrong.
func misplaced(i int, at, expected uint64) error {
	return fmt.Errorf("%w: element %d is at %d and not at %d", engine.ErrCorrupt, i, at, expected)
}

// bucket checks what is in a bucket.
func (c *checker) bucket(l *level, e element, depth int) error {
	head, err := l.at(e.value, bucketHead)
	if err != nil || e.valueSize < bucketHead {
		return fmt.Errorf("%w: a bucket of %d bytes", engine.ErrCorrupt, e.valueSize)
	}
	if root := binary.LittleEndian.Uint64(head); root != 0 {
		leaves := maxDepth + 1
		if c.branchesOnly {
			if leaves, err = c.leaves(root, depth+1); err != nil {
				return err
			}
		}
		return c.tree(root, depth+1, leaves, nil, nil)
	}
	inline := &level{}
	inline.begin(c.file, l.base+e.value+bucketHead, e.valueSize-bucketHead)
	if _, _, err := inline.head(); err != nil {
		return err
	}
	return c.elements(inline, depth, maxDepth+1, nil, nil)
}

// leaves returns how deep down the leaves are of the tree from a root: they are so
// everywhere.
func (c *checker) leaves(root uint64, depth int) (int, error) {
	for page := root; depth < maxDepth; depth++ {
		if page < firstPage || page >= c.pages {
			return 0, fmt.Errorf("%w: page %d is not in the file of %d", engine.ErrCorrupt, page, c.pages)
		}
		var b [pageHead + elementSize]byte
		if _, err := c.file.ReadAt(b[:], int64(page)*c.pageSize); err != nil {
			return 0, damaged(err)
		}
		if binary.LittleEndian.Uint16(b[8:]) != branchPage {
			break
		}
		page = binary.LittleEndian.Uint64(b[pageHead+8:])
	}
	return depth, nil
}

func (c *checker) freelist(page uint64) error {
	l, err := c.open(page, "the free list", 0)
	if err != nil {
		return err
	}
	if l.flags != freelistPage {
		return fmt.Errorf("%w: the free list is a page with flags %#x", engine.ErrCorrupt, l.flags)
	}
	first, count := int64(0), uint64(l.count)
	if count == manyFree {
		number, err := l.at(pageHead, 8)
		if err != nil {
			return err
		}
		first, count = 1, binary.LittleEndian.Uint64(number)
	}
	if count > c.pages {
		return fmt.Errorf("%w: of %d pages %d are free", engine.ErrCorrupt, c.pages, count)
	}
	for i := range int64(count) {
		number, err := l.at(pageHead+8*(first+i), 8)
		if err != nil {
			return err
		}
		if err := c.see(binary.LittleEndian.Uint64(number), "free"); err != nil {
			return err
		}
	}
	return nil
}
