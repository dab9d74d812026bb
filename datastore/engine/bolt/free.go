package bolt

import (
	"errors"
	"reflect"
	"unsafe"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
)

// writeClosed adds the list of free pages to the file, and a note of where the tree is, so
// that the next opening need not go over all pages first. If each commit wrote the list, commits beside an
// open read transaction would make the file grow with the square of their number and
// worse: the pages they free cannot be used yet, so that the list gets longer, and it
// needs pages in a row, which are soon found at the end of the file alone.
//
// An error leaves the file as the last commit did, which is whole. So does a commit before that has failed
// and may be there.
func (d *db) writeClosed() {
	if d.options.ReadOnly || d.closed || d.uncertain != nil || d.broken.Load() {
		return
	}
	if err := d.commitClosed(); err != nil {
		// bbolt may hold locks if it panicked.
		d.broken.Store(true)
	}
}

func (d *db) commitClosed() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	d.bolt.NoFreelistSync = false
	tx, err := d.bolt.Begin(true)
	if err != nil {
		return err
	}
	if err := d.noteClosed(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	_ = tx.Commit()
	return nil
}

// count notes how much of the file is in use. The caller has the turn to write, or
// nobody else has the database yet.
func (d *db) count() error {
	tx, err := d.bolt.Begin(false)
	if err != nil {
		return err
	}
	used := tx.Size()
	if d.free != nil {
		used -= int64(d.free.Count()) * int64(d.bolt.Info().PageSize)
	}
	d.used.Store(used)
	return tx.Rollback()
}

// freelist is bbolt's list of free pages. Count returns how many there are, and how many
// more will be free when the transactions have ended that read them.
type freelist interface{ Count() int }

// freelistOf returns nil for a database that was opened to be read only. bbolt shows
// the count among its statistics alone, for which each transaction has to take two locks
// more.
func freelistOf(db *bbolt.DB) freelist {
	field := reflect.ValueOf(db).Elem().FieldByName("freelist")
	list, _ := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Interface().(freelist)
	return list
}
