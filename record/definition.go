package record

import (
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// Definition declares what Records keeps of its own. A store for records is opened
// with it, beside the program's own definitions. Its name is "libp2p".
var Definition = define()

// define names the index so that Go makes it before the definition, which seals its
// trees.
func define() *models.Definition {
	_ = ValueByReceived
	return models.NewDefinition("libp2p", append(providers.Trees(), Values, receipts.Tree, receipts.Signatures, totals)...)
}
