package models

import (
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// WithTombstones declares that deletions of rows travel to other peers, as rows do. When the program
// deletes a row, by whichever call, the transaction writes a tombstone, which has the clock of the row
// and the time. In package record, of a row and a tombstone with one primary key the one with the higher
// clock wins, and the tombstone if their clocks are equal. So a peer that has the row deletes it when it
// hears of the tombstone, and a row that was changed after that, with a higher clock, comes back. Rows that
// expire or that a bound evicts leave no tombstone.
//
// A tombstone is dropped when it has the age, 30 days say, which counts from the deletion, at the peer
// where that was done. It should be longer than peers stay away. Dropping it raises a floor, below which
// the store takes no rows from others whose keys it does not have: those that it has deleted do not come
// back. The floor is the highest of the clocks of dropped tombstones, none of them above the time at which
// its tombstone was made. So it stays more than the age behind the present, whatever clocks strangers
// make up. A row that has to reach new peers for longer than the age needs a new clock now and then. A peer that has
// neither the tombstone nor the floor, because it is new, takes the row of a peer that has been away.
//
// The clock of the tree ([WithClock]) has to be the time since 1970 in units of unit, time.Second or
// time.Millisecond say: time.Microsecond if [ClockField] names a time. A row that is to win over a deletion
// needs a clock above that of the deleted row; Put replaces the tombstone of this store whatever the clock is.
// A row that cannot be read cannot be deleted, since its clock is not known.
//
// Only a tree that is [Open] and has a clock can have tombstones, with [DagCBOR] or a codec of modelgen,
// and not [WithMerge]. All peers have to declare it. It can be added to a tree that has rows, and not be taken away.
// An example of package record, Tombstones, shows a deletion that travels.
func WithTombstones[M any](age, unit time.Duration) TreeOption[M] {
	return func(o *treeOptions[M]) { o.tombstones = &session.Tombstones{Age: age, Unit: unit} }
}

// checkTombstones returns an error if a tree cannot have the tombstones that are declared.
func (t *table) checkTombstones() error {
	of := t.core.Tombstones
	if of == nil {
		return nil
	}
	declared := shape.Tombstones{Age: of.Age, Unit: of.Unit}
	var why string
	switch {
	case t.policy != Open:
		why = fmt.Sprintf("is for trees that are open, and it is %v", t.policy)
	case !t.clocked:
		why = "needs WithClock"
	case t.core.Merged:
		why = "and WithMerge exclude each other: a merge says what becomes of a row"
	case t.core.Codec != dagCBORName:
		why = fmt.Sprintf("needs the codec %s, and it is %s", dagCBORName, t.core.Codec)
	default:
		if err := declared.Check(); err != nil {
			return fmt.Errorf("%w: WithTombstones: %w", ErrDefinition, err)
		}
		return nil
	}
	return fmt.Errorf("%w: WithTombstones %s", ErrDefinition, why)
}

// buries reports whether a deletion in the transaction leaves a tombstone: if the program makes it.
func (t *table) buries(s *session.Session) bool {
	return t.core.Tombstones != nil && !s.Trusted && s.Origin == session.Program
}

// bury writes the tombstone of the row that was read into d, unless that has expired.
func (t *table) bury(s *session.Session, d *draft, place *session.Place, primary []byte) error {
	if expired(format.Row{Header: format.Header{Expiry: d.oldExpiry}}) {
		return nil
	}
	return place.PutTombstone(s, t.core.Tombstones, primary, session.Tombstone{Clock: d.clock, Taken: time.Now()})
}
