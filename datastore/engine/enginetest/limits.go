package enginetest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var limitTests = []test{
	{"LargeValues", testLargeValues},
	{"LargeTransaction", testLargeTransaction},
	{"TooLargeTransaction", testTooLargeTransaction},
	{"LimitsLeast", testLimitsLeast},
	{"LimitsOfDeletes", testLimitsOfDeletes},
	{"DividedByRefusal", testDividedByRefusal},
}

func testLargeValues(s *store) {
	limit := s.db.Limits().ValueBytes
	largest := limit
	if limit == 0 || limit > 4<<20 {
		largest = 4 << 20
	}
	large := func(size int) []byte {
		value := bytes.Repeat([]byte{byte(size)}, size)
		copy(value, fmt.Sprint(size))
		return value
	}
	sizes := []int{1 << 10, 1 << 12, 1<<16 - 1, 1 << 16, 1<<16 + 1, largest / 2, largest - 1, largest}
	for _, size := range sizes {
		s.commit(func(txn engine.WriteTxn) { s.must(txn.Put(fmt.Appendf(nil, "%d", size), large(size))) })
	}
	if limit > 0 && limit == largest {
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
			value, err := txn.Get(fmt.Appendf(nil, "%d", size))
			s.must(err)
			if !bytes.Equal(value, large(size)) {
				s.Errorf("a value of %d bytes comes back as %d others", size, len(value))
			}
		}
	}
	check()
	s.reopen()
	check()
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
	size := 1 << 20
	if limits.ValueBytes > 0 {
		size = min(size, limits.ValueBytes)
	}
	if limits.TxnBytes > 0 && limits.TxnBytes < int64(limits.ValueBytes)+engine.MaxKeySize {
		s.Errorf("a value has up to %d bytes, and a transaction %d", limits.ValueBytes, limits.TxnBytes)
	}
	key := bytes.Repeat([]byte("k"), engine.MaxKeySize)
	s.commit(func(txn engine.WriteTxn) { s.must(txn.Put(key, make([]byte, size))) })
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
