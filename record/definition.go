package record

import "github.com/newsnet-africa/netabase-go/models"

// Definition holds the trees that Records keeps of its own. A store for records
// is opened with it, beside the program's own definitions. Its name is
// "libp2p".
//
// The trees are there to be read and counted. Written to other than through
// Records they answer kad-dht wrongly.
var Definition = models.NewDefinition("libp2p", Values, Providers, Peers, Shares, Arrivals, Journal, OwedRefs, Seeds, Receipts, Seals, Totals)
