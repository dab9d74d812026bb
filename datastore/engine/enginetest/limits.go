package enginetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var limitTests = []test{
	{"LargeValues", testLargeValues},
	{"ReplacedLargeValues", testReplacedLargeValues},
	{"ConflictOfLargeValues", testConflictOfLargeValues},
	{"LargeTransaction", testLargeTransaction},
	{"LinearTransaction", testLinearTransaction},
	{"TooLargeTransaction", testTooLargeTransaction},
	{"LimitsLeast", testLimitsLeast},
	{"LimitsOfDeletes", testLimitsOfDeletes},
	{"DividedByRefusal", testDividedByRefusal},
}

// leastValue is the size of value that every engine takes with its default options.
const leastValue = 8 << 20

// largestValue returns the size of the largest value that the tests write.
func (s *store) largestValue() int {
	limit := s.db.Limits().ValueBytes
	switch {
	case testing.Short():
		return s.largeSize()
	case limit > 0:
		return min(limit, 2*leastValue)
	}
	return leastValue
}

// largeSize returns the size of a value that does not fit into one of an engine's own
// transactions, where it has these, but is quickly written.
func (s *store) largeSize() int {
	const size = 4 << 20
	if limit := s.db.Limits().ValueBytes; limit > 0 {
		return min(limit, size)
	}
	return size
}

func largeValue(size int) []byte {
	value := bytes.Repeat([]byte{byte(size)}, size)
	copy(value, fmt.Sprint(size))
	// No two parts of a value are the same.
	for i := 0; i+8 <= size; i += 4096 {
		binary.BigEndian.PutUint64(value[i:], uint64(i+size))
	}
	return value
}

func testLargeValues(s *store) {
	limit := s.db.Limits().ValueBytes
	if limit > 0 && limit <= leastValue {
		s.Errorf("values have up to %d bytes, want more than %d", limit, leastValue)
	}
	largest := s.largestValue()
	sizes := []int{
		1 << 10, 1 << 12, 1<<16 - 1, 1 << 16, 1<<16 + 1, 256 << 10, 1<<20 - 1, 1 << 20, 2 << 20, largest - 1, largest,
	}
	for _, size := range sizes {
		s.commit(func(txn engine.WriteTxn) { s.must(txn.Put(fmt.Appendf(nil, "%d", size), largeValue(size))) })
	}
	if limit == largest {
		s.commit(func(txn engine.WriteTxn) {
			refused := s.tooLarge("value", txn.Put([]byte("refused"), make([]byte, limit+1)))
			if refused.Size != int64(limit)+1 || refused.Limit != int64(limit) || refused.Unit != "bytes" {
				s.Errorf("got %+v", refused)
			}
			s.wantAbsent(txn, "refused")
			s.must(txn.Put([]byte("taken"), []byte("by the same transaction")))
		})
	}
	check := func() {
		txn := s.view()
		defer txn.Discard()
		for _, size := range sizes {
			s.wantLarge(txn, fmt.Sprint(size), size)
		}
		s.wantLargeRows(txn, sizes)
	}
	check()
	s.reopen()
	check()
}

func (s *store) wantLarge(txn engine.ReadTxn, key string, size int) {
	s.Helper()
	value, err := txn.Get([]byte(key))
	s.must(err)
	if !bytes.Equal(value, largeValue(size)) {
		s.Errorf("a value of %d bytes comes back as %d others", size, len(value))
	}
}

