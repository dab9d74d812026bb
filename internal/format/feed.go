package format

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// FeedPart is how many bytes of a feed one entry holds at most. Badger keeps larger values in files
// of their own.
const FeedPart = 64 << 10

// LastCommit returns the stored key and value that say that no commit has a number above number.
func LastCommit(number uint64) (key, value []byte) { return numberAt(LastCommitKey(), number) }

// LastCommitKey is LastCommit without the value.
func LastCommitKey() []byte { return Commits.Append(nil) }

// FeedFloor returns the stored key and value that say that a feed has no changes up to the commit
// with the number. Tree is the space of the tree's rows, as keys begin with it.
func FeedFloor(tree []byte, number uint64) (key, value []byte) {
	return numberAt(FeedFloorKey(tree), number)
}

// FeedFloorKey is FeedFloor without the value.
func FeedFloorKey(tree []byte) []byte { return append(append(Commits.Append(nil), 0), tree...) }

func numberAt(key []byte, number uint64) (_, value []byte) {
	return key, AppendChecksum(binary.BigEndian.AppendUint64(nil, number), key)
}

// ParseNumber reads the value of a key of LastCommit or FeedFloor.
func ParseNumber(key, stored []byte) (uint64, error) { return ParseCounter(key, stored) }

// FeedPrefix returns what the keys of the entries of a tree's feed begin with.
func FeedPrefix(tree []byte) []byte { return append(append(Commits.Append(nil), 1), tree...) }

// FeedKey returns the key of a part of a commit in the feed whose keys begin with prefix.
func FeedKey(prefix []byte, number uint64, part uint16) []byte {
	key := append(make([]byte, 0, len(prefix)+feedKeySize), prefix...)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(key, number), part)
}

// feedKeySize is how many bytes a key of a feed has behind its prefix.
const feedKeySize = 8 + 2

// CutFeedKey takes a key of the feed whose keys begin with prefix apart.
func CutFeedKey(prefix, key []byte) (number uint64, part uint16, err error) {
	if len(key) != len(prefix)+feedKeySize {
		return 0, 0, fmt.Errorf("%w: the key %x in a feed", engine.ErrCorrupt, key)
	}
	rest := key[len(prefix):]
	return binary.BigEndian.Uint64(rest), binary.BigEndian.Uint16(rest[8:]), nil
}

// FeedEntries makes the entries of a commit in a feed, part after part, of the head and the changes that
// are given to it. It copies what it is given once.
type FeedEntries struct {
	// prefix is what the keys of the feed begin with, and number that of the commit.
	prefix []byte
	number uint64
	// left is how many bytes are still to come.
	left  int
	part  int
	value []byte
	put   func(key, value []byte) error
	err   error
}

// MaxFeedParts is how many parts a commit in a feed can have.
const MaxFeedParts = 1 << 16

// NewFeedEntries gives the entries to put. The changes have as many bytes as h says, and at most
// MaxFeedParts parts.
func NewFeedEntries(prefix []byte, number uint64, h FeedHead, put func(key, value []byte) error) *FeedEntries {
	head := AppendFeedHead(nil, h)
	w := &FeedEntries{prefix: prefix, number: number, left: len(head) + int(h.Bytes), put: put}
	w.write(head)
	return w
}

// Add adds a change. After the last one it returns the first error of put.
func (w *FeedEntries) Add(c FeedChange) error {
	var room [1 + binary.MaxVarintLen64]byte
	w.write(binary.AppendUvarint(append(room[:0], c.kind()), uint64(len(c.Key))))
	w.write(c.Key)
	for _, row := range [][]byte{c.Old, c.New} {
		if row != nil {
			w.write(binary.AppendUvarint(room[:0], uint64(len(row))))
			w.write(row)
		}
	}
	return w.err
}

func (w *FeedEntries) write(piece []byte) {
	for len(piece) > 0 && w.err == nil {
		if w.value == nil {
			w.value = append(make([]byte, 0, 1+min(w.left, FeedPart)+ChecksumSize), 0)
		}
		n := min(len(piece), 1+FeedPart-len(w.value))
		w.value = append(w.value, piece[:n]...)
		piece = piece[n:]
		if w.left -= n; w.left > 0 && len(w.value) <= FeedPart {
			continue
		}
		if w.left > 0 {
			w.value[0] = 1
		}
		key := FeedKey(w.prefix, w.number, uint16(w.part))
		w.err = w.put(key, AppendChecksum(w.value, key))
		w.value = nil
		w.part++
	}
}

