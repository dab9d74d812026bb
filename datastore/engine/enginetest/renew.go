package enginetest

import (
	"context"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// renewTests run on engines whose read transactions are Renewers.
var renewTests = []test{
	{"Renew", testRenew},
	{"RenewRefused", testRenewRefused},
	{"RenewHoldsClose", testRenewHoldsClose},
}

func (s *store) renewer() engine.Renewer {
	s.Helper()
	txn := s.view()
	renewer, ok := txn.(engine.Renewer)
	txn.Discard()
	if !ok {
		s.Skip("read transactions of this engine are no Renewers")
	}
	return renewer
}

// testRenew checks that a transaction sees the commits made before it was renewed, and none
// made later.
func testRenew(s *store) {
	s.put("a", "1")
	txn := s.renewer()
	for _, value := range []string{"2", "3", "4"} {
		if _, err := txn.Get([]byte("a")); err == nil {
			s.Error("Get reads in a transaction that has ended")
		}
		s.put("a", value)
		s.must(txn.Renew(s.ctx))
		s.put("a", "later", "b", "later")
		s.wantValue(txn, "a", value)
		s.wantAbsent(txn, "b")
		if got := s.rows(txn, engine.Range{}); len(got) != 1 || got[0] != (row{"a", value}) {
			s.Errorf("got %q", got)
		}
		txn.Discard()
		txn.Discard()
		s.commit(func(txn engine.WriteTxn) { s.must(txn.Delete([]byte("b"))) })
	}
}

func testRenewRefused(s *store) {
	s.put("a", "1")
	txn := s.renewer()
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	s.want(context.Canceled, txn.Renew(ctx))
	_, err := txn.Get([]byte("a"))
	s.want(engine.ErrTxnDone, err)
	txn.Discard()
	s.must(txn.Renew(s.ctx))
	s.wantValue(txn, "a", "1")
	txn.Discard()
	s.close()
	s.want(engine.ErrClosed, txn.Renew(s.ctx))
	s.open()
}

// testRenewHoldsClose checks that closing waits for a renewed transaction.
func testRenewHoldsClose(s *store) {
	txn := s.renewer()
	s.must(txn.Renew(s.ctx))
	closed := make(chan error, 1)
	go func() { closed <- s.db.Close() }()
	s.eventually("closing", func() bool {
		other, err := s.db.View(s.ctx)
		if err == nil {
			other.Discard()
		}
		return err != nil
	})
	select {
	case <-closed:
		s.Error("closing does not wait for a transaction that was renewed")
	default:
	}
	txn.Discard()
	s.must(within(s, "closing", closed))
	s.open()
}
