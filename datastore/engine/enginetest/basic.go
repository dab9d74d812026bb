package enginetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var basicTests = []test{
	{"Name", testName},
	{"PutGetDelete", testPutGetDelete},
	{"OwnWrites", testOwnWrites},
	{"Discard", testDiscard},
	{"EmptyCommit", testEmptyCommit},
	{"EmptyKey", testEmptyKey},
	{"EmptyValue", testEmptyValue},
	{"MaxKeySize", testMaxKeySize},
	{"BinaryKeys", testBinaryKeys},
	{"BorrowedValue", testBorrowedValue},
	{"OwnedSlices", testOwnedSlices},
	{"ManyKeys", testManyKeys},
	{"Size", testSize},
	{"Compact", testCompact},
}

func testName(s *store) {
	if s.eng.Name() == "" {
		s.Error("the engine has no name")
	}
}

func testPutGetDelete(s *store) {
	s.put("a", "1", "b", "2")
	s.put("b", "3")
	s.commit(func(txn engine.WriteTxn) {
		s.must(txn.Delete([]byte("a")))
		s.must(txn.Delete([]byte("never there")))
	})
	txn := s.view()
	defer txn.Discard()
	s.wantAbsent(txn, "a")
	s.wantValue(txn, "b", "3")
	s.wantAbsent(txn, "never there")
	s.wantAbsent(txn, "bb")
	s.wantAbsent(txn, "")
	s.wantAbsent(txn, string(make([]byte, engine.MaxKeySize+1)))
}

func testOwnWrites(s *store) {
	s.put("kept", "1", "gone", "1")
	s.commit(func(txn engine.WriteTxn) {
		s.must(txn.Put([]byte("new"), []byte("2")))
		s.must(txn.Put([]byte("kept"), []byte("2")))
		s.must(txn.Delete([]byte("gone")))
		s.wantValue(txn, "new", "2")
		s.wantValue(txn, "kept", "2")
		s.wantAbsent(txn, "gone")
		s.must(txn.Put([]byte("gone"), []byte("3")))
		s.wantValue(txn, "gone", "3")
		s.must(txn.Delete([]byte("new")))
		s.wantAbsent(txn, "new")
	})
	txn := s.view()
	defer txn.Discard()
	if got, want := s.rows(txn, engine.Range{}), []row{{"gone", "3"}, {"kept", "2"}}; !slices.Equal(got, want) {
		s.Errorf("got %q, want %q", got, want)
	}
}

func testDiscard(s *store) {
	s.put("a", "1")
	txn := s.update()
	s.must(txn.Put([]byte("a"), []byte("2")))
	s.must(txn.Put([]byte("b"), []byte("2")))
	s.must(txn.Delete([]byte("a")))
	txn.Discard()
	txn.Discard()
	s.put("c", "3")
	read := s.view()
	defer read.Discard()
	s.wantValue(read, "a", "1")
	s.wantAbsent(read, "b")
}

func testEmptyCommit(s *store) {
	for _, d := range []engine.Durability{engine.Durable, engine.Relaxed} {
		txn := s.update()
		s.must(txn.Commit(s.ctx, d))
		txn = s.update()
		s.must(txn.Delete([]byte("absent")))
		s.must(txn.Commit(s.ctx, d))
	}
}

func testEmptyKey(s *store) {
	s.commit(func(txn engine.WriteTxn) {
		s.want(engine.ErrKeySize, txn.Put(nil, []byte("v")))
		s.want(engine.ErrKeySize, txn.Put([]byte{}, []byte("v")))
		s.want(engine.ErrKeySize, txn.Delete(nil))
		s.must(txn.Put([]byte{0}, []byte("the least key there is")))
	})
	txn := s.view()
	defer txn.Discard()
	if got := s.rows(txn, engine.Range{KeysOnly: true}); len(got) != 1 || got[0].key != "\x00" {
		s.Errorf("got %q", got)
	}
}

