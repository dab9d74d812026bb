package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var cursorTests = []test{
	{"CursorBounds", testCursorBounds},
	{"CursorSeek", testCursorSeek},
	{"CursorEnd", testCursorEnd},
	{"CursorSeveral", testCursorSeveral},
	{"CursorOwnWrites", testCursorOwnWrites},
	{"CursorDeletesAsItGoes", testCursorDeletesAsItGoes},
	{"CursorOverDeleted", testCursorOverDeleted},
	{"CursorKeepsValue", testCursorKeepsValue},
	{"CursorContext", testCursorContext},
	{"CursorAfterTxn", testCursorAfterTxn},
	{"CursorOutlivesTxn", testCursorOutlivesTxn},
}

// selectRows returns the rows of r from sorted rows, in the order of a cursor.
func selectRows(rows []row, r engine.Range) []row {
	var selected []row
	for _, row := range rows {
		if (r.Lower == nil || row.key >= string(r.Lower)) && (r.Upper == nil || row.key < string(r.Upper)) {
			if r.KeysOnly {
				row.value = ""
			}
			selected = append(selected, row)
		}
	}
	if r.Reverse {
		slices.Reverse(selected)
	}
	return selected
}

func boundString(r engine.Range) string {
	return fmt.Sprintf("[%q, %q) reverse %v keys only %v", r.Lower, r.Upper, r.Reverse, r.KeysOnly)
}

// everyRange calls fn with every range that has two of the given bounds.
func everyRange(bounds []string, fn func(r engine.Range)) {
	all := [][]byte{nil}
	for _, bound := range bounds {
		all = append(all, []byte(bound))
	}
	for _, lower := range all {
		for _, upper := range all {
			for _, reverse := range []bool{false, true} {
				for _, keysOnly := range []bool{false, true} {
					fn(engine.Range{Lower: lower, Upper: upper, Reverse: reverse, KeysOnly: keysOnly})
				}
			}
		}
	}
}

var cursorBounds = []string{"", "a", "b", "b\x00", "bb", "c", "d", "dd", "\xff", "\xff\xff\xff"}

func testCursorBounds(s *store) {
	check := func(txn engine.ReadTxn, rows []row) {
		s.Helper()
		everyRange(cursorBounds, func(r engine.Range) {
			if got, want := s.rows(txn, r), selectRows(rows, r); !slices.Equal(got, want) {
				s.Fatalf("%s: got %q, want %q", boundString(r), got, want)
			}
		})
	}
	empty := s.view()
	check(empty, nil)
	empty.Discard()

	s.put("b", "1", "c", "2", "d", "3", "\xff\xff", "4")
	committed := []row{{"b", "1"}, {"c", "2"}, {"d", "3"}, {"\xff\xff", "4"}}
	read := s.view()
	defer read.Discard()
	check(read, committed)

	// The same again, now over writes that are not committed yet.
	write := s.update()
	defer write.Discard()
	check(write, committed)
	s.must(write.Put([]byte("a"), []byte("5")))
	s.must(write.Put([]byte("c"), []byte("6")))
	s.must(write.Delete([]byte("d")))
	s.must(write.Put([]byte("dd"), []byte("7")))
	check(write, []row{{"a", "5"}, {"b", "1"}, {"c", "6"}, {"dd", "7"}, {"\xff\xff", "4"}})
	check(read, committed)
	for _, row := range committed {
		s.must(write.Delete([]byte(row.key)))
	}
	check(write, []row{{"a", "5"}, {"dd", "7"}})
}

// testCursorSeek compares random walks with a sorted list.
func testCursorSeek(s *store) {
	random := rand.New(rand.NewPCG(3, 4))
	key := func() string { return fmt.Sprintf("%03d", random.IntN(1000)) }
	content := map[string]string{}
	s.commit(func(txn engine.WriteTxn) {
		for range 300 {
			k := key()
			content[k] = "v" + k
			s.must(txn.Put([]byte(k), []byte("v"+k)))
		}
	})
	read := s.view()
	defer read.Discard()
	write := s.update()
	defer write.Discard()
	changed := map[string]string{}
	for k, v := range content {
		changed[k] = v
	}
	for range 100 {
		k := key()
		if random.IntN(2) == 0 {
			delete(changed, k)
			s.must(write.Delete([]byte(k)))
		} else {
			changed[k] = "changed"
			s.must(write.Put([]byte(k), []byte("changed")))
		}
	}
	for _, under := range []struct {
		txn  engine.ReadTxn
		rows []row
	}{{read, sorted(content)}, {write, sorted(changed)}} {
		for range scaled(300) {
			r := engine.Range{Reverse: random.IntN(2) == 0, KeysOnly: random.IntN(2) == 0}
			if random.IntN(3) > 0 {
				r.Lower = []byte(key())
			}
			if random.IntN(3) > 0 {
				r.Upper = []byte(key())
			}
			s.walk(random, under.txn, under.rows, r, key)
		}
	}
}