// wantLargeRows checks that cursors and scans read the values whole, in both directions.
func (s *store) wantLargeRows(txn engine.ReadTxn, sizes []int) {
	s.Helper()
	for _, reverse := range []bool{false, true} {
		read := 0
		c := txn.Cursor(engine.Range{Upper: []byte("a"), Reverse: reverse})
		for c.Next() {
			value, err := c.Value()
			s.must(err)
			if size, _ := strconv.Atoi(string(c.Key())); !bytes.Equal(value, largeValue(size)) {
				s.Errorf("a cursor reads %d bytes of %q", len(value), c.Key())
			}
			read++
		}
		s.must(c.Err())
		c.Close()
		if read != len(sizes) {
			s.Errorf("reverse %v: a cursor reads %d rows, want %d", reverse, read, len(sizes))
		}
	}
	scanner, ok := txn.(engine.Scanner)
	if !ok {
		return
	}
	var page engine.Page
	for _, reverse := range []bool{false, true} {
		r := engine.Range{Upper: []byte("a"), Reverse: reverse}
		read := 0
		for more := true; more; {
			var err error
			more, err = scanner.Scan(r, 2, &page)
			s.must(err)
			for _, row := range page.Rows {
				if size, _ := strconv.Atoi(string(row.Key)); !bytes.Equal(row.Value, largeValue(size)) {
					s.Errorf("a scan reads %d bytes of %q", len(row.Value), row.Key)
				}
				read++
				if reverse {
					r.Upper = bytes.Clone(row.Key)
				} else {
					r.Lower = append(bytes.Clone(row.Key), 0)
				}
			}
		}
		if read != len(sizes) {
			s.Errorf("reverse %v: scans read %d rows, want %d", reverse, read, len(sizes))
		}
	}
}

// testReplacedLargeValues replaces and deletes large values while snapshots read
// them.
func testReplacedLargeValues(s *store) {
	large := s.largeSize()
	put := func(key string, size int, d engine.Durability) {
		txn := s.update()
		s.must(txn.Put([]byte(key), largeValue(size)))
		s.must(txn.Commit(s.ctx, d))
	}
	put("small", large, engine.Relaxed)
	put("large", large-1, engine.Relaxed)
	put("deleted", large-2, engine.Durable)
	before := s.view()
	put("small", 1, engine.Relaxed)
	put("large", large-3, engine.Durable)
	s.commit(func(txn engine.WriteTxn) { s.must(txn.Delete([]byte("deleted"))) })
	s.must(s.db.Compact(s.ctx))

	s.wantLarge(before, "small", large)
	s.wantLarge(before, "large", large-1)
	s.wantLarge(before, "deleted", large-2)
	before.Discard()
	check := func() {
		after := s.view()
		defer after.Discard()
		s.wantLarge(after, "small", 1)
		s.wantLarge(after, "large", large-3)
		s.wantAbsent(after, "deleted")
	}
	check()
	s.reopen()
	check()

	// One transaction that reads, replaces, reads again and deletes.
	s.commit(func(txn engine.WriteTxn) {
		s.wantLarge(txn, "large", large-3)
		s.must(txn.Put([]byte("large"), largeValue(large)))
		s.wantLarge(txn, "large", large)
		s.must(txn.Put([]byte("small"), largeValue(large-4)))
		s.must(txn.Delete([]byte("small")))
		s.wantAbsent(txn, "small")
	})
	txn := s.view()
	defer txn.Discard()
	s.wantLarge(txn, "large", large)
	s.wantAbsent(txn, "small")
}

// testConflictOfLargeValues checks that a commit that conflicts, and a transaction that
// is discarded, leave the large values as they were.
func testConflictOfLargeValues(s *store) {
	large := s.largeSize()
	s.commit(func(txn engine.WriteTxn) { s.must(txn.Put([]byte("row"), largeValue(large))) })
	first := s.update()
	s.wantLarge(first, "row", large)
	s.must(first.Put([]byte("row"), largeValue(large-1)))
	ctx, cancel := context.WithTimeout(s.ctx, 20*time.Millisecond)
	defer cancel()
	second, err := s.db.Update(ctx)
	s.must(first.Commit(s.ctx, engine.Durable))
	large--
	if !errors.Is(err, context.DeadlineExceeded) { // which an engine with a single writer returns
		s.must(err)
		defer second.Discard()
		_, err = second.Get([]byte("row"))
		s.must(err)
		s.must(second.Put([]byte("row"), largeValue(large-1)))
		if err := second.Commit(s.ctx, engine.Durable); !errors.Is(err, engine.ErrConflict) {
			s.Fatalf("Commit returned %v, want ErrConflict", err)
		}
	}
	txn := s.update()
	s.must(txn.Put([]byte("row"), largeValue(10)))
	s.must(txn.Put([]byte("other"), largeValue(large)))
	txn.Discard()
	after := s.view()
	defer after.Discard()
	s.wantLarge(after, "row", large)
	s.wantAbsent(after, "other")
}