// ParseFeedEntry reads what FeedEntry has made.
func ParseFeedEntry(key, stored []byte) (piece []byte, more bool, err error) {
	value, err := CutChecksum(key, stored)
	if err == nil && (len(value) == 0 || value[0] > 1) {
		err = fmt.Errorf("%w: an entry of a feed of %d bytes", engine.ErrCorrupt, len(value))
	}
	if err != nil {
		return nil, false, err
	}
	return value[1:], value[0] == 1, nil
}

// FeedHead is what the parts of a commit begin with.
type FeedHead struct {
	// Time is that of the commit, in nanoseconds since 1970.
	Time int64
	// ChangesBefore and BytesBefore count what the feed has had before the commit, and Changes and
	// Bytes what the commit has.
	ChangesBefore, BytesBefore, Changes, Bytes uint64
}

// feedVersion is the version of what the parts of a commit are together.
const feedVersion = 1

// AppendFeedHead appends a head.
func AppendFeedHead(dst []byte, h FeedHead) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, feedVersion), uint64(h.Time))
	for _, n := range []uint64{h.ChangesBefore, h.BytesBefore, h.Changes, h.Bytes} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

// CutFeedHead reads the head in front of the parts of a commit and returns what follows it.
func CutFeedHead(parts []byte) (h FeedHead, rest []byte, err error) {
	if len(parts) < 9 {
		return h, nil, fmt.Errorf("%w: a commit of %d bytes in a feed", engine.ErrCorrupt, len(parts))
	}
	if parts[0] != feedVersion {
		return h, nil, fmt.Errorf("%w: a commit in a feed has version %d", ErrVersion, parts[0])
	}
	h.Time = int64(binary.BigEndian.Uint64(parts[1:]))
	rest = parts[9:]
	for _, n := range []*uint64{&h.ChangesBefore, &h.BytesBefore, &h.Changes, &h.Bytes} {
		if *n, rest, err = cutUvarint(rest); err != nil {
			return h, nil, err
		}
	}
	return h, rest, nil
}

// FeedChange is a change in a feed. Old and New are stored rows, or nil.
type FeedChange struct {
	Key, Old, New []byte
	Origin        uint8
}

// The bits of the kind of a change. The origin lies above them.
const (
	feedOld = 1 << iota
	feedNew
	feedOrigin = iota
	maxOrigin  = 7
)

func (c *FeedChange) kind() byte {
	kind := c.Origin << feedOrigin
	if c.Old != nil {
		kind |= feedOld
	}
	if c.New != nil {
		kind |= feedNew
	}
	return kind
}

// Size returns how many bytes the change has in a feed.
func (c *FeedChange) Size() int {
	size := 1 + sizedLen(c.Key)
	for _, row := range [][]byte{c.Old, c.New} {
		if row != nil {
			size += sizedLen(row)
		}
	}
	return size
}

func sizedLen(b []byte) int { return (bits.Len64(uint64(len(b))|1)+6)/7 + len(b) }

// CutFeedChange reads the first change and returns what follows it. The change shares the memory.
func CutFeedChange(changes []byte) (c FeedChange, rest []byte, err error) {
	if len(changes) == 0 || changes[0]>>feedOrigin > maxOrigin {
		return c, nil, fmt.Errorf("%w: a change in a feed", engine.ErrCorrupt)
	}
	kind := changes[0]
	c.Origin = kind >> feedOrigin
	c.Key, rest, err = cutSized(changes[1:])
	if err == nil && kind&feedOld != 0 {
		c.Old, rest, err = cutSized(rest)
	}
	if err == nil && kind&feedNew != 0 {
		c.New, rest, err = cutSized(rest)
	}
	return c, rest, err
}

func cutUvarint(from []byte) (n uint64, rest []byte, err error) {
	n, size := binary.Uvarint(from)
	if size <= 0 {
		return 0, nil, fmt.Errorf("%w: a number in a feed", engine.ErrCorrupt)
	}
	return n, from[size:], nil
}

func cutSized(from []byte) (piece, rest []byte, err error) {
	piece, rest, ok := CutSized(from)
	if !ok {
		return nil, nil, fmt.Errorf("%w: bytes in a feed are cut short", engine.ErrCorrupt)
	}
	return piece, rest, nil
}
