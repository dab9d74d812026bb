package enginetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var lifecycleTests = []test{
	{"Reopen", testReopen},
	{"OpenTwice", testOpenTwice},
	{"AfterClose", testAfterClose},
	{"AfterTxn", testAfterTxn},
	{"CloseWaits", testCloseWaits},
	{"CloseTurnsWritersAway", testCloseTurnsWritersAway},
	{"CancelledContext", testCancelledContext},
	{"Sync", testSync},
}

func testReopen(s *store) {
	for i, d := range []engine.Durability{engine.Durable, engine.Relaxed} {
		for j := range 3 {
			key := fmt.Sprintf("%d %d", i, j)
			txn := s.update()
			s.must(txn.Put([]byte(key), []byte("kept")))
			if j > 0 {
				s.must(txn.Delete(fmt.Appendf(nil, "%d %d", i, j-1)))
			}
			s.must(txn.Commit(s.ctx, d))
			dropped := s.update()
			s.must(dropped.Put([]byte("dropped"), nil))
			dropped.Discard()
			s.reopen()
		}
	}
	txn := s.view()
	defer txn.Discard()
	got := s.rows(txn, engine.Range{})
	if len(got) != 2 || got[0] != (row{"0 2", "kept"}) || got[1] != (row{"1 2", "kept"}) {
		s.Errorf("got %q", got)
	}
}

func testOpenTwice(s *store) {
	s.put("a", "1")
	for range 2 {
		db, err := s.eng.Open(s.ctx)
		if err == nil {
			s.must(db.Close())
		}
		s.want(engine.ErrLocked, err)
	}
	s.put("b", "2")
}

func testAfterClose(s *store) {
	s.put("a", "1")
	db := s.db
	s.close()
	defer s.open()
	_, err := db.View(s.ctx)
	s.want(engine.ErrClosed, err)
	_, err = db.Update(s.ctx)
	s.want(engine.ErrClosed, err)
	s.want(engine.ErrClosed, db.Sync(s.ctx))
	_, err = db.Size(s.ctx)
	s.want(engine.ErrClosed, err)
	s.want(engine.ErrClosed, db.Compact(s.ctx))
	s.must(db.Close())
	s.must(db.Close())
}

func testAfterTxn(s *store) {
	s.put("a", "1")
	end := map[string]func(txn engine.WriteTxn){
		"Commit":  func(txn engine.WriteTxn) { s.must(txn.Commit(s.ctx, engine.Durable)) },
		"Discard": func(txn engine.WriteTxn) { txn.Discard() },
		"failed Commit": func(txn engine.WriteTxn) {
			s.want(context.Canceled, txn.Commit(cancelled(), engine.Durable))
		},
	}
	for name, end := range end {
		txn := s.update()
		s.must(txn.Put([]byte("b"), []byte("2")))
		end(txn)
		check := func(method string, err error) {
			s.Helper()
			if !errors.Is(err, engine.ErrTxnDone) {
				s.Errorf("%s after %s: got error %v, want %v", method, name, err, engine.ErrTxnDone)
			}
		}
		_, err := txn.Get([]byte("a"))
		check("Get", err)
		check("Put", txn.Put([]byte("c"), nil))
		check("Delete", txn.Delete([]byte("a")))
		check("Commit", txn.Commit(s.ctx, engine.Durable))
		c := txn.Cursor(engine.Range{})
		if c.Next() {
			s.Errorf("a cursor moves after %s", name)
		}
		check("Next", c.Err())
		c.Close()
		txn.Discard()
	}
	read := s.view()
	read.Discard()
	read.Discard()
	_, err := read.Get([]byte("a"))
	s.want(engine.ErrTxnDone, err)
}

// testCloseWaits checks that Close lets open transactions end and refuses new ones meanwhile.
func testCloseWaits(s *store) {
	s.put("a", "1")
	db := s.db
	read, write := s.view(), s.update()
	s.must(write.Put([]byte("b"), []byte("2")))
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	s.eventually("Close to refuse transactions", func() bool {
		txn, err := db.View(s.ctx)
		if err == nil {
			txn.Discard()
			return false
		}
		s.want(engine.ErrClosed, err)
		return true
	})
	s.wantValue(read, "a", "1")
	s.wantValue(write, "b", "2")
	select {
	case <-closed:
		s.Fatal("Close did not wait for open transactions")
	default:
	}
	s.must(write.Commit(s.ctx, engine.Relaxed))
	read.Discard()
	s.must(within(s, "Close", closed))
	s.open()
	after := s.view()
	defer after.Discard()
	s.wantValue(after, "b", "2")
}

func testCloseTurnsWritersAway(s *store) {
	db := s.db
	write := s.update()
	waiting := make(chan error, 1)
	go func() {
		txn, err := db.Update(s.ctx)
		for err == nil { // writers of this engine do not wait
			txn.Discard()
			txn, err = db.Update(s.ctx)
		}
		waiting <- err
	}()
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	s.want(engine.ErrClosed, within(s, "a writer in waiting", waiting))
	write.Discard()
	s.must(within(s, "Close", closed))
	s.open()
}

// cancelled returns a context that has ended.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func testCancelledContext(s *store) {
	s.put("a", "1")
	ended := cancelled()
	_, err := s.db.View(ended)
	s.want(context.Canceled, err)
	_, err = s.db.Update(ended)
	s.want(context.Canceled, err)
	s.want(context.Canceled, s.db.Sync(ended))
	_, err = s.db.Size(ended)
	s.want(context.Canceled, err)
	s.want(context.Canceled, s.db.Compact(ended))
	for _, d := range []engine.Durability{engine.Durable, engine.Relaxed} {
		txn := s.update()
		s.must(txn.Put([]byte("a"), []byte("2")))
		s.want(context.Canceled, txn.Commit(ended, d))
	}
	read := s.view()
	s.wantValue(read, "a", "1")
	read.Discard()

	s.close()
	_, err = s.eng.Open(ended)
	s.want(context.Canceled, err)
	s.open()
	read = s.view()
	defer read.Discard()
	s.wantValue(read, "a", "1")
}

func testSync(s *store) {
	s.must(s.db.Sync(s.ctx))
	txn := s.update()
	s.must(txn.Put([]byte("a"), []byte("1")))
	s.must(txn.Commit(s.ctx, engine.Relaxed))
	s.must(s.db.Sync(s.ctx))
	s.must(s.db.Sync(s.ctx))
}
