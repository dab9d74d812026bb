package badger

import (
	"sync/atomic"

	"github.com/dgraph-io/badger/v4/skl"
)

// volume counts the bytes of commits, as they begin and when they are done, so
// that what depends on how much has been written need not be looked up at each
// of them.
type volume struct{ begun, done atomic.Int64 }

// entryBytes is the most that an entry takes in a memtable and its log beside
// its key and value: a node of the skiplist with a tower of full height.
const entryBytes = int64(skl.MaxNodeSize) + 64

// since returns the most that can have been written after a moment at which
// done was as it says.
func (v *volume) since(done int64) int64 { return v.begun.Load() - done }
