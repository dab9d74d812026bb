package record

import (
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
)

// Definition declares what Records keeps of its own. A store for records is opened
// with it, beside the program's own definitions. Its name is "libp2p".
var Definition = define()

// define names the indexes so that Go makes them before the definition, which seals
// its trees.
func define() *models.Definition {
	_, _ = ValueByReceived, ReceiptByOrigin
	return models.NewDefinition("libp2p", append(providers.Trees(), Values, Receipts, Seals, totals)...)
}
