package record

import (
	"math"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// ProtocolPrefix is the prefix of the DHT's protocols in DHTOptions: peers of
// another network, such as IPFS, do not understand these records.
const ProtocolPrefix protocol.ID = "/netabase"

// DHTOptions returns all the options that dht.New needs to keep its records here: the
// datastore, the validators, the protocol prefix, and the ages at which records
// and provider records expire. Options given to dht.New after them take
// precedence.
//
// DHTOptions switch off kad-dht's own sweeps, which read the whole store: Records remove
// expired records themselves. A dht.ProviderManagerOpts given after them replaces ours,
// and switches the sweep of provider records on again unless it has
// records.CleanupInterval(0). The sweeps do no harm; they only cost the reads.
func (r *Records) DHTOptions() []dht.Option {
	validity := r.ages.provider
	if validity < 0 {
		validity = math.MaxInt64
	}
	return []dht.Option{
		dht.ProtocolPrefix(ProtocolPrefix),
		dht.Datastore(r),
		dht.Validator(r.Validator()),
		dht.MaxRecordAge(max(r.ages.record, 0)), // none is for ever there, too
		dht.ValueGCInterval(0),
		dht.ProviderManagerOpts(records.ProvideValidity(validity), records.CleanupInterval(0)),
	}
}
