package enginetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

var checkTests = []test{
	{"CheckBesideWriters", testCheckBesideWriters},
}

// testCheckBesideWriters has the engine check its files while writers commit. Every commit must
// leave the files whole.
func testCheckBesideWriters(s *store) {
	verifier, ok := s.db.(engine.Verifier)
	if !ok {
		s.Skip("the engine does not check its files")
	}
	ctx, stop := context.WithCancel(s.ctx)
	var group sync.WaitGroup
	for w := range 2 {
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				err := s.churn(ctx, w, i)
				if err != nil && !errors.Is(err, engine.ErrConflict) && ctx.Err() == nil {
					s.Error(err)
					return
				}
			}
		})
	}
	for range scaled(40) {
		if err := verifier.Verify(s.ctx); err != nil {
			s.Error(err)
		}
	}
	stop()
	group.Wait()
	s.want(context.Canceled, verifier.Verify(cancelled()))
}

// churn puts some keys and deletes others.
func (s *store) churn(ctx context.Context, writer, round int) error {
	txn, err := s.db.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	for i := range 20 {
		key := fmt.Appendf(nil, "%d %d", writer, (round*20+i)%500)
		if (round/25+i)%3 == 0 {
			err = txn.Delete(key)
		} else {
			err = txn.Put(key, make([]byte, 10*i))
		}
		if err != nil {
			return err
		}
	}
	return txn.Commit(ctx, engine.Relaxed)
}
