package datastore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
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
			return t.setAside(p, key, stored)
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

// tombstoneQueued examines an entry of a queue of tombstones.
func (t treeCheck) tombstoneQueued(p page, key, stored []byte) ([]change, error) {
	_, damage := format.CutChecksum(key, stored)
	rest := key[len(buriedQueues):]
	_, behind, err := format.CutSpace(rest)
	if err != nil {
		return nil, err
	}
	space := rest[:len(rest)-len(behind)]
	taken, primary, err := format.CutTombstoneQueue(behind)
	var there bool
	if err == nil {
		if there, err = t.buriedAt(p, space, primary, taken); err != nil {
			return nil, err
		}
	} else {
		damage = err
	}
	switch {
	case there:
		return nil, nil // what is wrong with the entry was found with the tombstone
	case damage != nil:
		t.found(BadRow, "", key, damage)
		return t.setAside(p, key, stored)
	}
	t.found(Orphan, tombstoneName, key, fmt.Errorf("%w: it has no tombstone", engine.ErrCorrupt))
	if !t.repair {
		return nil, nil
	}
	t.report.Repaired++
	return []change{{key: key}}, nil
}

// buriedAt reports whether there is a tombstone that was taken at a time, and no row.
func (t treeCheck) buriedAt(p page, space, primary []byte, taken int64) (bool, error) {
	row := append(bytes.Clone(space), primary...)
	key := format.TombstoneKey(row)
	stored, err := p.read.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if of, err := format.ParseTombstone(key, stored); err != nil || of.Taken != taken {
		return false, nil
	}
	if _, err = p.read.Get(row); errors.Is(err, engine.ErrNotFound) {
		return true, nil
	}
	return false, err
}
