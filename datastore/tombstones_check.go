package datastore

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// tombstoneName stands for the name of an index in reports.
const tombstoneName = "tombstone"

// The beginnings of the keys of floors, of tombstones, and of the entries of queues.
var (
	buriedFloors = format.TombstoneFloorKey(nil)
	buriedRows   = format.TombstonePrefix(nil)
	buriedQueues = format.TombstoneQueue(nil)
)

// tombstoneKey examines a key of the space of tombstones.
func (t treeCheck) tombstoneKey(p page, key, stored []byte) ([]change, error) {
	of := func(prefix []byte) bool {
		return bytes.HasPrefix(key, prefix) && t.catalog.owns(key[len(prefix):])
	}
	switch {
	case of(buriedFloors):
		t.report.Entries++
		if _, err := format.ParseNumber(key, stored); err != nil {
			t.found(BadRow, "", key, err)
			changes, err := t.setAside(p, key, stored)
			if err != nil || len(changes) == 0 {
				return nil, err
			}
			floor, err := t.highestFloor(p, key[len(buriedFloors):])
			return append(changes, floor...), err
		}
		return nil, nil
	case of(buriedRows):
		t.report.Entries++
		return t.tombstone(p, key, stored)
	case of(buriedQueues):
		t.report.Entries++
		return t.tombstoneQueued(p, key, stored)
	case intact(key, stored):
		return t.newer(p, key, stored)
	}
	t.report.Entries++
	_, err := format.CutChecksum(key, stored)
	t.found(BadRow, "", key, err)
	return t.setAside(p, key, stored)
}

// tombstone examines a tombstone. One whose row is there goes, and one that is missing in the queue gets its
// entry.
func (t treeCheck) tombstone(p page, key, stored []byte) ([]change, error) {
	of, err := format.ParseTombstone(key, stored)
	if err != nil {
		t.found(BadRow, "", key, err)
		return t.setAside(p, key, stored)
	}
	row := key[len(buriedRows):]
	_, primary, err := format.CutSpace(row)
	if err != nil {
		return nil, err
	}
	entry := format.TombstoneQueueKey(row[:len(row)-len(primary)], primary, of.Taken)
	_, err = p.read.Get(row)
	switch {
	case err == nil:
		t.found(Orphan, tombstoneName, key, fmt.Errorf("%w: its row is there", engine.ErrCorrupt))
		if !t.repair {
			return nil, nil
		}
		t.report.Repaired++
		return []change{{key: key}}, nil // and the queue is looked through after this
	case !errors.Is(err, engine.ErrNotFound):
		return nil, err
	}
	have, err := p.read.Get(entry)
	value := format.AppendChecksum(nil, entry)
	if err == nil && bytes.Equal(have, value) {
		return nil, nil
	}
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return nil, err
	}
	t.found(Missing, tombstoneName, entry, errors.New("the tombstone is not in the queue"))
	if !t.repair {
		return nil, nil
	}
	t.report.Repaired++
	return []change{{entry, value}}, nil
}

// tombstoneQueued examines an entry of a queue of tombstones. If its tombstone is gone and no row is there, it
// is not known any more which rows the deletion is newer than: Repair raises the floor to the time of it, so
// that none of them comes back.
func (t treeCheck) tombstoneQueued(p page, key, stored []byte) ([]change, error) {
	_, damage := format.CutChecksum(key, stored)
	rest := key[len(buriedQueues):]
	_, behind, err := format.CutSpace(rest)
	if err != nil {
		return nil, err
	}
	space := rest[:len(rest)-len(behind)]
	taken, primary, err := format.CutTombstoneQueue(behind)
	if err != nil { // it is too short
		t.found(BadRow, "", key, err)
		return t.setAside(p, key, stored)
	}
	there, lost, err := t.buriedAt(p, space, primary, taken)
	if err != nil || there { // what is wrong with the entry was found with the tombstone
		return nil, err
	}
	var changes []change
	if damage != nil {
		t.found(BadRow, "", key, damage)
		changes, err = t.setAside(p, key, stored)
	} else {
		t.found(Orphan, tombstoneName, key, fmt.Errorf("%w: it has no tombstone", engine.ErrCorrupt))
		if t.repair {
			t.report.Repaired++
			changes = []change{{key: key}}
		}
	}
	if err != nil || len(changes) == 0 || !lost {
		return changes, err
	}
	floor, err := t.raisedFloor(p, space, time.Unix(0, taken))
	return append(changes, floor...), err
}

// buriedAt reports whether there is a tombstone that was taken at a time, and no row. Lost says that there is
// no tombstone that can be read, and no row.
func (t treeCheck) buriedAt(p page, space, primary []byte, taken int64) (there, lost bool, err error) {
	row := append(bytes.Clone(space), primary...)
	switch _, err := p.read.Get(row); {
	case err == nil:
		return false, false, nil
	case !errors.Is(err, engine.ErrNotFound):
		return false, false, err
	}
	key := format.TombstoneKey(row)
	stored, err := p.read.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return false, true, nil
	}
	if err != nil {
		return false, false, err
	}
	of, damage := format.ParseTombstone(key, stored)
	return damage == nil && of.Taken == taken, damage != nil, nil
}

// highestFloor returns what makes the floor of the tree whose rows are in a space anew: the highest that it can
// have been, since a tombstone raises it no higher than to the time of the deletion, when that is the age ago.
func (t treeCheck) highestFloor(p page, space []byte) ([]change, error) {
	of, err := t.declaredAt(p, space)
	if err != nil || of == nil {
		return nil, err
	}
	key, value := format.TombstoneFloor(space, of.ClockAt(time.Now().Add(-of.Age)))
	return []change{{key, value}}, nil
}

// raisedFloor returns what raises the floor of the tree whose rows are in a space to an instant that has passed,
// and to the present if it has not. That instant is of this machine, as that of a tombstone that is dropped.
func (t treeCheck) raisedFloor(p page, space []byte, to time.Time) ([]change, error) {
	of, err := t.declaredAt(p, space)
	if err != nil || of == nil {
		return nil, err
	}
	if now := time.Now(); to.After(now) {
		to = now
	}
	clock := of.ClockAt(to)
	key, value := format.TombstoneFloor(space, clock)
	stored, err := p.read.Get(key)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return nil, err
	}
	if err == nil {
		if floor, err := format.ParseNumber(key, stored); err != nil || floor >= clock {
			return nil, nil // a damaged one is set aside before this, or by the next Repair
		}
	}
	return []change{{key, value}}, nil
}

// declaredAt returns what the store says of the tombstones of the tree whose rows are in a space, nil if it says
// nothing that can be read.
func (t treeCheck) declaredAt(p page, space []byte) (*session.Tombstones, error) {
	var entry tombstonesEntry
	found, err := getCatalog(p.read, append(bytes.Clone(tombstonesPrefix), space...), tombstonesCodec, &entry)
	if isDamage(err) || err == nil && (!found || entry.Unit <= 0) {
		return nil, nil
	}
	return &session.Tombstones{Age: time.Duration(entry.Age), Unit: time.Duration(entry.Unit)}, err
}
