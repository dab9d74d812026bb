package policy_test

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// A record that has been taken apart is put together as it was, and is as good as itself.
func TestStoredRecordIsTheOneThatCame(t *testing.T) {
	ada := newWriter(t)
	rules := policy.For(signed, age)
	key, value := encode(t, signed, note{Author: ada.id, Number: 1, Text: "a"})
	s := wire.Statement{
		Head:      wire.Head{Sequence: 300, Expires: uint64(time.Now().Add(age).Unix())},
		RecordKey: recordKey(t, &rules, key), Value: value,
	}
	gone := s
	gone.Retracted, gone.Value = true, nil
	openKey, openValue := encode(t, open, note{Author: ada.id, Number: 1, Clock: 5})
	_, fixed := encode(t, immutable, note{Author: ada.id, Text: "a"})
	fixedKey := sha256.Sum256(fixed)

	for name, at := range map[string]struct {
		tree      models.AnyTree
		key, data []byte
	}{
		"open":      {open, openKey, openValue},
		"signed":    {signed, key, ada.sign(t, s)},
		"tombstone": {signed, key, ada.sign(t, gone)},
		"immutable": {immutable, fixedKey[:], fixed},
	} {
		rules := policy.For(at.tree, age)
		c, err := rules.Check(at.key, at.data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		stored := policy.Stored{Value: c.Value, Whole: true}
		if at.tree.Policy() == models.Signed {
			stored.Signature = &c.Signature
		}
		if stored.Tombstone() != c.Retracted {
			t.Errorf("%s: Tombstone is %v", name, stored.Tombstone())
		}
		if data, err := rules.Data(recordKey(t, &rules, at.key), &stored); err != nil || !bytes.Equal(data, at.data) {
			t.Errorf("%s: put together as %x, want %x, error %v", name, data, at.data, err)
		}
		held, err := rules.Held(at.key, &stored)
		if err != nil || (held == nil) != (at.tree == models.AnyTree(immutable)) || held != nil && c.Compare(held) != 0 {
			t.Errorf("%s: held is %+v, error %v", name, held, err)
		}
	}
}

// Where there is no record, every record may come. A signature without its row still
// keeps older records out.
func TestHeld(t *testing.T) {
	ada := newWriter(t)
	key, value := encode(t, signed, note{Author: ada.id, Number: 1})
	for tree, stored := range map[models.AnyTree]policy.Stored{
		open:   {},
		signed: {Value: value}, // its signature is missing
	} {
		rules := policy.For(tree, age)
		if held, err := rules.Held(key, &stored); held != nil || err != nil {
			t.Errorf("%s: held is %+v, error %v", tree.Name(), held, err)
		}
	}
	rules := policy.For(signed, age)
	head := wire.Head{Sequence: 5, Expires: 1}
	// The envelope is not needed: it belongs to the row that is gone.
	held, err := rules.Held(key, &policy.Stored{Signature: &wire.Signature{Head: head, Envelope: []byte("none")}})
	if err != nil || held == nil || held.Head != head {
		t.Fatalf("held is %+v, error %v", held, err)
	}
	for sequence, better := range map[uint64]bool{4: false, 6: true} {
		c := policy.Candidate{Signature: wire.Signature{Head: wire.Head{Sequence: sequence}}}
		if (c.Compare(held) > 0) != better {
			t.Errorf("number %d over number 5: %d", sequence, c.Compare(held))
		}
	}
}
