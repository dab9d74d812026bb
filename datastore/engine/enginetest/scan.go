package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// scanTests run on engines whose transactions are Scanners. The other tests compare a cursor
// with scans wherever they read a range.
var scanTests = []test{
	{"ScanBorrows", testScanBorrows},
	{"ScanBytes", testScanBytes},
	{"ScanBetweenWrites", testScanBetweenWrites},
	{"ScanContext", testScanContext},
	{"ScanAfterTxn", testScanAfterTxn},
}

func (s *store) scanner(txn engine.ReadTxn) engine.Scanner {
	s.Helper()
	scanner, ok := txn.(engine.Scanner)
	if !ok {
		txn.Discard()
		s.Skip("transactions of this engine are no Scanners")
	}
	return scanner
}

// checkScans compares the rows that a cursor has read of r with the rows of scans in pages of
// several sizes.
func (s *store) checkScans(txn engine.ReadTxn, r engine.Range, rows []row) {
	s.Helper()
	scanner, ok := txn.(engine.Scanner)
	if !ok {
		return
	}
	for _, most := range []int{1, 3, 100} {
		if most == 1 && len(rows) > 100 {
			continue
		}
		if got := s.scan(scanner, r, most); !slices.Equal(got, rows) {
			s.Fatalf("%s: by scans of %d rows got %.200q, want %.200q", boundString(r), most, got, rows)
		}
	}
}

// scan reads all of a range by scans. Each begins behind the one before.
func (s *store) scan(scanner engine.Scanner, r engine.Range, most int) []row {
	s.Helper()
	var page engine.Page
	var rows []row
	for {
		more, err := scanner.Scan(r, most, &page)
		s.must(err)
		if len(page.Rows) > most || more && len(page.Rows) == 0 {
			s.Fatalf("a scan of %d rows found %d, and more: %v", most, len(page.Rows), more)
		}
		for _, found := range page.Rows {
			next := row{key: string(found.Key)}
			if !r.KeysOnly {
				next.value = string(found.Value)
			}
			rows = append(rows, next)
		}
		if !more {
			return rows
		}
		last := clone(page.Rows[len(page.Rows)-1].Key)
		if r.Reverse {
			r.Upper = last
		} else {
			r.Lower = append(last, 0)
		}
	}
}

// testScanBorrows checks that rows do not change until their page is used again, whatever else
// the transaction reads.
func testScanBorrows(s *store) {
	const n = 400
	var rows []row
	s.commit(func(txn engine.WriteTxn) {
		for i := range n {
			rows = append(rows, row{fmt.Sprintf("%05d", i), fmt.Sprintf("value %d", i)})
			s.must(txn.Put([]byte(rows[i].key), []byte(rows[i].value)))
		}
	})
	txn := s.view()
	defer txn.Discard()
	scanner := s.scanner(txn)
	var page, other engine.Page
	_, err := scanner.Scan(engine.Range{Lower: []byte("00100")}, 50, &page)
	s.must(err)
	for _, r := range []engine.Range{
		{}, {Reverse: true}, {Upper: []byte("00050"), Reverse: true}, {Lower: []byte("00390")},
	} {
		_, err := scanner.Scan(r, 100, &other)
		s.must(err)
		s.wantValue(txn, "00300", "value 300")
		c := txn.Cursor(r)
		s.drain(c, false)
		c.Close()
	}
	for i, found := range page.Rows {
		if want := rows[100+i]; string(found.Key) != want.key || string(found.Value) != want.value {
			s.Fatalf("row %d has become %q %q, want %q", i, found.Key, found.Value, want)
		}
	}
	if len(page.Rows) != 50 {
		s.Fatalf("%d rows, want 50", len(page.Rows))
	}
}

// testScanBytes checks that large rows end a page early.
func testScanBytes(s *store) {
	const n = 24
	size := engine.ScanBytes / 4
	if limit := s.db.Limits().ValueBytes; limit > 0 {
		size = min(size, limit)
	}
	for i := range n {
		s.commit(func(txn engine.WriteTxn) {
			s.must(txn.Put(fmt.Appendf(nil, "%02d", i), bytes.Repeat([]byte{byte(i)}, size)))
		})
	}
	txn := s.view()
	defer txn.Discard()
	var page engine.Page
	for _, reverse := range []bool{false, true} {
		more, err := s.scanner(txn).Scan(engine.Range{Reverse: reverse}, n, &page)
		s.must(err)
		// The keys count as well, so the page may end one row early.
		if got, most := len(page.Rows), (engine.ScanBytes+size-1)/size; !more || got > most || got < most-1 {
			s.Fatalf("reverse %v: %d rows of %d bytes, more: %v", reverse, got, size, more)
		}
	}
}

// testScanBetweenWrites checks that every scan of a transaction sees all its earlier writes.
func testScanBetweenWrites(s *store) {
	s.put("b", "1", "d", "2", "f", "3")
	txn := s.update()
	defer txn.Discard()
	scanner := s.scanner(txn)
	check := func(want ...row) {
		s.Helper()
		for _, most := range []int{1, 2, 10} {
			if got := s.scan(scanner, engine.Range{}, most); !slices.Equal(got, want) {
				s.Fatalf("got %q, want %q", got, want)
			}
			got := s.scan(scanner, engine.Range{Reverse: true}, most)
			slices.Reverse(got)
			if !slices.Equal(got, want) {
				s.Fatalf("got %q backwards, want %q", got, want)
			}
		}
	}
	check(row{"b", "1"}, row{"d", "2"}, row{"f", "3"})
	s.must(txn.Put([]byte("c"), []byte("4")))
	check(row{"b", "1"}, row{"c", "4"}, row{"d", "2"}, row{"f", "3"})
	s.must(txn.Delete([]byte("b")))
	s.must(txn.Put([]byte("d"), []byte("5")))
	check(row{"c", "4"}, row{"d", "5"}, row{"f", "3"})
	s.must(txn.Delete([]byte("c")))
	s.must(txn.Delete([]byte("d")))
	s.must(txn.Delete([]byte("f")))
	check()
}

func testScanContext(s *store) {
	s.put("a", "1", "b", "2")
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	txn, err := s.db.View(ctx)
	s.must(err)
	defer txn.Discard()
	var page engine.Page
	_, err = s.scanner(txn).Scan(engine.Range{}, 1, &page)
	s.must(err)
	cancel()
	_, err = s.scanner(txn).Scan(engine.Range{}, 1, &page)
	s.want(context.Canceled, err)
	if len(page.Rows) > 0 {
		s.Errorf("%d rows after the context ended", len(page.Rows))
	}
}

func testScanAfterTxn(s *store) {
	s.put("a", "1")
	txn := s.view()
	scanner := s.scanner(txn)
	var page engine.Page
	_, err := scanner.Scan(engine.Range{}, 1, &page)
	s.must(err)
	txn.Discard()
	_, err = scanner.Scan(engine.Range{}, 1, &page)
	s.want(engine.ErrTxnDone, err)
	if len(page.Rows) > 0 {
		s.Errorf("%d rows of a transaction that has ended", len(page.Rows))
	}
}
