package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// keyAt returns where the key of an element of a leaf is.
func keyAt(file []byte, leaf, i int) int {
	element := leaf + 16 + 16*i
	return element + int(binary.LittleEndian.Uint32(file[element+4:]))
}

// tryPut returns an error, which it reports as well unless the put is refused.
func tryPut(t *testing.T, db engine.DB) error {
	t.Helper()
	txn, err := db.Update(t.Context())
	if err == nil {
		defer txn.Discard()
		if err = txn.Put([]byte("key"), nil); err == nil {
			err = txn.Commit(t.Context(), engine.Durable)
		}
	}
	if !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("a put to a damaged file returned %v", err)
	}
	return err
}

// TestCheck damages the parts of a file that hold no rows. Without the check bbolt
// would write over pages that are in use, misread pages, or end the process.
func TestCheck(t *testing.T) {
	const page = 4096
	path := t.TempDir()
	options := bolt.Options{Config: engine.Config{Path: path}}
	db := open(t, options)
	for i := range 300 { // some pages of leaves, and a branch
		put(t, db, fmt.Sprint("key ", i), 200)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(path, bolt.FileName)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// The last page of each kind, of those that are not left over from before.
	pages, twin := map[uint16]int{}, 0
	newest := whole[:page]
	if binary.LittleEndian.Uint64(whole[page+64:]) > binary.LittleEndian.Uint64(whole[64:]) {
		newest = whole[page : 2*page]
	}
	freelist := int(binary.LittleEndian.Uint64(newest[48:])) * page
	free := map[int]bool{}
	for i := range int(binary.LittleEndian.Uint16(whole[freelist+10:])) {
		free[int(binary.LittleEndian.Uint64(whole[freelist+16+8*i:]))] = true
	}
	for at := 2 * page; at < int(binary.LittleEndian.Uint64(newest[56:]))*page; at += page {
		if !free[at/page] && int(binary.LittleEndian.Uint64(whole[at:])) == at/page {
			pages[binary.LittleEndian.Uint16(whole[at+8:])] = at
		}
		if used := at / page; !free[used] && !free[used-1] && used > 2 && at != freelist && at-page != freelist {
			twin = at - page // with another right behind it
		}
	}
	branch, leaf := pages[1], pages[2]
	if branch == 0 || leaf == 0 || len(free) == 0 {
		t.Fatalf("pages %v, %d are free", pages, len(free))
	}
	refer := func(file []byte, at, to int) { binary.LittleEndian.PutUint64(file[at:], uint64(to/page)) }
	for _, damage := range []struct {
		says   string // part of the error, or empty for a file without damage
		change func(file []byte)
	}{
		{"", func([]byte) {}},
		{"free, occurs more than once", func(file []byte) { refer(file, freelist+16, leaf) }},
		{"neither used nor free", func(file []byte) { file[freelist+10]-- }},
		{"free, is not in the file", func(file []byte) { file[freelist+16+7] = 1 }},
		{"are free", func(file []byte) {
			file[freelist+10], file[freelist+11] = 0xFF, 0xFF
			binary.LittleEndian.PutUint64(file[freelist+16:], 1<<40)
		}},
		{"flags", func(file []byte) { file[leaf+8] = 1 << 6 }},
		{"says that it is page", func(file []byte) { file[leaf]++ }},
		{"more are not in the file", func(file []byte) { file[leaf+12+3] = 0xFF }},
		{"reach beyond the page", func(file []byte) { file[leaf+16+12+1] = 0xFF }},
		{"a key of", func(file []byte) { file[leaf+16+8+2] = 1 }},
		{"is at 448 and not at", func(file []byte) { file[leaf+16+16+4]++ }},
		{"is empty", func(file []byte) { file[leaf+10], file[leaf+11] = 0, 0 }},
		{"element 0 is at", func(file []byte) { file[branch+10]-- }},
		// The branch has another key for this page.
		{"key 0, ", func(file []byte) { file[keyAt(file, leaf, 0)] = 'x' }},
		{"key 1, ", func(file []byte) { file[keyAt(file, leaf, 1)] = 'a' }},
		{"leads nowhere", func(file []byte) { file[branch+10], file[branch+11] = 0, 0 }},
		{"is not in the file of", func(file []byte) { file[branch+16+8+7] = 1 }},
		{"in use, occurs more than once", func(file []byte) { refer(file, branch+16+8, branch) }},
		{"in use, occurs more than once", func(file []byte) { file[twin+12] = 1 }},
	} {
		says := damage.says
		damaged := append([]byte(nil), whole...)
		damage.change(damaged)
		if err := os.WriteFile(name, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{true, false} {
			options.ReadOnly = readOnly
			db, err := options.Engine().Open(t.Context())
			if err == nil {
				err = db.(engine.Verifier).Verify(t.Context())
				if !readOnly && says != "" {
					err = errors.Join(err, tryPut(t, db))
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
				if file, err := os.ReadFile(name); err != nil || says != "" && !bytes.Equal(file, damaged) {
					t.Errorf("%q: the file was written to, error %v", says, err)
				}
			}
			if says == "" != (err == nil) ||
				says != "" && (!errors.Is(err, engine.ErrCorrupt) || !strings.Contains(err.Error(), says)) {
				t.Errorf("%q: %v", says, err)
			}
		}
	}
}