func testEmptyValue(s *store) {
	s.commit(func(txn engine.WriteTxn) {
		s.must(txn.Put([]byte("nil"), nil))
		s.must(txn.Put([]byte("empty"), []byte{}))
		s.must(txn.Put([]byte("emptied"), []byte("full")))
		s.wantValue(txn, "nil", "")
		s.wantValue(txn, "empty", "")
		if got := s.rows(txn, engine.Range{}); len(got) != 3 {
			s.Errorf("got %q", got)
		}
	})
	s.put("emptied", "")
	s.reopen()
	txn := s.view()
	defer txn.Discard()
	want := []row{{"emptied", ""}, {"empty", ""}, {"nil", ""}}
	if got := s.rows(txn, engine.Range{}); !slices.Equal(got, want) {
		s.Errorf("got %q, want %q", got, want)
	}
	for _, row := range want {
		s.wantValue(txn, row.key, "")
	}
}

func testMaxKeySize(s *store) {
	longest := bytes.Repeat([]byte{0xff}, engine.MaxKeySize)
	sibling := append(bytes.Repeat([]byte{0xff}, engine.MaxKeySize-1), 0)
	s.commit(func(txn engine.WriteTxn) {
		s.must(txn.Put(clone(longest), []byte("last")))
		s.must(txn.Put(clone(sibling), []byte("last but one")))
		tooLong := append(clone(longest), 'x')
		s.want(engine.ErrKeySize, txn.Put(tooLong, []byte("v")))
		s.want(engine.ErrKeySize, txn.Delete(tooLong))
	})
	txn := s.view()
	defer txn.Discard()
	s.wantValue(txn, string(longest), "last")
	s.wantValue(txn, string(sibling), "last but one")
	got := s.rows(txn, engine.Range{Lower: longest[:2], Reverse: true})
	if len(got) != 2 || got[0].value != "last" || got[1].value != "last but one" {
		s.Errorf("%d rows", len(got))
	}
}

func testBinaryKeys(s *store) {
	random := rand.New(rand.NewPCG(1, 2))
	want := map[string]string{}
	s.commit(func(txn engine.WriteTxn) {
		for range scaled(2000) {
			key := make([]byte, 1+random.IntN(9))
			for i := range key {
				// Mostly bytes at the edges, so that keys share beginnings
				// and differ where encodings go wrong.
				key[i] = []byte{0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, byte(random.UintN(256))}[random.IntN(7)]
			}
			value := fmt.Sprintf("%x", key)
			want[string(key)] = value
			s.must(txn.Put(key, []byte(value)))
		}
	})
	txn := s.view()
	defer txn.Discard()
	if got := s.rows(txn, engine.Range{}); !slices.Equal(got, sorted(want)) {
		s.Errorf("%d rows differ from the %d sorted ones", len(got), len(want))
	}
}

// testBorrowedValue checks that a borrowed value does not change while others replace it.
func testBorrowedValue(s *store) {
	old := string(bytes.Repeat([]byte("old "), 500))
	s.put("key", old)
	txn := s.view()
	defer txn.Discard()
	value, err := txn.Get([]byte("key"))
	s.must(err)
	for i := range 20 {
		s.put("key", fmt.Sprint(i), fmt.Sprint(i), string(make([]byte, 2000)))
	}
	if string(value) != old {
		s.Error("a borrowed value changed before its transaction ended")
	}

	own := s.update()
	defer own.Discard()
	s.must(own.Put([]byte("own"), []byte("first")))
	value, err = own.Get([]byte("own"))
	s.must(err)
	s.must(own.Put([]byte("own"), []byte("other")))
	s.must(own.Delete([]byte("own")))
	if string(value) != "first" {
		s.Error("a borrowed value changed when its transaction overwrote it")
	}
}

// testOwnedSlices checks that an engine does not change its callers' slices.
func testOwnedSlices(s *store) {
	key, value := make([]byte, 3, 64), make([]byte, 5, 64)
	copy(key[:64], "keybeyond the end of it")
	copy(value[:64], "valuebeyond the end of it")
	keyBefore, valueBefore := clone(key[:64]), clone(value[:64])
	lower, upper := []byte("a"), []byte("z")
	r := engine.Range{Lower: lower, Upper: upper}
	s.commit(func(txn engine.WriteTxn) {
		s.must(txn.Put(key, value))
		// The cursor must keep neither the bounds nor the key of Seek.
		c := txn.Cursor(r)
		defer c.Close()
		target := []byte("k")
		c.Seek(target)
		lower[0], upper[0], target[0] = 'x', 'y', 'z'
		if got := s.drain(c, false); len(got) != 1 {
			s.Errorf("got %q", got)
		}
	})
	if !bytes.Equal(key[:64], keyBefore) || !bytes.Equal(value[:64], valueBefore) {
		s.Error("the engine wrote to its caller's slices")
	}
}

