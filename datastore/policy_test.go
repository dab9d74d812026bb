package datastore_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

type account struct {
	ID    uint64
	Name  string
	Phone string
}

func accountKey(a *account) uint64 { return a.ID }

// accountTree declares a tree of accounts, with a name that only one account has
// and a phone number that some have.
func accountTree(p models.Policy) (*models.Tree[account, uint64], *models.Unique[account, uint64, string], *models.Unique[account, uint64, string]) {
	tree := models.NewTree("account", models.Uint64, accountKey, models.WithPolicy[account](p))
	name := models.NewUnique(tree, "name", models.String, func(a *account) string { return a.Name })
	phone := models.NewUnique(tree, "phone", models.String, func(a *account) string { return a.Phone },
		models.Where(func(a *account) bool { return a.Phone != "" }))
	return tree, name, phone
}

// TestSignedRowsAreOutOfReach checks that no ordinary call writes to a signed tree,
// and that package record, which signs what it writes, can.
func TestSignedRowsAreOutOfReach(t *testing.T) {
	tree, _, _ := accountTree(models.Signed)
	store := datastore.Temp(t, memory.Engine(), models.NewDefinition("bank", tree))
	ctx, a := t.Context(), account{ID: 1, Name: "alice"}
	if err := tree.Put(ctx, session.Trusted{Writer: store}, &a); err != nil {
		t.Fatal(err)
	}
	key, value, err := tree.Encode(&a)
	if err != nil {
		t.Fatal(err)
	}
	one := func(yield func(account, error) bool) { yield(a, nil) }
	_, importErr := datastore.Import(ctx, store, tree, one, datastore.ImportOptions{})
	face := store.Datastore()
	writes := map[string]error{
		"put":       tree.Put(ctx, store, &a),
		"insert":    tree.Insert(ctx, store, &account{ID: 2}),
		"replace":   tree.Replace(ctx, store, &a),
		"many":      tree.PutMany(ctx, store, []account{a}),
		"until":     tree.PutUntil(ctx, store, &a, time.Now().Add(time.Hour)),
		"modify":    tree.Modify(ctx, store, 1, func(a *account) error { return nil }),
		"upsert":    tree.Upsert(ctx, store, 1, func(*account, bool) (bool, error) { return false, nil }),
		"delete":    tree.Delete(ctx, store, 1),
		"some":      tree.DeleteMany(ctx, store, []uint64{1}),
		"clear":     tree.Clear(ctx, store),
		"expiry":    tree.SetExpiry(ctx, store, 1, time.Now().Add(time.Hour)),
		"raw":       tree.Raw().Put(ctx, store, key, value),
		"raw gone":  tree.Raw().Delete(ctx, store, key),
		"import":    importErr,
		"face":      face.Put(ctx, ds.NewKey("/bank.account/primary/"+tree.PathText(1)), value),
		"face gone": face.Delete(ctx, ds.NewKey("/bank.account/primary/"+tree.PathText(1))),
		"in a transaction": store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			return tree.Put(ctx, tx, &a)
		}),
	}
	for what, err := range writes {
		if !errors.Is(err, models.ErrPolicy) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, err := tree.Get(ctx, store, 1); got != a || err != nil {
		t.Error(got, err)
	}
}

// TestSignedRowsExpire checks that the sweep, which is no ordinary call, removes
// expired rows of a signed tree.
func TestSignedRowsExpire(t *testing.T) {
	tree, _, _ := accountTree(models.Signed)
	store := datastore.Temp(t, memory.Engine(), models.NewDefinition("bank", tree))
	err := tree.PutUntil(t.Context(), session.Trusted{Writer: store}, &account{ID: 1}, time.Now().Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := store.Expire(t.Context()); n != 1 || err != nil {
		t.Error(n, err)
	}
}

// TestImmutableRowsKeepTheirHash checks that a row of an immutable tree lies under
// the hash of its value and nowhere else.
func TestImmutableRowsKeepTheirHash(t *testing.T) {
	type note struct {
		Hash []byte `cbor:"-"`
		Text string
	}
	notes := models.NewTree("note", models.Bytes, func(n *note) []byte { return n.Hash },
		models.WithKey(func(n *note, hash []byte) { n.Hash = hash }), models.WithPolicy[note](models.Immutable))
	store := datastore.Temp(t, memory.Engine(), models.NewDefinition("bank", notes))
	ctx, n := t.Context(), note{Text: "pay"}
	_, value, err := notes.Encode(&n)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(value)
	n.Hash = hash[:]
	if err := notes.Put(ctx, store, &n); err != nil {
		t.Fatal(err)
	}
	forged := note{Hash: hash[:], Text: "pay twice"}
	changed := notes.Modify(ctx, store, n.Hash, func(n *note) error { n.Text = "pay twice"; return nil })
	for _, err := range []error{notes.Put(ctx, store, &forged), notes.Replace(ctx, store, &forged), changed} {
		if !errors.Is(err, models.ErrPolicy) {
			t.Error(err)
		}
	}
	if got, err := notes.Get(ctx, store, n.Hash); got.Text != "pay" || err != nil {
		t.Error(got, err)
	}
	if err := notes.Delete(ctx, store, n.Hash); err != nil {
		t.Error(err)
	}
}

// TestPolicyStays checks that a store does not forget the policy of a tree.
func TestPolicyStays(t *testing.T) {
	eng := memory.Engine()
	for _, c := range []struct {
		policy models.Policy
		fits   bool
	}{{models.Signed, true}, {models.Local, false}, {models.Open, false}, {models.Signed, true}} {
		tree, _, _ := accountTree(c.policy)
		store, err := datastore.Open(t.Context(), eng, models.NewDefinition("bank", tree))
		if c.fits && err != nil {
			t.Fatal(err)
		}
		if !c.fits && (!errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), "policy")) {
			t.Error(c.policy, err)
		}
		if err == nil {
			store.Close()
		}
	}
}

