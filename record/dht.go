package record

import (
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// ProtocolPrefix is the prefix of the DHT's protocols in DHTOptions: peers of
// another network, such as IPFS, do not understand these records.
const ProtocolPrefix protocol.ID = "/netabase"

// DHTOptions returns all that dht.New needs to keep its records here: the
// datastore, the validators and the protocol prefix. Options given to dht.New
// after them take precedence.
//
// kad-dht's own sweeps stay as they are, since they are what removes records and
// providers that have expired.
func (r *Records) DHTOptions() []dht.Option {
	return []dht.Option{
		dht.ProtocolPrefix(ProtocolPrefix),
		dht.Datastore(r),
		dht.Validator(r.Validator()),
	}
}
