package badger

import (
	"math"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
)

// snapshots has read transactions share one transaction of Badger while nothing is
// committed. To begin and end one of Badger's takes longer than to get a row: it passes
// through a lock and two channels.
//
// A snapshot is shared only if no commit was under way when it was taken, and none has
// begun since. A reader thus never gets an older snapshot than another reader had before.
type snapshots struct {
	begun, done atomic.Int64 // commits
	shared      atomic.Pointer[snapshot]
	horizon     *horizon
}

// snapshot is a transaction of Badger that several may read.
type snapshot struct {
	txn   *badger.Txn
	begun int64 // commits when it was taken, all of which were done

	horizon *horizon
	entered uint64 // in horizon

	// users is how many read it, and one more while it is shared. It is negative once
	// the transaction has ended.
	users atomic.Int64
}

// use returns the shared snapshot if it is of now, or nil. The caller has to leave it in
// the end.
func (s *snapshots) use() *snapshot {
	shared := s.shared.Load()
	if shared == nil || shared.begun != s.begun.Load() {
		return nil
	}
	if shared.users.Add(1) < 0 {
		shared.users.Add(-1)
		return nil
	}
	return shared
}

// take begins a transaction, and shares it where that is allowed. The caller has to leave
// it.
func (s *snapshots) take(b *badger.DB) *snapshot {
	done := s.done.Load() // first: it never passes begun
	taken := &snapshot{horizon: s.horizon, entered: s.horizon.enter(), begun: done}
	taken.txn = b.NewTransaction(false)
	if s.begun.Load() != done {
		taken.users.Store(1)
		return taken
	}
	taken.users.Store(2)
	if old := s.shared.Swap(taken); old != nil {
		old.leave()
	}
	if s.begun.Load() != done && s.shared.CompareAndSwap(taken, nil) {
		taken.leave() // the commit may have looked for it too early
	}
	return taken
}

// leave ends the transaction if nobody uses it any more.
func (s *snapshot) leave() {
	if s.users.Add(-1) == 0 && s.users.CompareAndSwap(0, math.MinInt64/2) {
		s.txn.Discard()
		s.horizon.leave(s.entered)
	}
}

// begin says that a commit begins. Nothing is shared until it is done.
func (s *snapshots) begin() {
	s.begun.Add(1)
	s.drop()
}

// end says that a commit is done, whether it succeeded or not.
func (s *snapshots) end() { s.done.Add(1) }

// drop ends the shared transaction once nobody reads it: as long as there is one,
// compactions keep the rows that the last commit has replaced.
func (s *snapshots) drop() {
	if s.shared.Load() == nil {
		return
	}
	if shared := s.shared.Swap(nil); shared != nil {
		shared.leave()
	}
}