// testLargeTransaction fills a transaction up to its Limits.
func testLargeTransaction(s *store) {
	limits := s.db.Limits()
	ops, size := scaled(20_000), int64(scaled(8))<<20
	if limits.TxnOps > 0 {
		ops = min(ops, limits.TxnOps)
	}
	if limits.TxnBytes > 0 {
		size = min(size, limits.TxnBytes)
	}
	s.commit(func(txn engine.WriteTxn) {
		for i := range ops {
			s.must(txn.Put(fmt.Appendf(nil, "op%05d", i), nil))
		}
	})
	const valueSize = 10_000
	rows := int(size / (valueSize + 7))
	s.commit(func(txn engine.WriteTxn) {
		for i := range rows {
			s.must(txn.Put(fmt.Appendf(nil, "row%04d", i), make([]byte, valueSize)))
		}
	})
	both := 0
	if limits.TxnOps > 0 && limits.TxnBytes > 0 {
		// Both limits at once, to the last byte.
		both = limits.TxnOps
		left := limits.TxnBytes
		s.commit(func(txn engine.WriteTxn) {
			for i := range both {
				key := fmt.Appendf(nil, "both%07d", i)
				left -= int64(len(key))
				value := make([]byte, left/int64(both-i)-int64(len(key))*int64(both-i-1)/int64(both-i))
				left -= int64(len(value))
				s.must(txn.Put(key, value))
			}
			if left != 0 {
				s.Errorf("the transaction has %d bytes of %d", limits.TxnBytes-left, limits.TxnBytes)
			}
			s.tooLarge("transaction", txn.Put([]byte("one more"), nil))
		})
	}
	txn := s.view()
	defer txn.Discard()
	if got, want := len(s.rows(txn, engine.Range{KeysOnly: true})), ops+rows+both; got != want {
		s.Errorf("%d rows, want %d", got, want)
	}
}

// testLinearTransaction checks that the time of a transaction grows with its rows, not
// with their square, where it puts rows and the entries of an index by turns.
func testLinearTransaction(s *store) {
	const few, times = 1000, 16
	many := few * times
	if ops := s.db.Limits().TxnOps; ops > 0 {
		many = min(many, ops/2)
	}
	put := func(space, rows int) time.Duration {
		start := time.Now()
		s.commit(func(txn engine.WriteTxn) {
			for i := range rows {
				s.must(txn.Put(fmt.Appendf(nil, "%d row %08d", space, i), make([]byte, 50)))
				s.must(txn.Put(fmt.Appendf(nil, "%d entry %08d", space, i), nil))
			}
		})
		return time.Since(start)
	}
	// Something else may keep the machine busy: the best of some attempts counts.
	small, large := quickly, quickly
	for attempt := range 3 {
		small, large = min(small, put(2*attempt, few)), min(large, put(2*attempt+1, many))
		if large < 8*small*time.Duration(many/few) {
			return
		}
	}
	s.Errorf("%d rows take %v, and %d take %v", few, small, many, large)
}

// testTooLargeTransaction goes beyond every limit. It checks that the refusal has its type and
// stores nothing, and that the transaction can still commit its earlier writes.
func testTooLargeTransaction(s *store) {
	limits := s.db.Limits()
	overfill := func(valueSize int) (txn engine.WriteTxn, put int) {
		txn = s.update()
		for {
			err := txn.Put(fmt.Appendf(nil, "%d %d", valueSize, put), make([]byte, valueSize))
			if errors.Is(err, engine.ErrTooLarge) {
				s.tooLarge("transaction", err)
				s.tooLarge("transaction", txn.Put([]byte("again"), make([]byte, valueSize)))
				return txn, put
			}
			s.must(err)
			put++
			if put > 4*limits.TxnOps && int64(put*valueSize) > 4*limits.TxnBytes {
				s.Fatalf("%d values of %d bytes pass the limits %+v", put, valueSize, limits)
			}
		}
	}
	want := 0
	for _, by := range []struct {
		limited   bool
		valueSize int
	}{{limits.TxnOps > 0, 0}, {limits.TxnBytes > 0, 10_000}} {
		if !by.limited {
			continue
		}
		txn, _ := overfill(by.valueSize)
		txn.Discard()
		txn, put := overfill(by.valueSize)
		s.must(txn.Commit(s.ctx, engine.Durable))
		want += put
	}
	txn := s.view()
	defer txn.Discard()
	if got := len(s.rows(txn, engine.Range{KeysOnly: true})); got != want {
		s.Errorf("%d rows, want %d", got, want)
	}
}