// walk seeks and moves a cursor at random, and compares it with rows.
func (s *store) walk(random *rand.Rand, txn engine.ReadTxn, rows []row, r engine.Range, key func() string) {
	s.Helper()
	rows = selectRows(rows, r)
	c := txn.Cursor(r)
	defer c.Close()
	at := 0 // index of the next row
	for range 20 {
		if random.IntN(4) == 0 {
			target := key()
			c.Seek([]byte(target))
			at = 0
			for at < len(rows) && rows[at].key != target && rows[at].key < target != r.Reverse {
				at++
			}
			continue
		}
		if got, want := c.Next(), at < len(rows); got != want {
			s.Fatalf("%s: Next is %v, want %v; error %v", boundString(r), got, want, c.Err())
		} else if !got {
			continue
		}
		if got := string(c.Key()); got != rows[at].key {
			s.Fatalf("%s: got key %q, want %q", boundString(r), got, rows[at].key)
		}
		if !r.KeysOnly {
			value, err := c.Value()
			s.must(err)
			if string(value) != rows[at].value {
				s.Fatalf("%s: got value %q, want %q", boundString(r), value, rows[at].value)
			}
		}
		at++
	}
	s.must(c.Err())
}

// testCursorEnd checks that the end stays the end until Seek.
func testCursorEnd(s *store) {
	s.put("a", "1", "b", "2")
	s.commit(func(txn engine.WriteTxn) {
		c := txn.Cursor(engine.Range{Lower: []byte("b")})
		defer c.Close()
		if !c.Next() || c.Next() {
			s.Fatal("want one row")
		}
		s.must(txn.Put([]byte("c"), []byte("3")))
		if c.Next() {
			s.Errorf("Next moves to %q from the end", c.Key())
		}
		s.must(c.Err())
		c.Seek([]byte("a")) // before the range
		if !c.Next() || string(c.Key()) != "b" {
			s.Errorf("got %q from the beginning", c.Key())
		}
		c.Seek([]byte("d")) // beyond the last key
		if c.Next() {
			s.Errorf("got %q from beyond the last key", c.Key())
		}
		c.Seek([]byte("c"))
		if !c.Next() || string(c.Key()) != "c" {
			s.Errorf("got %q, want the key sought", c.Key())
		}
		c.Close()
		c.Close()
		if c.Next() {
			s.Error("a closed cursor moves")
		}
		s.must(c.Err())
	})
}

func testCursorSeveral(s *store) {
	const n = 500
	s.commit(func(txn engine.WriteTxn) {
		for i := range n {
			s.must(txn.Put(fmt.Appendf(nil, "%05d", i), fmt.Appendf(nil, "%d", i)))
		}
	})
	read := s.view()
	defer read.Discard()
	write := s.update()
	defer write.Discard()
	s.must(write.Put([]byte("99999"), []byte("own")))
	s.must(write.Delete([]byte("99999")))
	for _, txn := range []engine.ReadTxn{read, write} {
		forwards := txn.Cursor(engine.Range{})
		backwards := txn.Cursor(engine.Range{Reverse: true})
		keys := txn.Cursor(engine.Range{KeysOnly: true})
		for i := range n {
			if !forwards.Next() || !backwards.Next() || !keys.Next() {
				s.Fatalf("a cursor ended at row %d", i)
			}
			want, mirrored := fmt.Sprintf("%05d", i), fmt.Sprintf("%05d", n-1-i)
			if string(forwards.Key()) != want || string(keys.Key()) != want || string(backwards.Key()) != mirrored {
				s.Fatalf("got %q, %q and %q at row %d", forwards.Key(), keys.Key(), backwards.Key(), i)
			}
			if i%50 == 0 {
				s.wantValue(txn, want, fmt.Sprint(i))
				inner := txn.Cursor(engine.Range{Lower: []byte(want)})
				if !inner.Next() || string(inner.Key()) != want {
					s.Fatalf("got %q from a cursor within", inner.Key())
				}
				inner.Close()
			}
		}
		forwards.Close()
		backwards.Close()
		keys.Close()
	}
}

