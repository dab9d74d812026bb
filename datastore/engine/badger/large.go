package badger

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/writes"
)

// large knows the values that are divided, so that a write of another key need not look
// for parts. It has a few bytes for each of them.
type large struct {
	mu   sync.Mutex
	next uint64
	// writing has the numbers of parts whose row is being committed, byKey those of
	// the rows that are, and of rows that were replaced and whose parts are left, by
	// the hash of the key.
	writing map[uint64]struct{}
	byKey   map[uint64][]uint64
	seed    maphash.Seed
}

func newLarge() *large {
	return &large{writing: map[uint64]struct{}{}, byKey: map[uint64][]uint64{}, seed: maphash.MakeSeed()}
}

// begin returns the number for a value that is about to be written.
func (l *large) begin() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	number := l.next
	l.next++
	l.writing[number] = struct{}{}
	return number
}

// end says that the value of a row is written, or that it will not be.
func (l *large) end(o owner, committed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.writing, o.number)
	if committed {
		l.add(o)
	}
}

func (l *large) add(o owner) {
	hash := maphash.Bytes(l.seed, o.key)
	l.byKey[hash] = append(l.byKey[hash], o.number)
}

// of returns the numbers that the keys may have, by key.
func (l *large) of(w *writes.Set) map[string][]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.byKey) == 0 {
		return nil
	}
	var found map[string][]uint64
	for w := range w.All() {
		if numbers := l.byKey[maphash.Bytes(l.seed, w.Key)]; len(numbers) > 0 {
			if found == nil {
				found = map[string][]uint64{}
			}
			found[string(w.Key)] = append([]uint64(nil), numbers...)
		}
	}
	return found
}

func (l *large) forget(o owner) {
	l.mu.Lock()
	defer l.mu.Unlock()
	hash := maphash.Bytes(l.seed, o.key)
	var left []uint64
	for _, number := range l.byKey[hash] {
		if number != o.number {
			left = append(left, number)
		}
	}
	if l.byKey[hash] = left; left == nil {
		delete(l.byKey, hash)
	}
}

// underWay returns the numbers being written, and the first one that is not given yet.
func (l *large) underWay() (writing map[uint64]bool, next uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	writing = map[uint64]bool{}
	for number := range l.writing {
		writing[number] = true
	}
	return writing, l.next
}

// part is a value that is to be divided.
type part struct {
	owner
	value []byte
}

// each calls set with the rows of the owner and of all parts.
func (p part) each(set func(key, value []byte) error) error {
	if err := set(ownerKey(p.number), p.owner.encode()); err != nil {
		return err
	}
	for index := range p.count {
		from := index * partBytes
		if err := set(partKey(p.number, index), p.value[from:min(from+partBytes, len(p.value))]); err != nil {
			return err
		}
	}
	return nil
}

// writeParts commits parts ahead of the rows that refer to them, and makes them
// durable. A power loss may take the end of one log and leave the next: without that it
// could leave a row and take its parts.
func (d *db) writeParts(parts []part) error {
	b := &batch{db: d}
	defer b.discard()
	for _, p := range parts {
		if err := p.each(b.set); err != nil {
			return err
		}
	}
	if err := b.flush(); err != nil {
		return err
	}
	return d.sync()
}

// dropReplaced deletes the parts of the values that the writes have replaced. Whatever
// it cannot delete Compact does. An error has all later writes refused, unless it is
// errNoRoom.
func (d *db) dropReplaced(w *writes.Set) {
	found := d.large.of(w)
	if len(found) == 0 {
		return
	}
	err := d.verifiedOwners(found)
	if err == nil {
		err = d.drop(func(txn *badger.Txn) ([]owner, error) { return replaced(txn, found) })
	}
	if err != nil {
		d.failUnlessNoRoom(err)
	}
}