func testManyKeys(s *store) {
	const batch = 1000
	n := scaled(30_000)
	key := func(i int) []byte { return fmt.Appendf(nil, "key %08d", i) }
	value := func(i int) []byte { return fmt.Appendf(nil, "value %d of a row with some more bytes to it", i) }
	// Every third key goes first and the others follow, so that full pages have to split. Then
	// every seventh is deleted.
	for _, third := range []bool{true, false} {
		for first := 0; first < n; first += batch {
			s.commit(func(txn engine.WriteTxn) {
				for i := first; i < min(n, first+batch); i++ {
					if i%3 == 0 == third {
						s.must(txn.Put(key(i), value(i)))
					}
				}
			})
		}
	}
	for first := 0; first < n; first += 10 * batch {
		s.commit(func(txn engine.WriteTxn) {
			for i := first; i < min(n, first+10*batch); i++ {
				if i%7 == 0 {
					s.must(txn.Delete(key(i)))
				}
			}
		})
	}
	check := func() {
		txn := s.view()
		defer txn.Discard()
		c := txn.Cursor(engine.Range{})
		defer c.Close()
		for i := range n {
			if i%7 == 0 {
				continue
			}
			if !c.Next() {
				s.Fatalf("no row after %q: %v", c.Key(), c.Err())
			}
			got, err := c.Value()
			s.must(err)
			if !bytes.Equal(c.Key(), key(i)) || !bytes.Equal(got, value(i)) {
				s.Fatalf("got %q %q for row %d", c.Key(), got, i)
			}
		}
		if c.Next() {
			s.Fatalf("%q is one row too many", c.Key())
		}
		for i := 0; i < n; i += max(1, n/500) {
			got, err := txn.Get(key(i))
			if i%7 == 0 {
				s.want(engine.ErrNotFound, err)
			} else if s.must(err); !bytes.Equal(got, value(i)) {
				s.Fatalf("got %q for row %d", got, i)
			}
		}
	}
	check()
	s.reopen()
	check()
}

func testSize(s *store) {
	value := make([]byte, 1<<16)
	for i := range value {
		value[i] = byte(rand.Uint32())
	}
	const n = 100
	for i := range n {
		s.commit(func(txn engine.WriteTxn) { s.must(txn.Put(fmt.Appendf(nil, "%d", i), clone(value))) })
	}
	check := func() {
		size, err := s.db.Size(s.ctx)
		s.must(err)
		if least := int64(n * len(value)); size < least || size > 5*least {
			s.Errorf("a database of %d bytes has size %d", least, size)
		}
	}
	check()
	s.reopen()
	check()
}

func testCompact(s *store) {
	value := make([]byte, 1000)
	for range 3 {
		s.commit(func(txn engine.WriteTxn) {
			for i := range 2000 {
				s.must(txn.Put(fmt.Appendf(nil, "%d", i), value))
			}
		})
	}
	s.commit(func(txn engine.WriteTxn) {
		for i := range 2000 {
			if i%4 != 0 {
				s.must(txn.Delete(fmt.Appendf(nil, "%d", i)))
			}
		}
	})
	read := s.view()
	defer read.Discard()
	s.must(s.db.Compact(s.ctx))
	if got := s.rows(read, engine.Range{KeysOnly: true}); len(got) != 500 {
		s.Errorf("%d rows, want 500", len(got))
	}
}

// sorted returns the rows of a map in the order of a database.
func sorted(m map[string]string) []row {
	rows := make([]row, 0, len(m))
	for key, value := range m {
		rows = append(rows, row{key, value})
	}
	slices.SortFunc(rows, func(a, b row) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
	return rows
}

// tooLarge checks that err is a TooLargeError for the given thing, and returns it.
func (s *store) tooLarge(what string, err error) *engine.TooLargeError {
	s.Helper()
	var tooLarge *engine.TooLargeError
	if !errors.As(err, &tooLarge) || !errors.Is(err, engine.ErrTooLarge) {
		s.Fatalf("got error %v, want a TooLargeError", err)
	}
	if tooLarge.What != what || tooLarge.Size <= tooLarge.Limit || tooLarge.Limit <= 0 || tooLarge.Unit == "" {
		s.Fatalf("got %+v for a %s", tooLarge, what)
	}
	return tooLarge
}
