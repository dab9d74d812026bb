//go:build js

package opfs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
)

// A record of a log has, in big-endian order, the number of the commit in 8 bytes, the length of its batch
// in 4, and the CRC-32C of both in 4; and then the batch, which ends with a checksum of its own.
const headerBytes = 8 + 4 + 4

func appendRecord(dst []byte, c journal.Commit) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, c.Seq)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(c.Batch)))
	dst = binary.BigEndian.AppendUint32(dst, journal.Checksum(dst[start:]))
	return append(dst, c.Batch...)
}

// log is a file of records.
type log struct {
	file *file
	// first is the number of the first commit, and next of the one that is to come.
	first, next uint64
	// end is where the next record goes.
	end int64
	// at and offset are a place where a record begins, of a commit at.
	at     uint64
	offset int64
}

// header reads the header of a record. Whole is false if it is cut short or damaged.
func (l *log) header(offset int64) (seq uint64, length int64, whole bool, err error) {
	if l.file.size-offset < headerBytes {
		return 0, 0, false, nil
	}
	b := make([]byte, headerBytes)
	if _, err := l.file.ReadAt(b, offset); err != nil {
		return 0, 0, false, err
	}
	if binary.BigEndian.Uint32(b[12:]) != journal.Checksum(b[:12]) {
		return 0, 0, false, nil
	}
	return binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint32(b[8:])), true, nil
}

// check finds the end of a log. At the end of the last one there may be a record that was being written when
// the program ended: cut says so.
func (l *log) check(last bool) (cut bool, err error) {
	l.at, l.next = l.first, l.first
	for l.end < l.file.size {
		seq, length, whole, err := l.header(l.end)
		if err != nil {
			return false, err
		}
		end := l.end + headerBytes + length
		whole = whole && seq == l.next
		if whole && end == l.file.size { // others have been checked when this one was written, or will be
			if whole, err = l.isSound(l.end+headerBytes, length); err != nil {
				return false, err
			}
			if !whole && last {
				return true, nil
			}
		}
		if whole && end <= l.file.size {
			l.end = end
			l.next++
			continue
		}
		if last && !whole {
			if cut, err = l.isUnwritten(l.end); err != nil {
				return false, err
			}
		}
		if last && (cut || whole) {
			return true, nil
		}
		return false, fmt.Errorf("%w: commit %d in %s", engine.ErrCorrupt, l.next, l.file.name)
	}
	return false, nil
}

// isSound reports whether a batch ends with its checksum.
func (l *log) isSound(offset, length int64) (bool, error) {
	b := make([]byte, length)
	if _, err := l.file.ReadAt(b, offset); err != nil {
		return false, err
	}
	end := len(b) - 4
	return end >= 0 && binary.BigEndian.Uint32(b[end:]) == journal.Checksum(b[:end]), nil
}

// isUnwritten reports whether there is less than a header at a place, and behind that zeros alone, which a file
// may get where the power fails.
func (l *log) isUnwritten(offset int64) (bool, error) {
	if l.file.size-offset < headerBytes {
		return true, nil
	}
	b := make([]byte, 1<<16)
	for offset += headerBytes - 1; offset < l.file.size; {
		part := b[:min(int64(len(b)), l.file.size-offset)]
		if _, err := l.file.ReadAt(part, offset); err != nil {
			return false, err
		}
		if len(bytes.TrimLeft(part, "\x00")) > 0 {
			return false, nil
		}
		offset += int64(len(part))
	}
	return true, nil
}

// read adds commits behind a number, at most so many.
func (l *log) read(after uint64, most int, commits []journal.Commit) ([]journal.Commit, error) {
	if l.at > after+1 {
		l.at, l.offset = l.first, 0
	}
	for l.at < l.next && most > 0 {
		seq, length, whole, err := l.header(l.offset)
		if err != nil {
			return nil, err
		}
		if !whole || seq != l.at || length > l.end-l.offset-headerBytes {
			return nil, fmt.Errorf("%w: commit %d in %s", engine.ErrCorrupt, l.at, l.file.name)
		}
		if seq > after {
			batch := make([]byte, length)
			if _, err := l.file.ReadAt(batch, l.offset+headerBytes); err != nil {
				return nil, err
			}
			commits = append(commits, journal.Commit{Seq: seq, Batch: batch})
			most--
		}
		l.at++
		l.offset += headerBytes + length
	}
	return commits, nil
}

// checkpoint is a file of values, each with its length before it in four bytes, in big-endian order. Values
// are read in their order.
type checkpoint struct {
	file *file
	// at is the number of the value that begins at offset.
	at     uint64
	offset int64
}

const lengthBytes = 4

// add adds a value.
func (c *checkpoint) add(value []byte) error {
	record := binary.BigEndian.AppendUint32(nil, uint32(len(value)))
	return c.file.write(append(record, value...), c.file.size)
}

// read returns values from a number on.
func (c *checkpoint) read(from uint64, most int) (values [][]byte, err error) {
	if c.at > from {
		c.at, c.offset = 0, 0
	}
	for len(values) < most && c.offset < c.file.size {
		b := make([]byte, lengthBytes)
		if _, err := c.file.ReadAt(b, c.offset); err != nil {
			return nil, c.short(err)
		}
		length := int64(binary.BigEndian.Uint32(b))
		if length > c.file.size-c.offset-lengthBytes {
			return nil, c.short(io.ErrUnexpectedEOF)
		}
		if c.at >= from {
			value := make([]byte, length)
			if _, err := c.file.ReadAt(value, c.offset+lengthBytes); err != nil {
				return nil, c.short(err)
			}
			values = append(values, value)
		}
		c.at++
		c.offset += lengthBytes + length
	}
	return values, nil
}

func (c *checkpoint) short(err error) error {
	return fmt.Errorf("%w: %s is cut short in value %d: %w", engine.ErrCorrupt, c.file.name, c.at, err)
}
