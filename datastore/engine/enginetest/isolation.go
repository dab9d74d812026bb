package enginetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var isolationTests = []test{
	{"Snapshot", testSnapshot},
	{"AtomicCommit", testAtomicCommit},
	{"LostUpdate", testLostUpdate},
	{"OnlyOneInserts", testOnlyOneInserts},
	{"Conflict", testConflict},
	{"ReadersBesideWriter", testReadersBesideWriter},
	{"UpdateWaits", testUpdateWaits},
}

func testSnapshot(s *store) {
	s.put("a", "1", "gone", "1")
	before := s.view()
	defer before.Discard()
	open := before.Cursor(engine.Range{})
	defer open.Close()
	if !open.Next() {
		s.Fatal(open.Err())
	}

	write := s.update()
	defer write.Discard()
	s.must(write.Put([]byte("a"), []byte("2")))
	s.must(write.Put([]byte("b"), []byte("2")))
	s.must(write.Delete([]byte("gone")))
	during := s.view()
	defer during.Discard()
	s.must(write.Commit(s.ctx, engine.Durable))
	after := s.view()
	defer after.Discard()

	for _, txn := range []engine.ReadTxn{before, during} {
		s.wantValue(txn, "a", "1")
		s.wantAbsent(txn, "b")
		s.wantValue(txn, "gone", "1")
		if got := s.rows(txn, engine.Range{}); len(got) != 2 {
			s.Errorf("got %q", got)
		}
	}
	if !open.Next() || string(open.Key()) != "gone" {
		s.Errorf("a cursor of the old snapshot is at %q", open.Key())
	}
	s.wantValue(after, "a", "2")
	s.wantValue(after, "b", "2")
	s.wantAbsent(after, "gone")
}