// verifiedOwners returns an error if a table is damaged that has a row or an owner of the
// numbers found.
func (d *db) verifiedOwners(found map[string][]uint64) error {
	for key, numbers := range found {
		if err := d.verifiedKey([]byte(key)); err != nil {
			return err
		}
		for _, number := range numbers {
			if err := d.verifiedKey(ownerKey(number)); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropUnused deletes the parts of rows that were not committed.
func (d *db) dropUnused(parts []part) {
	owners := make([]owner, len(parts))
	for i, p := range parts {
		owners[i] = p.owner
	}
	if err := d.deleteParts(owners); err != nil {
		d.failUnlessNoRoom(err)
	}
}

func (d *db) failUnlessNoRoom(err error) {
	if !errors.Is(err, errNoRoom) {
		d.fail(fmt.Errorf("badger: delete parts in %s: %w", d.options.Path, err))
	}
}

// replaced returns those of the numbers found to which the row does not refer. They
// are owned by that row, unless another key has the same hash.
func replaced(txn *badger.Txn, found map[string][]uint64) (left []owner, err error) {
	for key, numbers := range found {
		current, has, err := numberOf(txn, []byte(key))
		if err != nil {
			return nil, err
		}
		for _, number := range numbers {
			if has && number == current {
				continue
			}
			item, err := txn.Get(ownerKey(number))
			if errors.Is(err, badger.ErrKeyNotFound) {
				continue // another commit has deleted it
			}
			if err != nil {
				return nil, err
			}
			o, err := ownerOf(item)
			if err != nil {
				return nil, err
			}
			if bytes.Equal(o.key, []byte(key)) {
				left = append(left, o)
			}
		}
	}
	return left, nil
}

// numberOf returns the number of the parts to which a row refers, if it does.
func numberOf(txn *badger.Txn, key []byte) (number uint64, has bool, err error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return 0, false, nil
	}
	if err != nil || item.UserMeta() != divided {
		return 0, false, err
	}
	r, err := referenceOf(item)
	return r.number, err == nil, err
}

// drop deletes the owners that find returns, with their parts. It makes durable first
// what was committed: a power loss that took the row that has replaced another, but not
// the deletion of its parts, would leave the other without them.
func (d *db) drop(find func(txn *badger.Txn) ([]owner, error)) error {
	left, err := d.find(find)
	if err != nil || len(left) == 0 {
		return err
	}
	if err := d.sync(); err != nil {
		return err
	}
	return d.deleteParts(left)
}

func (d *db) find(find func(txn *badger.Txn) ([]owner, error)) (left []owner, err error) {
	defer damage.Recover(damage.Guard(), &err)
	txn := d.badger.NewTransaction(false)
	defer txn.Discard()
	left, err = find(txn)
	return left, translate(err)
}

func (d *db) deleteParts(owners []owner) error {
	b := &batch{db: d}
	defer b.discard()
	for _, o := range owners {
		for index := range o.count {
			if err := b.delete(partKey(o.number, index)); err != nil {
				return err
			}
		}
		if err := b.delete(ownerKey(o.number)); err != nil {
			return err
		}
	}
	if err := b.flush(); err != nil {
		return err
	}
	for _, o := range owners {
		d.large.forget(o)
	}
	return nil
}

// sweepMost is how many owners are deleted at once.
const sweepMost = 256

// sweepParts deletes all parts to which no row refers: the process was killed before it
// could commit the row, or delete them.
func (d *db) sweepParts() error {
	writing, next := d.large.underWay()
	for from, more := uint64(0), true; more; {
		err := d.drop(func(txn *badger.Txn) (left []owner, err error) {
			more = false
			err = eachOwner(txn, from, func(o owner) (bool, error) {
				if writing[o.number] || o.number >= next {
					return true, nil
				}
				current, has, err := numberOf(txn, o.key)
				if err == nil && (!has || current != o.number) {
					left = append(left, o)
				}
				if len(left) == sweepMost {
					from, more = o.number+1, true
				}
				return !more, err
			})
			return left, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// openLarge reads which values are divided. Parts may be left over only if the database
// was not closed.
func (d *db) openLarge(closed bool) error {
	goOn := func() error { return nil }
	if err := d.verifiedPrefix([]byte(ownerPrefix), goOn); err != nil {
		return err
	}
	_, err := d.find(func(txn *badger.Txn) ([]owner, error) {
		return nil, eachOwner(txn, 0, func(o owner) (bool, error) {
			d.large.add(o)
			d.large.next = o.number + 1
			return true, nil
		})
	})
	if err != nil || closed {
		return err
	}
	if err := d.sweepParts(); !errors.Is(err, errNoRoom) {
		return err
	}
	return nil // Compact tries again
}

// eachOwner calls fn with the owners whose number is at least from, in order.
func eachOwner(txn *badger.Txn, from uint64, fn func(o owner) (more bool, err error)) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte(ownerPrefix)})
	defer it.Close()
	for it.Seek(ownerKey(from)); it.Valid(); it.Next() {
		o, err := ownerOf(it.Item())
		if err != nil {
			return err
		}
		if more, err := fn(o); err != nil || !more {
			return err
		}
	}
	return nil
}
