//go:build js

package browser

import (
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Options configure a host. The zero value is ready to use.
type Options struct {
	// Key is the identity of the peer: see Identity. Defaults to a new Ed25519 key, so that the
	// peer has another id each time.
	Key crypto.PrivKey

	// Relays are peers with a circuit v2 relay, at addresses that a page can dial. The host keeps a
	// connection to each and a reservation with it, for as long as it is open, and tells other peers
	// that it is reached through them. A kad-dht server needs relays without limits on what they
	// relay: kad-dht opens no streams on limited connections. At most MaxRelays. Defaults to none:
	// then no peer can dial this one.
	Relays []peer.AddrInfo

	// UserAgent is told to other peers. Defaults to "netabase-browser".
	UserAgent string
}

// MaxRelays is how many Options.Relays there may be.
const MaxRelays = 16

func (o Options) normalize() (Options, error) {
	var faults []error
	if len(o.Relays) > MaxRelays {
		faults = append(faults, fmt.Errorf("%d Relays are more than %d", len(o.Relays), MaxRelays))
	}
	for i, relay := range o.Relays {
		if err := relay.ID.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("Relays[%d]: %w", i, err))
		}
		if len(relay.Addrs) == 0 {
			faults = append(faults, fmt.Errorf("Relays[%d] has no address", i))
		}
	}
	if o.Key == nil {
		key, _, err := crypto.GenerateEd25519Key(nil)
		faults = append(faults, err)
		o.Key = key
	}
	if o.UserAgent == "" {
		o.UserAgent = "netabase-browser"
	}
	if err := errors.Join(faults...); err != nil {
		return o, fmt.Errorf("options of a host: %w", err)
	}
	return o, nil
}
