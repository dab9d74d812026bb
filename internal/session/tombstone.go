package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// Tombstones says that deletions of rows of a tree travel.
type Tombstones struct {
	// Age is how long a tombstone is kept, and Unit what the clock of the tree counts since 1970.
	Age, Unit time.Duration
}

// ClockAt returns the clock of a row that is made at an instant.
func (t *Tombstones) ClockAt(at time.Time) uint64 { return uint64(max(at.UnixNano()/int64(t.Unit), 0)) }

// Tombstone is what is left of a row that was deleted.
type Tombstone struct {
	// Clock is that of the row. Taken is when the tombstone was made, by the clock of this machine.
	Clock uint64
	Taken time.Time
}

// Tombstone returns the tombstone under an encoded primary key, and whether there is one.
func (p *Place) Tombstone(s *Session, primary []byte) (t Tombstone, found bool, err error) {
	key := p.tombstoneKey(primary)
	stored, err := s.Read.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return t, false, nil
	}
	if err != nil {
		return t, false, err
	}
	of, err := format.ParseTombstone(key, stored)
	if err != nil {
		return t, false, fmt.Errorf("the tombstone: %w", err)
	}
	return Tombstone{of.Clock, time.Unix(0, of.Taken)}, true, nil
}

func (p *Place) tombstoneKey(primary []byte) []byte {
	return append(format.TombstonePrefix(p.Space), primary...)
}

// CheckTombstone returns ErrKeySize for a row whose tombstone would have too long a key.
func CheckTombstone(row []byte) error {
	if size := len(row) + format.TombstoneRoom; size > engine.MaxKeySize {
		return fmt.Errorf("%w: the tombstone would have a key of %d bytes, the limit is %d", engine.ErrKeySize, size,
			engine.MaxKeySize)
	}
	return nil
}

// PutTombstone stores a tombstone in place of the one that there is. The caller deletes the row.
func (p *Place) PutTombstone(s *Session, of *Tombstones, primary []byte, t Tombstone) error {
	if err := p.DeleteTombstone(s, primary); err != nil {
		return err
	}
	key, taken := p.tombstoneKey(primary), t.Taken.UnixNano()
	if err := s.Put(key, format.AppendTombstone(nil, key, format.Tombstone{Clock: t.Clock, Taken: taken})); err != nil {
		return err
	}
	if due := t.Taken.Add(of.Age).UnixNano(); s.Due == 0 || due < s.Due {
		s.Due = due
	}
	entry := format.TombstoneQueueKey(p.Space, primary, taken)
	return s.Put(entry, format.AppendChecksum(nil, entry))
}

// DeleteTombstone removes the tombstone under an encoded primary key, also if it is damaged, and leaves
// no trace of it.
func (p *Place) DeleteTombstone(s *Session, primary []byte) error {
	key := p.tombstoneKey(primary)
	stored, err := s.Read.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	// If it is damaged, its entry in the queue stays until the sweep comes to it.
	if of, err := format.ParseTombstone(key, stored); err == nil {
		if err := s.Delete(format.TombstoneQueueKey(p.Space, primary, of.Taken)); err != nil {
			return err
		}
	}
	return s.Delete(key)
}

// Floor returns the highest clock of rows that may have been deleted by tombstones that are gone, and
// whether there is one.
func (p *Place) Floor(s *Session) (clock uint64, found bool, err error) {
	key := format.TombstoneFloorKey(p.Space)
	stored, err := s.Read.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return 0, false, nil
	}
	if err == nil {
		clock, err = format.ParseNumber(key, stored)
	}
	if err != nil {
		return 0, false, fmt.Errorf("the floor of tombstones: %w", err)
	}
	return clock, true, nil
}

// DropTombstone removes the tombstone under an encoded primary key because it has reached its age, and
// raises the floor: to the clock of the tombstone, but not above the time at which it was taken. The clock
// is one that anybody may have made up, and that time is this machine's own. A floor that is damaged is
// made anew.
func (p *Place) DropTombstone(s *Session, of *Tombstones, primary []byte, t Tombstone) error {
	clock := min(t.Clock, of.ClockAt(t.Taken))
	floor, found, err := p.Floor(s)
	if err != nil && !errors.Is(err, engine.ErrCorrupt) {
		return err
	}
	if err != nil || !found || clock > floor {
		if err := s.Put(format.TombstoneFloor(p.Space, clock)); err != nil {
			return err
		}
	}
	return p.DeleteTombstone(s, primary)
}
