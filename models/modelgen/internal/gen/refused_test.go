package gen_test

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/gen/testdata/recursive"
	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/gen/testdata/shapes"
	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/gen/testdata/tags"
	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/gen/testdata/types"
)

// TestRefusedByBoth checks that the reflected codec refuses the types that TestFaults expects
// modelgen to refuse.
func TestRefusedByBoth(t *testing.T) {
	refuses[types.Chan](t)
	refuses[types.Any](t)
	refuses[types.Keyed](t)
	refuses[types.Pointers](t)
	refuses[types.Long](t)
	refuses[types.Huge](t)
	refuses[types.Unsafe](t)
	refuses[types.Half](t)
	refuses[types.Own](t)
	refuses[types.Closed](t)
	refuses[tags.Renaming](t)
	refuses[tags.Skipping](t)
	refuses[tags.Unknown](t)
	refuses[tags.Bare](t)
	refuses[tags.Hidden](t)
	refuses[tags.Private](t)
	refuses[tags.Unstored](t)
	refuses[tags.WasItself](t)
	refuses[tags.WasAnother](t)
	refuses[tags.WasTwice](t)
	refuses[tags.Inside](t)
	refuses[tags.Whole](t)
	refuses[tags.Defaults](t)
	refuses[tags.Was](t)
	refuses[shapes.Same](t)
	refuses[shapes.Pointer](t)
	refuses[shapes.Promoted](t)
	refuses[shapes.Promotes](t)
	refuses[shapes.Array](t)
	refuses[shapes.Numbered](t)
	refuses[recursive.Tree](t)
	refuses[recursive.Chain](t)
	refuses[recursive.Deep](t)
	refuses[recursive.Again](t)
}

func refuses[M any](t *testing.T) {
	t.Helper()
	if models.DagCBOR[M]().(interface{ Err() error }).Err() == nil {
		t.Errorf("the reflected codec takes %T", *new(M))
	}
}
