package badger

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine/badger/internal/values"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/writes"
)

// large knows which rows have files, so that a write of another key need not look. It has
// a few bytes for each of them.
type large struct {
	mu   sync.Mutex
	next uint64
	// writing has the numbers of files whose rows are being committed, byKey those of
	// the rows that are, by the hash of the key.
	writing map[uint64]struct{}
	byKey   map[uint64][]uint64
	seed    maphash.Seed
	// replaced has files whose rows were replaced or deleted, until settle takes them.
	// They have values of replacedBytes.
	replaced      []uint64
	replacedBytes int64
}

func newLarge() *large {
	return &large{writing: map[uint64]struct{}{}, byKey: map[uint64][]uint64{}, seed: maphash.MakeSeed()}
}

// valueFile is the file of a value that is being written.
type valueFile struct {
	values.Ref
	key []byte
}

func numbersOf(files []valueFile) []uint64 {
	numbers := make([]uint64, len(files))
	for i, f := range files {
		numbers[i] = f.Number
	}
	return numbers
}

// begin gives numbers to files that are about to be written, one after the other.
func (l *large) begin(files []valueFile) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range files {
		files[i].Number = l.next
		l.writing[l.next] = struct{}{}
		l.next++
	}
}

// end says that the rows of files are committed, or that they will not be.
func (l *large) end(files []valueFile, committed bool) {
	if len(files) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range files {
		delete(l.writing, f.Number)
		if committed {
			l.add(f.Number, f.key)
		}
	}
}

func (l *large) add(number uint64, key []byte) {
	hash := maphash.Bytes(l.seed, key)
	l.byKey[hash] = append(l.byKey[hash], number)
}

// of returns the files that the keys may have, by key.
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

// replace says that the rows of files were replaced or deleted. It reports whether these
// files are to be removed now.
func (l *large) replace(owners []owner) (settle bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range owners {
		if l.remove(o) {
			l.replaced = append(l.replaced, o.number)
			l.replacedBytes += int64(o.size)
		}
	}
	return len(l.replaced) >= settleFiles || l.replacedBytes >= settleBytes
}

func (l *large) forget(o owner) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(o)
}

// remove reports false if another commit has found before that the row was replaced.
func (l *large) remove(o owner) bool {
	hash := maphash.Bytes(l.seed, o.key)
	at := slices.Index(l.byKey[hash], o.number)
	if at < 0 {
		return false
	}
	if l.byKey[hash] = slices.Delete(l.byKey[hash], at, at+1); len(l.byKey[hash]) == 0 {
		delete(l.byKey, hash)
	}
	return true
}

// take returns the files that were replaced, and forgets them.
func (l *large) take() []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	replaced := l.replaced
	l.replaced, l.replacedBytes = nil, 0
	return replaced
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

// As many files of replaced values may be left, or as large ones: each time that they are
// removed takes a commit and a sync.
const (
	settleFiles = 1024
	settleBytes = 256 << 20
)

// noteReplaced looks for the files of the rows that the writes have replaced. An error has
// all later writes refused.
func (d *db) noteReplaced(w *writes.Set) {
	found := d.large.of(w)
	if len(found) == 0 {
		return
	}
	err := d.verifiedOwners(found)
	if err == nil {
		var left []owner
		left, err = d.find(func(txn *badger.Txn) ([]owner, error) { return replaced(txn, found) })
		if err == nil && d.large.replace(left) {
			err = d.settle()
		}
	}
	if err != nil {
		d.fail(fmt.Errorf("badger: replaced values in %s: %w", d.options.Path, err))
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

// replaced returns those of the numbers found to which the row does not refer. They
// are owned by that row, unless another key has the same hash.
func replaced(txn *badger.Txn, found map[string][]uint64) (left []owner, err error) {
	for key, numbers := range found {
		for _, number := range numbers {
			item, err := txn.Get(ownerKey(number))
			if errors.Is(err, badger.ErrKeyNotFound) {
				continue // it is gone already
			}
			if err != nil {
				return nil, err
			}
			o, err := ownerOf(item)
			if err != nil {
				return nil, err
			}
			if !bytes.Equal(o.key, []byte(key)) {
				continue
			}
			if current, err := refers(txn, o); err != nil {
				return nil, err
			} else if !current {
				left = append(left, o)
			}
		}
	}
	return left, nil
}

func (d *db) find(find func(txn *badger.Txn) ([]owner, error)) (left []owner, err error) {
	defer damage.Recover(damage.Guard(), &err)
	txn := d.badger.NewTransaction(false)
	defer txn.Discard()
	left, err = find(txn)
	return left, translate(err)
}
