package datastore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// A plain key that a definition covers keeps the store from being opened with it,
// and is there without it: what is listed can be read and deleted.
func TestPlainKeysThatADefinitionCovers(t *testing.T) {
	ctx := t.Context()
	h := &harness{t: t, engine: memory.Engine()}
	h.open()
	for _, path := range []string{
		"/town.person", "/town.person/abc", "/town.person/primary", "/town.person/primary/x",
		"/town.person/primary/00000000000000000001", "/town.person/index/name/a/00000000000000000001",
	} {
		key := ds.NewKey(path)
		face := h.Datastore()
		if err := face.Put(ctx, key, []byte("v")); err != nil {
			t.Fatal(err)
		}
		h.close()
		_, err := datastore.Open(ctx, h.engine, town)
		if !errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), fmt.Sprintf("%q", path)) {
			t.Errorf("%s: %v", path, err)
		}
		h.open() // without the definition
		if keys := keysOf(t, h.Datastore(), dsq.Query{KeysOnly: true}); len(keys) != 1 || keys[0] != path {
			t.Errorf("listed: %q", keys)
		}
		if value, err := h.Datastore().Get(ctx, key); string(value) != "v" || err != nil {
			t.Errorf("%s: %q, %v", path, value, err)
		}
		if err := h.Datastore().Delete(ctx, key); err != nil {
			t.Error(err)
		}
	}
	// Keys beside it are nothing to the definition.
	for _, path := range []string{"/town", "/town.person-x", "/town.person2/primary/x", "/town.perso", "/x/town.person/y"} {
		if err := h.Datastore().Put(ctx, ds.NewKey(path), nil); err != nil {
			t.Fatal(err)
		}
	}
	h.close()
	h.definitions = append(h.definitions, town)
	h.open()
	for _, path := range keysOf(t, h.Datastore(), dsq.Query{KeysOnly: true}) {
		if has, err := h.Datastore().Has(ctx, ds.NewKey(path)); !has || err != nil {
			t.Errorf("%s is listed: %v, %v", path, has, err)
		}
	}
	// With the definition no key that it covers is taken, but for rows.
	for _, path := range []string{"/town.person", "/town.person/abc", "/town.person/primary/x"} {
		if err := h.Datastore().Put(ctx, ds.NewKey(path), nil); err == nil {
			t.Errorf("%s is taken", path)
		}
	}
	h.close()
}

// One that has expired is not in the way.
func TestExpiredPlainKeyThatADefinitionCovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, eng := t.Context(), memory.Engine()
		s, err := datastore.Open(ctx, eng)
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(s.Datastore().PutWithTTL(ctx, ds.NewKey("/town.person/abc"), nil, time.Hour), s.Close())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		datastore.Temp(t, eng, town)
	})
}