// testAtomicCommit has a writer change two rows at once, and readers look for a state in
// between.
func testAtomicCommit(s *store) {
	s.put("left", "0", "right", "0")
	var stop atomic.Bool
	var readers sync.WaitGroup
	errs := make(chan error, 3)
	for range 3 {
		readers.Go(func() {
			for ; !stop.Load(); breathe() {
				if err := checkTwins(s); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	for i := range scaled(200) {
		n := fmt.Sprint(i + 1)
		s.put("left", n, "right", n)
	}
	stop.Store(true)
	readers.Wait()
	close(errs)
	for err := range errs {
		s.Error(err)
	}
}

// breathe lets a browser go on with its own work, which it does only while no goroutine runs.
func breathe() {
	if runtime.GOOS == "js" {
		time.Sleep(5 * time.Millisecond)
	}
}

func checkTwins(s *store) error {
	txn, err := s.db.View(s.ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	left, err := txn.Get([]byte("left"))
	if err != nil {
		return err
	}
	right, err := txn.Get([]byte("right"))
	if err != nil {
		return err
	}
	if string(left) != string(right) {
		return fmt.Errorf("left is %s while right is %s", left, right)
	}
	c := txn.Cursor(engine.Range{Reverse: true})
	defer c.Close()
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			return err
		}
		if string(value) != string(left) {
			return fmt.Errorf("%s is %s for a cursor and was %s for Get", c.Key(), value, left)
		}
	}
	return c.Err()
}

// retry runs fn in new transactions until one commits without a conflict.
func (s *store) retry(d engine.Durability, fn func(txn engine.WriteTxn) error) error {
	for {
		txn, err := s.db.Update(s.ctx)
		if err != nil {
			return err
		}
		if err := fn(txn); err != nil {
			txn.Discard()
			return err
		}
		if err := txn.Commit(s.ctx, d); !errors.Is(err, engine.ErrConflict) {
			return err
		}
	}
}

// testLostUpdate counts with many goroutines and checks the sum.
func testLostUpdate(s *store) {
	const goroutines = 8
	each := scaled(50)
	key := func(i int) []byte { return []byte{'k', byte(i % 2)} }
	var writers sync.WaitGroup
	errs := make(chan error, goroutines)
	for g := range goroutines {
		writers.Go(func() {
			for i := range each {
				err := s.retry(engine.Durability(g%2), func(txn engine.WriteTxn) error {
					var count uint64
					value, err := txn.Get(key(i))
					if err == nil {
						count = binary.BigEndian.Uint64(value)
					} else if !errors.Is(err, engine.ErrNotFound) {
						return err
					}
					return txn.Put(key(i), binary.BigEndian.AppendUint64(nil, count+1))
				})
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	writers.Wait()
	close(errs)
	for err := range errs {
		s.Fatal(err)
	}
	txn := s.view()
	defer txn.Discard()
	var total uint64
	for i := range min(2, each) {
		value, err := txn.Get(key(i))
		s.must(err)
		total += binary.BigEndian.Uint64(value)
	}
	if total != uint64(goroutines*each) {
		s.Errorf("%d updates of %d are left", total, goroutines*each)
	}
}

// testOnlyOneInserts has goroutines race to put absent keys.
func testOnlyOneInserts(s *store) {
	const goroutines = 8
	rounds := scaled(40)
	inserted := make([]atomic.Int32, rounds)
	var writers sync.WaitGroup
	errs := make(chan error, goroutines)
	for range goroutines {
		writers.Go(func() {
			for round := range rounds {
				key := fmt.Appendf(nil, "%d", round)
				var absent bool
				err := s.retry(engine.Relaxed, func(txn engine.WriteTxn) error {
					_, err := txn.Get(key)
					if absent = errors.Is(err, engine.ErrNotFound); absent {
						return txn.Put(key, []byte("mine"))
					}
					return err
				})
				if err != nil {
					errs <- err
					return
				}
				if absent {
					inserted[round].Add(1)
				}
			}
		})
	}
	writers.Wait()
	close(errs)
	for err := range errs {
		s.Fatal(err)
	}
	for round := range rounds {
		if n := inserted[round].Load(); n != 1 {
			s.Errorf("%d transactions found key %d absent and put it", n, round)
		}
	}
}

// testConflict lets two transactions overlap where the engine allows it.
func testConflict(s *store) {
	s.put("read", "1", "unread", "1")
	overlap := func(name string, fn func(txn engine.WriteTxn), other func(txn engine.WriteTxn), want error) {
		s.Helper()
		first := s.update()
		defer first.Discard()
		fn(first)
		ctx, cancel := context.WithTimeout(s.ctx, 20*time.Millisecond)
		defer cancel()
		second, err := s.db.Update(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return // the engine has a single writer
		}
		s.must(err)
		defer second.Discard()
		other(second)
		s.must(second.Commit(s.ctx, engine.Durable))
		if err := first.Commit(s.ctx, engine.Durable); !errors.Is(err, want) {
			s.Errorf("%s: got error %v, want %v", name, err, want)
		}
	}
	putter := func(key string) func(txn engine.WriteTxn) {
		return func(txn engine.WriteTxn) { s.must(txn.Put([]byte(key), []byte("other"))) }
	}
	reader := func(key string) func(txn engine.WriteTxn) {
		return func(txn engine.WriteTxn) {
			_, err := txn.Get([]byte(key))
			if err != nil {
				s.want(engine.ErrNotFound, err)
			}
			s.must(txn.Put([]byte("written by "+key), []byte("first")))
		}
	}
	overlap("another put what was read", reader("read"), putter("read"), engine.ErrConflict)
	overlap("another deleted what was read", reader("read"),
		func(txn engine.WriteTxn) { s.must(txn.Delete([]byte("read"))) }, engine.ErrConflict)
	s.put("read", "1")
	overlap("another put what was read as absent", reader("absent"), putter("absent"), engine.ErrConflict)
	overlap("another put what a cursor met", func(txn engine.WriteTxn) {
		if got := s.rows(txn, engine.Range{Lower: []byte("read"), Upper: []byte("reae")}); len(got) != 1 {
			s.Errorf("got %q", got)
		}
		s.must(txn.Put([]byte("written by a cursor"), []byte("first")))
	}, putter("read"), engine.ErrConflict)
	overlap("another put the same key unread", putter("blind"), putter("blind"), nil)
	overlap("another put another key", reader("mine"), putter("unread"), nil)

	txn := s.view()
	defer txn.Discard()
	s.wantAbsent(txn, "written by read")
	s.wantAbsent(txn, "written by absent")
}

// testReadersBesideWriter reads all the time while a database grows.
func testReadersBesideWriter(s *store) {
	const readers = 4
	batches := scaled(50)
	var written atomic.Int64 // batches committed
	var stop atomic.Bool
	var group sync.WaitGroup
	errs := make(chan error, readers)
	for g := range readers {
		group.Go(func() {
			for ; !stop.Load(); breathe() {
				if err := checkBatches(s, &written, g%2 == 0); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	for batch := range batches {
		s.commit(func(txn engine.WriteTxn) {
			for i := range batchRows {
				s.must(txn.Put(fmt.Appendf(nil, "%06d/%03d", batch, i), make([]byte, 500)))
			}
		})
		written.Store(int64(batch + 1))
	}
	stop.Store(true)
	group.Wait()
	close(errs)
	for err := range errs {
		s.Error(err)
	}
}

const batchRows = 50

// checkBatches checks that a snapshot holds whole batches only, and all batches that were
// written before it was taken.
func checkBatches(s *store, written *atomic.Int64, reverse bool) error {
	least := int(written.Load())
	txn, err := s.db.View(s.ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	c := txn.Cursor(engine.Range{Reverse: reverse})
	defer c.Close()
	rows := 0
	for c.Next() {
		rows++
	}
	if err := c.Err(); err != nil {
		return err
	}
	if rows%batchRows != 0 || rows < least*batchRows {
		return fmt.Errorf("a snapshot has %d rows after %d batches of %d", rows, least, batchRows)
	}
	return nil
}

// testUpdateWaits checks that a waiting writer gives up when its context ends, and that readers
// do not wait for writers.
func testUpdateWaits(s *store) {
	s.put("a", "1")
	first := s.update()
	s.must(first.Put([]byte("a"), []byte("2")))

	ctx, cancel := context.WithTimeout(s.ctx, 20*time.Millisecond)
	defer cancel()
	second, err := s.db.Update(ctx)
	if err == nil {
		second.Discard()
	} else {
		s.want(context.DeadlineExceeded, err)
	}
	read := s.view()
	s.wantValue(read, "a", "1")
	read.Discard()

	turn := make(chan error)
	go func() {
		txn, err := s.db.Update(s.ctx)
		if err == nil {
			err = txn.Put([]byte("b"), []byte("3"))
		}
		if err == nil {
			err = txn.Commit(s.ctx, engine.Durable)
		}
		turn <- err
	}()
	s.must(first.Commit(s.ctx, engine.Durable))
	s.must(within(s, "the next writer", turn))
	read = s.view()
	defer read.Discard()
	s.wantValue(read, "a", "2")
	s.wantValue(read, "b", "3")
}
