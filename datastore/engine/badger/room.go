package badger

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// room remembers when the disk was last found to have the space that is kept
// free. Asking costs as much as a small part of a commit.
type room struct {
	at   atomic.Int64 // as time since the database was opened
	done atomic.Int64 // what had been written by then
}

// The answer holds until a sixteenth of the reserve may have been written, and
// no longer than this, for others may be filling the disk.
const roomHolds = 100 * time.Millisecond

// errNoRoom says that nothing was written, for the space that is kept free is reached.
// It differs from an ErrNoSpace that a write of Badger's returns: after that nobody knows
// what is on disk.
var errNoRoom = fmt.Errorf("%w", engine.ErrNoSpace)

// hasRoom refuses with errNoRoom to write to a disk that is nearly full, or will be once
// it has the files of a commit.
func (d *db) hasRoom(files int64) error {
	reserve := int64(d.options.ReserveMB) << 20
	now := int64(time.Since(d.opened))
	if files == 0 && now-d.room.at.Load() < int64(roomHolds) && d.volume.since(d.room.done.Load()) < reserve/16 {
		return nil
	}
	done := d.volume.done.Load()
	if free := freeSpace(d.options.Path); free-files < reserve {
		return fmt.Errorf("badger: commit to %s: %w: %d MiB are free, %d are kept",
			d.options.Path, errNoRoom, free>>20, d.options.ReserveMB)
	}
	d.room.done.Store(done)
	d.room.at.Store(now)
	return nil
}
