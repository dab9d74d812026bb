package badger

import "sync/atomic"

// volume counts the bytes of commits, as they begin and when they are done, so
// that what depends on how much has been written need not be looked up at each
// of them.
type volume struct{ begun, done atomic.Int64 }

const (
	// entryBytes is what an entry takes in a memtable beside its key and value,
	// and more than in its log: a node of the skiplist with its alignment (23
	// bytes), a version (8) and flags (3), and a tower of 2 levels of 4 bytes. The
	// height of towers is random, 1.5 on average: a memtable whose towers are
	// higher than 2 on average by a lot does not happen.
	entryBytes = 42
	// endBytes is what the entry takes that ends a transaction.
	endBytes = 80
)

// since returns how much can have been written after a moment at which done was
// as it says.
func (v *volume) since(done int64) int64 { return v.begun.Load() - done }
