package badger

import "sync/atomic"

// volume counts the bytes of commits that have begun and of those that are done. By it
// a commit knows that little has been written since the disk was last looked at, and
// need not look again.
type volume struct{ begun, done atomic.Int64 }

const (
	// entryBytes is what an entry takes in a memtable beside its key and value,
	// and more than in its log: a node of the skiplist with its alignment (23
	// bytes), a version (8) and flags (3), and a tower of 2 levels of 4 bytes. The
	// height of towers is random, 1.5 on average. Over a whole memtable the average
	// does not come to 2.
	entryBytes = 42
	// endBytes is the size of the entry that ends a transaction.
	endBytes = 80
)

// since returns the most that can have been written since done had the value given.
func (v *volume) since(done int64) int64 { return v.begun.Load() - done }
