package datastore_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// The schema of a tree in a store is that of its definition, in the newest version.
func TestInspectSchema(t *testing.T) {
	eng, ctx := memory.Engine(), t.Context()
	tree1, _, d1 := users1()
	tree2, _, d2 := users2()
	for _, open := range []struct {
		d    *models.Definition
		want shape.Schema
	}{{d1, tree1.Schema()}, {d2, tree2.Schema()}, {models.NewDefinition("other"), tree2.Schema()}} {
		closeStore(t, openOne(t, eng, open.d)) // which adds the version, if nothing has been written
		s := openOne(t, eng, open.d)
		got, err := s.Inspect().Schema(ctx, "app.user")
		if err != nil || got.Check() != nil || !reflect.DeepEqual(got.Indexes, open.want.Indexes) {
			t.Errorf("%+v, %v", got, err)
		}
		if relation, err := open.want.Compare(got); err != nil || relation != shape.Same {
			t.Errorf("the stored schema is %v, %v", relation, err)
		}
		closeStore(t, s)
	}
	in, err := datastore.Inspect(ctx, eng)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := in.Schema(ctx, "app.none"); !errors.Is(err, models.ErrUnknownTree) {
		t.Errorf("a tree that is not there: %v", err)
	}
}