// testCursorOwnWrites checks that an open cursor sees the writes of its transaction ahead of
// it, and keeps its place when the transaction writes behind it.
func testCursorOwnWrites(s *store) {
	s.put("b", "old", "d", "old", "f", "old")
	for _, reverse := range []bool{false, true} {
		write := s.update()
		c := write.Cursor(engine.Range{Reverse: reverse})
		next := func(key, value string) {
			s.Helper()
			if !c.Next() {
				s.Fatalf("reverse %v: the cursor ended before %q: %v", reverse, key, c.Err())
			}
			got, err := c.Value()
			s.must(err)
			if string(c.Key()) != key || string(got) != value {
				s.Fatalf("reverse %v: got %q %q, want %q %q", reverse, c.Key(), got, key, value)
			}
		}
		ahead, last := []string{"b", "c", "e", "f"}, "g"
		if reverse {
			slices.Reverse(ahead)
			last = "a"
		}
		next(ahead[0], "old")
		s.must(write.Put([]byte(ahead[0]), []byte("behind now")))
		s.must(write.Put([]byte(ahead[1]), []byte("new")))
		next(ahead[1], "new")
		s.must(write.Delete([]byte("d")))
		s.must(write.Delete([]byte(ahead[1])))
		s.must(write.Delete([]byte(ahead[0])))
		s.must(write.Put([]byte(ahead[2]), []byte("new")))
		s.must(write.Put([]byte(ahead[3]), []byte("changed")))
		next(ahead[2], "new")
		next(ahead[3], "changed")
		s.must(write.Put([]byte(last), []byte("last")))
		next(last, "last")
		if c.Next() {
			s.Fatalf("reverse %v: %q is one too many", reverse, c.Key())
		}
		s.must(c.Err())
		c.Close()
		write.Discard()
	}
}

// testCursorDeletesAsItGoes empties a database of many pages while it reads it with a cursor.
func testCursorDeletesAsItGoes(s *store) {
	n := scaled(8_000)
	for _, reverse := range []bool{false, true} {
		for first := 0; first < n; first += 1000 {
			s.commit(func(txn engine.WriteTxn) {
				for i := first; i < min(n, first+1000); i++ {
					s.must(txn.Put(fmt.Appendf(nil, "%06d", i), make([]byte, 100)))
				}
			})
		}
		deleted := 0
		for deleted < n {
			s.commit(func(txn engine.WriteTxn) {
				c := txn.Cursor(engine.Range{Reverse: reverse, KeysOnly: true})
				defer c.Close()
				for range 5000 {
					if !c.Next() {
						break
					}
					// Leave every tenth row to the second half, which deletes it too.
					deleted++
					s.must(txn.Delete(clone(c.Key())))
				}
				s.must(c.Err())
			})
		}
		txn := s.view()
		if got := s.rows(txn, engine.Range{}); len(got) != 0 || deleted != n {
			s.Fatalf("reverse %v: deleted %d of %d rows, %d are left", reverse, deleted, n, len(got))
		}
		txn.Discard()
	}
}

// testCursorOverDeleted deletes rows of many pages, first some and in the end all, and reads
// them in the same transaction.
func testCursorOverDeleted(s *store) {
	const n = 3000
	key := func(i int) []byte { return fmt.Appendf(nil, "%06d", i) }
	s.commit(func(txn engine.WriteTxn) {
		for i := range n {
			s.must(txn.Put(key(i), make([]byte, 100)))
		}
	})
	for _, isLeft := range []func(i int) bool{
		func(i int) bool { return i < 10 },
		func(i int) bool { return i >= n-10 },
		func(i int) bool { return i >= n/2 && i < n/2+10 },
		func(i int) bool { return i < 10 || i >= n-10 },
		func(i int) bool { return i%500 == 7 },
		func(i int) bool { return false },
	} {
		txn := s.update()
		var want []row
		for i := range n {
			if isLeft(i) {
				want = append(want, row{key: string(key(i))})
			} else {
				s.must(txn.Delete(key(i)))
			}
		}
		for _, r := range []engine.Range{
			{}, {Lower: key(5)}, {Upper: key(n - 5)}, {Lower: key(n/2 + 5), Upper: key(n/2 + 8)},
		} {
			for _, r.Reverse = range []bool{false, true} {
				r.KeysOnly = true
				if got, want := s.rows(txn, r), selectRows(want, r); !slices.Equal(got, want) {
					s.Fatalf("%s: got %q, want %q", boundString(r), got, want)
				}
			}
		}
		txn.Discard()
	}
}

func testCursorKeepsValue(s *store) {
	s.put("a", "old", "b", "old")
	s.commit(func(txn engine.WriteTxn) {
		c := txn.Cursor(engine.Range{})
		defer c.Close()
		if !c.Next() {
			s.Fatal(c.Err())
		}
		s.must(txn.Put([]byte("a"), []byte("new")))
		s.must(txn.Delete([]byte("b")))
		value, err := c.Value()
		s.must(err)
		if string(c.Key()) != "a" || string(value) != "old" {
			s.Errorf("got %q %q, want what Next moved to", c.Key(), value)
		}
	})
}

