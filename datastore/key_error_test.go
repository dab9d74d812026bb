package datastore_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
)

// TestErrorsOfPlainKeys shows that errors name a key as the caller wrote it, and tell the size
// of the value that was put.
func TestErrorsOfPlainKeys(t *testing.T) {
	ctx := t.Context()
	d, err := datastore.OpenDatastore(ctx, badger.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}}.Engine())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const size = 17 << 20
	key, value := ds.RawKey(`/a "quoted" \ path/é`), bytes.Repeat([]byte("x"), size)
	batch, err := d.Batch(ctx)
	if err = errors.Join(err, batch.Put(ctx, key, value)); err != nil {
		t.Fatal(err)
	}
	txn, err := d.NewTransaction(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard(ctx)
	var limit int64
	for name, err := range map[string]error{
		"Put": d.Put(ctx, key, value), "Commit of a batch": batch.Commit(ctx),
		"Put of a transaction": txn.Put(ctx, key, value),
	} {
		large, of := (*engine.TooLargeError)(nil), (*datastore.KeyError)(nil)
		if !errors.As(err, &large) || !errors.As(err, &of) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if large.Size != size || of.Key != key.String() || !strings.Contains(err.Error(), `"`+key.String()+`"`) {
			t.Errorf("%s tells %d bytes under %s: %v", name, large.Size, of.Key, err)
		}
		limit = large.Limit
	}
	txn.Discard(ctx)
	if err := d.Put(ctx, key, value[:limit]); err != nil {
		t.Errorf("a value of the limit that the errors tell: %v", err)
	}
	if err := d.Put(ctx, key, value[:limit+1]); !errors.Is(err, engine.ErrTooLarge) {
		t.Errorf("a value above the limit that the errors tell: %v", err)
	}
}

// TestKeyErrorText shows that only a key that does not print is escaped.
func TestKeyErrorText(t *testing.T) {
	why := errors.New("why")
	for key, want := range map[string]string{
		"/a/b":                      `key "/a/b": why`,
		`/"a"\b`:                    `key "/"a"\b": why`,
		"/a\nb":                     `key "/a\nb": why`,
		"/\xff":                     `key "/\xff": why`,
		strings.Repeat("/long", 50): `key "` + strings.Repeat("/long", 40) + `"…: why`,
	} {
		if got := (&datastore.KeyError{Key: key, Err: why}).Error(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