// testLimitsLeast checks that the limits leave room for the largest row, and for a row with
// many index entries.
func testLimitsLeast(s *store) {
	limits := s.db.Limits()
	if limits.TxnOps > 0 && limits.TxnOps < 1000 {
		s.Errorf("a transaction takes %d writes", limits.TxnOps)
	}
	key := bytes.Repeat([]byte("k"), engine.MaxKeySize)
	size := s.largestValue()
	entries, entrySize := 1000, 1000
	if limits.TxnOps > 0 {
		entries = min(entries, limits.TxnOps-1)
	}
	if limits.TxnBytes > 0 {
		entrySize = min(entrySize, int(limits.TxnBytes)/2/entries)
	}
	s.commit(func(txn engine.WriteTxn) {
		s.must(txn.Put(key, make([]byte, size)))
		for i := range entries {
			entry := make([]byte, entrySize)
			copy(entry, fmt.Sprintf("%04d", i))
			s.must(txn.Put(entry, nil))
		}
	})
	txn := s.view()
	defer txn.Discard()
	value, err := txn.Get(key)
	s.must(err)
	if len(value) != size {
		s.Errorf("a value of %d bytes comes back with %d", size, len(value))
	}
}

// testLimitsOfDeletes checks that a delete counts no more than a put: a transaction takes and
// commits as many deletes as the limits say, of long keys too.
func testLimitsOfDeletes(s *store) {
	limits := s.db.Limits()
	for _, length := range []int{10, 4000, engine.MaxKeySize} {
		n := scaled(2000)
		if limits.TxnOps > 0 {
			n = min(n, limits.TxnOps)
		}
		if limits.TxnBytes > 0 {
			n = min(n, int(limits.TxnBytes)/length)
		}
		if n*length > 8<<20 {
			n = 8 << 20 / length
		}
		key := func(i int) []byte {
			k := bytes.Repeat([]byte("k"), length)
			copy(k, fmt.Sprintf("%06d", i))
			return k
		}
		s.commit(func(txn engine.WriteTxn) {
			for i := range n {
				s.must(txn.Put(key(i), nil))
			}
		})
		s.commit(func(txn engine.WriteTxn) {
			for i := range n {
				s.must(txn.Delete(key(i)))
			}
		})
		txn := s.view()
		if rows := s.rows(txn, engine.Range{KeysOnly: true}); len(rows) > 0 {
			s.Errorf("%d of %d keys of %d bytes are left", len(rows), n, length)
		}
		txn.Discard()
	}
}

// testDividedByRefusal deletes rows in pages, and halves a page as long as the transaction
// refuses it. In the end all rows are gone, whatever the limits are.
func testDividedByRefusal(s *store) {
	const rows, entries = 300, 100
	limits := s.db.Limits()
	key := func(row, entry int) []byte { return fmt.Appendf(nil, "%06d/%06d", row, entry) }
	for row := range rows {
		s.commit(func(txn engine.WriteTxn) {
			for entry := range entries {
				s.must(txn.Put(key(row, entry), nil))
			}
		})
	}
	refusals := 0
	for first, size := 0, rows; first < rows; {
		size = min(size, rows-first)
		txn := s.update()
		err := func() error {
			for row := first; row < first+size; row++ {
				for entry := range entries {
					if err := txn.Delete(key(row, entry)); err != nil {
						return err
					}
				}
			}
			return nil
		}()
		if errors.Is(err, engine.ErrTooLarge) && size > 1 {
			txn.Discard()
			size /= 2
			refusals++
			continue
		}
		s.must(err)
		s.must(txn.Commit(s.ctx, engine.Relaxed))
		first += size
	}
	if limits.TxnOps > 0 && limits.TxnOps < rows*entries/2 && refusals == 0 {
		s.Errorf("%d deletes were not refused, and the limits are %+v", rows*entries, limits)
	}
	txn := s.view()
	defer txn.Discard()
	if left := s.rows(txn, engine.Range{KeysOnly: true}); len(left) > 0 {
		s.Errorf("%d of %d entries are left", len(left), rows*entries)
	}
}