// TestPartialIndex checks that rows without a key take no part in an index, and
// change sides as they change.
func TestPartialIndex(t *testing.T) {
	tree, _, phone := accountTree(models.Local)
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		for _, a := range []account{{1, "a", ""}, {2, "b", ""}, {3, "c", "555"}} {
			if err := tree.Put(ctx, h.Store, &a); err != nil {
				t.Fatal(err)
			}
		}
		count := func(want int) {
			t.Helper()
			if n, err := phone.Count(ctx, h.Store, models.Range[string]{}); n != want || err != nil {
				t.Error(n, err)
			}
		}
		count(1)
		if _, err := phone.Get(ctx, h.Store, ""); !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
		if err := tree.Put(ctx, h.Store, &account{2, "b", "555"}); !errors.Is(err, models.ErrUnique) {
			t.Error(err)
		}
		if err := tree.Put(ctx, h.Store, &account{3, "c", ""}); err != nil {
			t.Error(err)
		}
		count(0)
		if err := tree.Put(ctx, h.Store, &account{2, "b", "555"}); err != nil {
			t.Error(err)
		}
		count(1)
		if got, err := phone.Get(ctx, h.Store, "555"); got.ID != 2 || err != nil {
			t.Error(got, err)
		}
	}, models.NewDefinition("bank", tree))
}

// TestPartialIndexOfAnUnknownTree checks that Verify does not miss the entries of
// rows that take no part, where only the catalog is there to tell.
func TestPartialIndexOfAnUnknownTree(t *testing.T) {
	tree, _, _ := accountTree(models.Local)
	eng := memory.Engine()
	store, err := datastore.Open(t.Context(), eng, models.NewDefinition("bank", tree))
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Put(t.Context(), store, &account{ID: 1}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	datastore.Temp(t, eng) // which verifies the store
}

// TestClaims checks that in a tree whose rows come from others a unique key has
// room for every claim, and that the answer depends on the rows alone.
func TestClaims(t *testing.T) {
	tree, name, _ := accountTree(models.Open)
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		rows := []account{{3, "alice", ""}, {1, "alice", ""}, {2, "alice", ""}, {4, "alice2", ""}}
		for i := range rows {
			if err := tree.Put(ctx, h.Store, &rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		answer := func(want uint64) {
			t.Helper()
			a, err := name.Get(ctx, h.Store, "alice")
			key, keyErr := name.Key(ctx, h.Store, "alice")
			many, manyErr := name.GetMany(ctx, h.Store, []string{"alice", "bob"})
			var lent string
			borrowErr := name.Borrow(ctx, h.Store, "alice", func(row models.BorrowedRow) error {
				lent += string(row.Key.Clone())
				return nil
			})
			if err := errors.Join(err, keyErr, manyErr, borrowErr); err != nil {
				t.Fatal(err)
			}
			if a.ID != want || key != want || many[0].ID != want || many[1] != nil || lent != string(tree.EncodeKey(want)) {
				t.Error(a, key, many, lent)
			}
		}
		answer(1)
		if n, err := name.Count(ctx, h.Store, models.Only("alice")); n != 3 || err != nil {
			t.Error(n, err)
		}
		if err := tree.PutUntil(ctx, h.Store, &rows[1], time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		answer(2) // though the row that has expired may still have its entry
		if err := tree.DeleteMany(ctx, h.Store, []uint64{1, 2, 3}); err != nil {
			t.Fatal(err)
		}
		if _, err := name.Get(ctx, h.Store, "alice"); !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
	}, models.NewDefinition("bank", tree))
}

// TestLateIndex checks that an index that is declared after the definition has
// sealed its tree is refused by itself, and harms no store that is open.
func TestLateIndex(t *testing.T) {
	tree := models.NewTree("account", models.Uint64, accountKey)
	early := models.NewIndex(tree, "name", models.String, func(a *account) string { return a.Name })
	bank := models.NewDefinition("bank", tree)
	store := datastore.Temp(t, memory.Engine(), bank)
	late := models.NewUnique(tree, "phone", models.String, func(a *account) string { return a.Phone })

	ctx := t.Context()
	if err := tree.Put(ctx, store, &account{ID: 1, Name: "alice"}); err != nil {
		t.Error(err)
	}
	if n, err := early.Count(ctx, store, models.Only("alice")); n != 1 || err != nil {
		t.Error(n, err)
	}
	_, getErr := late.Get(ctx, store, "x")
	_, keyErr := late.Key(ctx, store, "x")
	_, manyErr := late.GetMany(ctx, store, []string{"x"})
	_, countErr := late.Count(ctx, store, models.Range[string]{})
	_, openErr := datastore.Open(ctx, memory.Engine(), bank)
	borrowErr := late.Borrow(ctx, store, "x", nil)
	for i, err := range []error{getErr, keyErr, manyErr, countErr, borrowErr, openErr} {
		if !errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), `"phone"`) {
			t.Error(i, err)
		}
	}
	for _, err := range late.Range(ctx, store, models.Range[string]{}) {
		if !errors.Is(err, models.ErrDefinition) {
			t.Error(err)
		}
	}
}
