package record

import (
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// Definition declares the trees in which Records keep their own data. Open a store for
// records with it, beside the program's own definitions. Its name is "libp2p".
var Definition = define()

// define names the indexes, so that Go makes them before the definition. No index can be
// added to a tree once a definition has it.
func define() *models.Definition {
	_, _ = valuesByReceived, valuesByExpiry
	valueTree.Core().Sole = true
	return models.NewDefinition("libp2p",
		append(providers.Trees(), valueTree, receipts.Tree, receipts.Signatures, totals)...)
}
