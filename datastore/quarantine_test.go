package datastore_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// hideAll moves keys to the quarantine, as they are.
func hideAll(t *testing.T, eng engine.Engine, keys ...[]byte) {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		stored, err := txn.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(txn.Put(append([]byte{3}, key...), bytes.Clone(stored)), txn.Delete(bytes.Clone(key))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(txn.Commit(t.Context(), engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// setAside lists the quarantine by stored key.
func setAside(t *testing.T, s *datastore.Store) map[string]datastore.Quarantined {
	t.Helper()
	all := map[string]datastore.Quarantined{}
	for q, err := range s.Quarantine(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all[string(q.Key)] = q
	}
	return all
}

// TestQuarantine fills the quarantine with what can be there, and puts back what can be read.
func TestQuarantine(t *testing.T) {
	ctx := t.Context()
	until := time.Now().Add(time.Hour)
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := newEngine(t)
			h := &harness{t: t, engine: eng, definitions: []*models.Definition{town}}
			h.open()
			fillTown(t, h.Store, 6)
			p := somebody(5)
			if err := people.PutUntil(ctx, h.Store, &p, until); err != nil {
				t.Fatal(err)
			}
			h.close()
			// Row 0 is damaged. Rows 1 to 5 are whole, as if an earlier version could not read
			// them. Index entries and keys of later versions have been set aside, too.
			putAll(t, eng, []pair{{[]byte{5, 'x'}, []byte("later")}, {[]byte{200}, []byte("stray")}})
			entry := []byte(nil)
			for _, p := range dump(t, eng) {
				if bytes.Equal(p.key, personKey(0)) {
					p.value[len(p.value)-1] ^= 1
					putAll(t, eng, []pair{p})
				}
				if p.key[0] > peopleSpace && p.key[0] < 200 && entry == nil {
					entry = p.key
				}
			}
			hideAll(t, eng, personKey(1), personKey(2), personKey(3), personKey(4), personKey(5), []byte{5, 'x'}, entry)
			h.open()
			defer h.close()
			if report, err := datastore.Repair(ctx, h.Store); err != nil || report.Left() != 0 {
				t.Fatalf("%+v, %v", report, err)
			}
			// Others have taken the place of row 3, and the unique key of row 4.
			other, thief := somebody(3), somebody(100)
			other.Name, thief.Email = "other", somebody(4).Email
			if err := errors.Join(people.Put(ctx, h.Store, &other), people.Put(ctx, h.Store, &thief)); err != nil {
				t.Fatal(err)
			}

			all := setAside(t, h.Store)
			for what, c := range map[string]struct {
				key        []byte
				text       string
				err, fails error
			}{
				"a damaged row":               {personKey(0), "0", models.ErrCorrupt, models.ErrCorrupt},
				"a row":                       {personKey(1), "1", nil, nil},
				"a row whose key is taken":    {personKey(3), "3", nil, models.ErrExists},
				"a row whose email is taken":  {personKey(4), "4", nil, models.ErrUnique},
				"a row that expires":          {personKey(5), "5", nil, nil},
				"a key of a later version":    {[]byte{5, 'x'}, "", models.ErrVersion, models.ErrVersion},
				"a key of no tree":            {[]byte{200}, "", models.ErrCorrupt, models.ErrCorrupt},
				"a key that is not set aside": {personKey(77), "", nil, models.ErrNotFound},
			} {
				q, there := all[string(c.key)]
				if !errors.Is(q.Err, c.err) || q.Text != c.text || there != (c.fails != models.ErrNotFound) || there && len(q.Stored) == 0 || (q.Tree == people.Name()) != (c.text != "") {
					t.Errorf("%s: %+v", what, q)
				}
				if err := h.RestoreQuarantined(ctx, c.key); !errors.Is(err, c.fails) {
					t.Errorf("%s is restored with %v", what, err)
				}
				if _, still := setAside(t, h.Store)[string(c.key)]; still != (there && c.fails != nil) {
					t.Errorf("%s is set aside after restoring: %t", what, still)
				}
			}
			if q := all[string(entry)]; !errors.Is(q.Err, models.ErrInvalid) || q.Index == "" || q.Tree != people.Name() || len(all) != 9 {
				t.Errorf("an index entry: %+v, of %d", q, len(all))
			}
			h.verify() // that restored rows have their entries
			if got, err := byEmail.Get(ctx, h.Store, somebody(1).Email); err != nil || got.ID != 1 {
				t.Errorf("row 1 is found as %+v, %v", got, err)
			}
			if got, err := people.Expiry(ctx, h.Store, 5); err != nil || !got.Equal(until) {
				t.Errorf("row 5 expires at %v, %v; want %v", got, err, until)
			}
			for _, key := range [][]byte{personKey(0), personKey(3), personKey(4), {5, 'x'}, {200}, entry} {
				if err := h.DropQuarantined(ctx, key); err != nil {
					t.Error(err)
				}
				if err := h.DropQuarantined(ctx, key); !errors.Is(err, models.ErrNotFound) {
					t.Error(err)
				}
			}
			// A loop may change what it lists.
			left := 0
			for q, err := range h.Quarantine(ctx) {
				left++
				if err := errors.Join(err, h.RestoreQuarantined(ctx, q.Key)); err != nil {
					t.Error(err)
				}
			}
			if left != 1 || len(setAside(t, h.Store)) != 0 {
				t.Errorf("%d were left", left)
			}
		})
	}
}

// Without the definition of a tree its rows are put back only if no index would lack them.
func TestQuarantineWithoutDefinitions(t *testing.T) {
	ctx := t.Context()
	for _, indexed := range []bool{false, true} {
		eng := memory.Engine()
		tree, definition := items("shop", func(tree *models.Tree[item, uint64]) {
			if indexed {
				models.NewIndex(tree, "group", models.Uint64, itemGroup)
			}
		})
		until := time.Now().Add(time.Hour)
		s, err := datastore.Open(ctx, eng, definition)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(tree.PutUntil(ctx, s, &item{1, 2}, until), s.Close()); err != nil {
			t.Fatal(err)
		}
		var key []byte
		for _, p := range dump(t, eng) {
			if bytes.HasSuffix(p.key, []byte{0, 0, 1}) && p.key[0] >= 64 && len(p.key) == 9 {
				key = p.key
			}
		}
		hideAll(t, eng, key)
		if s, err = datastore.Open(ctx, eng); err != nil {
			t.Fatal(err)
		}
		if _, err := datastore.Repair(ctx, s); err != nil {
			t.Error(err)
		}
		if q := setAside(t, s)[string(key)]; q.Err != nil || q.Tree != "shop.item" || q.Text != "1" {
			t.Errorf("%+v", q)
		}
		err = s.RestoreQuarantined(ctx, key)
		if indexed != errors.Is(err, models.ErrUnknownTree) || !indexed && err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = datastore.Temp(t, eng, definition)
		if indexed {
			err = s.RestoreQuarantined(ctx, key)
		}
		if expiry, getErr := tree.Expiry(ctx, s, 1); err != nil || getErr != nil || !expiry.Equal(until) {
			t.Errorf("indexed %t: %v, %v, until %v", indexed, err, getErr, expiry)
		}
		if report, err := datastore.Verify(ctx, s); err != nil || !report.Clean() {
			t.Errorf("%+v, %v", report, err)
		}
	}
}
