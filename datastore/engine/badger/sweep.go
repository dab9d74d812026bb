package badger

import (
	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
)

// settle removes the files of rows that were replaced or deleted. It makes durable first
// what was committed: a power loss that took the deletion of a row, but not that of its
// file, would leave the row without a value.
func (d *db) settle() error {
	d.settling.Lock()
	defer d.settling.Unlock()
	return d.removeFiles(d.large.take())
}

// removeFiles removes files to which no committed row refers. The caller holds settling.
func (d *db) removeFiles(numbers []uint64) error {
	if len(numbers) == 0 {
		return nil
	}
	if err := d.sync(); err != nil {
		return err
	}
	// Deletions are no more than the space that is kept free is for. Without them a
	// disk that is full would stay so.
	b := &batch{db: d, intoReserve: true}
	defer b.discard()
	for _, number := range numbers {
		if err := b.delete(ownerKey(number)); err != nil {
			return err
		}
	}
	if err := b.flush(); err != nil {
		return err
	}
	d.horizon.retire(numbers)
	return nil
}

// sweep removes all files to which no row refers: the process was killed before it could
// commit the row, or remove the file of one that was replaced.
func (d *db) sweep() error {
	d.settling.Lock()
	defer d.settling.Unlock()
	d.large.take() // they are among those that are found
	writing, next := d.large.underWay()
	owned := map[uint64]bool{}
	left, err := d.find(func(txn *badger.Txn) (left []owner, err error) {
		err = eachOwner(txn, func(o owner) error {
			owned[o.number] = true
			current, err := refers(txn, o)
			if err == nil && !current && !writing[o.number] && o.number < next {
				left = append(left, o)
			}
			return err
		})
		return left, err
	})
	if err != nil {
		return err
	}
	numbers := make([]uint64, len(left))
	for i, o := range left {
		d.large.forget(o)
		numbers[i] = o.number
	}
	if err := d.removeFiles(numbers); err != nil {
		return err
	}
	files, err := d.values.Numbers()
	if err != nil {
		return err
	}
	retired := d.horizon.retired()
	for _, number := range files {
		if !owned[number] && !writing[number] && !retired[number] && number < next {
			if err := d.values.Remove(number); err != nil {
				return err
			}
		}
	}
	return nil
}

// openLarge reads which rows have files. Files may be left over only if the database was
// not closed.
func (d *db) openLarge(closed bool) error {
	goOn := func() error { return nil }
	if err := d.verifiedPrefix([]byte(ownerPrefix), goOn); err != nil {
		return err
	}
	_, err := d.find(func(txn *badger.Txn) ([]owner, error) {
		return nil, eachOwner(txn, func(o owner) error {
			d.large.add(o.number, o.key)
			d.large.next = o.number + 1
			if closed {
				d.values.Holds(o.size)
			}
			return nil
		})
	})
	if err != nil || closed {
		return err
	}
	next, err := d.values.Measure()
	if err != nil {
		return err
	}
	d.large.next = max(d.large.next, next)
	return d.sweep()
}

// verifyFiles reads the values of all files.
func (d *db) verifyFiles(check func() error) (err error) {
	defer damage.Recover(damage.Guard(), &err)
	t := &readTxn{db: d}
	if err := t.begin(); err != nil {
		return err
	}
	defer t.snapshot.leave()
	err = eachOwner(t.txn, func(o owner) error {
		if err := check(); err != nil {
			return err
		}
		if current, err := refers(t.txn, o); err != nil || !current {
			return err
		}
		item, err := t.txn.Get(o.key)
		if err != nil {
			return err
		}
		_, err = t.valueOf(item)
		return err
	})
	return translate(err)
}