func testCursorContext(s *store) {
	s.put("a", "1", "b", "2", "c", "3")
	for _, write := range []bool{false, true} {
		ctx, cancel := context.WithCancel(s.ctx)
		var txn engine.ReadTxn
		var err error
		if write {
			txn, err = s.db.Update(ctx)
		} else {
			txn, err = s.db.View(ctx)
		}
		s.must(err)
		c := txn.Cursor(engine.Range{})
		if !c.Next() {
			s.Fatal(c.Err())
		}
		cancel()
		if c.Next() {
			s.Error("Next moves on after its context ended")
		}
		s.want(context.Canceled, c.Err())
		c.Seek([]byte("a"))
		if c.Next() {
			s.Error("Seek revives a cursor that failed")
		}
		c.Close()
		s.want(context.Canceled, c.Err())
		txn.Discard()
	}
}

func testCursorAfterTxn(s *store) {
	s.put("a", "1", "b", "2")
	txn := s.view()
	txn.Discard()
	c := txn.Cursor(engine.Range{})
	if c.Next() {
		s.Error("a cursor of a transaction that has ended moves")
	}
	s.want(engine.ErrTxnDone, c.Err())
	if _, err := c.Value(); err == nil {
		s.Error("a cursor of a transaction that has ended has a value")
	}
	c.Seek([]byte("a"))
	if c.Next() || c.Key() != nil {
		s.Error("a cursor of a transaction that has ended moves")
	}
	c.Close()
}

// testCursorOutlivesTxn checks that a loop which is still under way when its
// transaction ends fails, however that ends, and never looks complete.
func testCursorOutlivesTxn(s *store) {
	s.put("a", "1", "b", "2", "c", "3")
	ends := []struct {
		name  string
		write bool
		end   func(txn engine.ReadTxn)
	}{
		{"Discard", false, func(txn engine.ReadTxn) { txn.Discard() }},
		{"Discard of writes", true, func(txn engine.ReadTxn) { txn.Discard() }},
		{"Commit", true, func(txn engine.ReadTxn) { s.must(txn.(engine.WriteTxn).Commit(s.ctx, engine.Relaxed)) }},
		{"failed Commit", true, func(txn engine.ReadTxn) {
			s.want(context.Canceled, txn.(engine.WriteTxn).Commit(cancelled(), engine.Relaxed))
		}},
		{"Renew", false, func(txn engine.ReadTxn) {
			txn.Discard()
			if renewer, ok := txn.(engine.Renewer); ok {
				s.must(renewer.Renew(s.ctx))
			}
		}},
	}
	for _, e := range ends {
		for moves := range 3 {
			for _, reverse := range []bool{false, true} {
				for _, seek := range []bool{false, true} {
					s.outlive(e.name, e.write, e.end, moves, engine.Range{Reverse: reverse}, seek)
				}
			}
		}
	}
}

// outlive moves a cursor some times, ends its transaction, and may have the cursor
// seek before it checks it.
func (s *store) outlive(name string, write bool, end func(engine.ReadTxn), moves int, r engine.Range, seek bool) {
	s.Helper()
	var txn engine.ReadTxn
	if write {
		update := s.update()
		s.must(update.Put([]byte("b"), []byte("2")))
		txn = update
	} else {
		txn = s.view()
	}
	defer txn.Discard()
	c := txn.Cursor(r)
	for range moves {
		if !c.Next() {
			s.Fatalf("%s: no row: %v", name, c.Err())
		}
	}
	end(txn)
	if seek {
		c.Seek([]byte("b"))
	}
	s.wantOutlived(name, c)
	c.Close()
	s.want(engine.ErrTxnDone, c.Err())
}

// wantOutlived checks a cursor whose transaction has ended before it was at its end.
func (s *store) wantOutlived(name string, c engine.Cursor) {
	s.Helper()
	if key := c.Key(); key != nil {
		s.Errorf("%s: a cursor that outlived its transaction is at %q", name, key)
	}
	if _, err := c.Value(); !errors.Is(err, engine.ErrTxnDone) {
		s.Errorf("%s: Value returned %v, want %v", name, err, engine.ErrTxnDone)
	}
	for range 2 {
		if c.Next() {
			s.Errorf("%s: a cursor that outlived its transaction moves to %q", name, c.Key())
		}
		if !errors.Is(c.Err(), engine.ErrTxnDone) {
			s.Errorf("%s: a cursor that outlived its transaction says %v, want %v", name, c.Err(), engine.ErrTxnDone)
		}
	}
}
